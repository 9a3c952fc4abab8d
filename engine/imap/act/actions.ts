// Does with mails on their server what is due to be done: after their run succeeded, or when they are dead.
// Invariants: what was begun before, and may have been done, is not done twice; a mail that is not in the mailbox
// any more needs nothing; what the server refuses is postponed and told, what the connection fails at is thrown.
import type { Ledger } from '../../ledger/ledger';
import type { SourceHold } from '../../ledger/source-holds';
import type { Log } from '../../runtime/log';
import { LEASE_MS, MOST_AT_ONCE, postpone } from '../../source/due-errands';
import type { ImapDueErrand } from './action';
import { change, findCopied, groupsOf, type Task, targetOf, uidsOf } from './changes';
import { ImapFault } from '../session/fault';
import { findMails } from '../find/find';
import { type Obstacle, obstacleOf, obstacleTo } from './obstacles';
import { Refusal } from '../session/refusal';
import type { OpenedMailbox } from '../session/news';
import type { ImapSession } from '../session/session';

/** What passes by itself is told to nobody before it was tried so often. */
const TOLD_AFTER = 4;

export interface ActionsJob {
  readonly session: ImapSession;
  readonly mailbox: string;
  readonly hold: SourceHold;
  readonly ledger: Pick<Ledger, 'takeErrands' | 'finishErrands' | 'postponeErrands'>;
  readonly log: Log;
  /** Tells a workflow what the server refuses; each time that it is refused. */
  readonly report: (subscriptionId: number, fault: Error) => void;
}

export interface ActionsEnd {
  /** How many need nothing more. */
  readonly done: number;
  readonly mayBeMore: boolean;
  /** The mailbox as it is open now, to be changed; null: nothing was due, and it is open as it was. */
  readonly opened: OpenedMailbox | null;
}

/**
 * Does up to 100 of the source's due actions. Ends early, without harm, when the signal aborts.
 * @throws ImapFault: the connection failed, or the mailbox cannot be opened @throws LedgerFault
 */
export async function performActions(job: ActionsJob, signal: AbortSignal): Promise<ActionsEnd> {
  const taken = (await job.ledger.takeErrands(job.hold, MOST_AT_ONCE, LEASE_MS)) as ImapDueErrand[];
  if (taken.length === 0) return { done: 0, mayBeMore: false, opened: null };
  const work = new Work(job);
  const copied = await findCopied(job.session, job.mailbox, taken);
  const opened = await job.session.openToChange(job.mailbox);
  const tasks = await work.locate(taken, opened, copied);
  for (const group of groupsOf(tasks)) {
    if (signal.aborted) break;
    await work.perform(group);
  }
  return { done: work.done, mayBeMore: taken.length === MOST_AT_ONCE, opened };
}

class Work {
  readonly #job: ActionsJob;
  readonly #told = new Set<string>();
  done = 0;

  constructor(job: ActionsJob) {
    this.#job = job;
  }

  /** Finds the mails, and finishes what needs nothing to be done. */
  async locate(
    taken: readonly ImapDueErrand[],
    { uidValidity }: OpenedMailbox,
    copied: ReadonlySet<ImapDueErrand>,
  ): Promise<Task[]> {
    const { session, mailbox, log } = this.#job;
    const tasks: Task[] = [];
    const idle: ImapDueErrand[] = [];
    for (const [due, uids] of await findMails(session, uidValidity, taken)) {
      const target = targetOf(due);
      const isThere = target !== null && session.isSameMailbox(target, mailbox);
      const isDone = due.action.kind === 'copy' && copied.has(due);
      const [uid] = uids;
      if (uids.length > 1) {
        const fields = { action: due.action.kind, uids: uids.join(' ') };
        log.warn(
          `Mails in "${mailbox}" look the same since it was renumbered: nothing is done with them`,
          fields,
        );
      }
      if (uid === undefined || uids.length > 1 || isThere || isDone) idle.push(due);
      else tasks.push({ due, uid, copied: copied.has(due) });
    }
    await this.#finish(idle);
    return tasks;
  }

  /** Does the same with some mails; where the server refuses, with each of them. */
  async perform(group: readonly Task[]): Promise<void> {
    const { session, mailbox } = this.#job;
    const { action } = group[0]!.due;
    const before = obstacleTo(session, mailbox, action);
    if (before) return this.#postpone(group, before);
    try {
      await change(session, group);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      return this.#refused(group, await obstacleOf(session, mailbox, action, error));
    }
    await this.#finish(group.map(({ due }) => due));
  }

  async #refused(group: readonly Task[], obstacle: Obstacle): Promise<void> {
    // It may have been refused because some of them are not there any more.
    const there = await this.#job.session.mails.present(uidsOf(group));
    await this.#finish(group.filter(({ uid }) => !there.has(uid)).map(({ due }) => due));
    const left = group.filter(({ uid }) => there.has(uid));
    if (obstacle.ofAll || group.length === 1) return this.#postpone(left, obstacle);
    for (const task of left) await this.perform([task]);
  }

  async #finish(dues: readonly ImapDueErrand[]): Promise<void> {
    if (dues.length === 0) return;
    await this.#job.ledger.finishErrands(dues.map(({ id }) => id));
    this.done += dues.length;
  }

  async #postpone(group: readonly Task[], { text, passes }: Obstacle): Promise<void> {
    const dues = group.map(({ due }) => due);
    await postpone(this.#job.ledger, dues, text);
    for (const due of dues) {
      const key = `${due.subscriptionId} ${text}`;
      if (this.#told.has(key) || (passes && due.tries < TOLD_AFTER)) continue;
      this.#told.add(key);
      this.#job.log.warn(text, { subscription: due.subscriptionId });
      this.#job.report(due.subscriptionId, new ImapFault('other', text));
    }
  }
}
