// Does with mails in their Gmail account what is due to be done: after their run succeeded, or when they are dead.
// Invariants: everything here may be done twice without harm, since nobody knows what was done before a crash; a mail
// that is not there any more needs nothing; what Gmail refuses is postponed and told, what else fails is thrown.
import type { Ledger } from '../../ledger/ledger';
import type { SourceHold } from '../../ledger/source-holds';
import type { Log } from '../../runtime/log';
import { LEASE_MS, MOST_AT_ONCE, postpone } from '../../source/due-errands';
import type { GmailApi } from '../api/api';
import type { GmailFault } from '../api/fault';
import { gmailIdOf } from '../mail/identity';
import type { GmailDueErrand, GmailMailAction } from './action';
import { isRefusal, type LabelNames, type Obstacle, obstacleOf } from './obstacles';

/** batchModify costs 50 units, modify 5 (https://developers.google.com/gmail/api/reference/quota). */
const MOST_ALONE = 10;
const MOST_REQUESTS = 5;

/** A mail, and all who want the same done with it. */
interface Mail {
  readonly id: string;
  readonly dues: readonly GmailDueErrand[];
}

type ActingApi = Pick<GmailApi, 'modify' | 'modifyAll' | 'trash' | 'labels'>;

export interface GmailActionsJob {
  readonly api: ActingApi;
  /** Where workflows have logins of their own; what different ones ask for is not asked for together. */
  readonly own?: {
    /** Over the login of the workflow that asked for it, or another that may do it. */
    readonly apiOf: (subscriptionId: number) => ActingApi;
    /** Names that login. */
    readonly keyOf: (subscriptionId: number) => string;
  };
  readonly hold: SourceHold;
  readonly ledger: Pick<Ledger, 'takeErrands' | 'finishErrands' | 'postponeErrands'>;
  readonly log: Log;
  /** The account, for people. */
  readonly address: string;
  /** Tells a workflow what Gmail refuses; each time that it is refused. */
  readonly report: (subscriptionId: number, fault: Error) => void;
}

/**
 * Does up to 100 of the account's due actions. Ends early, without harm, when the signal aborts.
 * @throws GmailFault: Gmail cannot be asked now; what was not done is due again in a minute @throws LedgerFault
 */
export async function performGmailActions(
  job: GmailActionsJob,
  signal: AbortSignal,
): Promise<{ readonly mayBeMore: boolean }> {
  const taken = (await job.ledger.takeErrands(job.hold, MOST_AT_ONCE, LEASE_MS)) as GmailDueErrand[];
  const work = new Work(job, signal);
  for (const group of groupsOf(taken, (id) => job.own?.keyOf(id) ?? '')) {
    if (signal.aborted) break;
    await work.perform(group);
  }
  return { mayBeMore: taken.length > 0 };
}

/** What is done with one request or several of a kind; mails go to the trash last, as people would do it. */
function groupsOf(
  taken: readonly GmailDueErrand[],
  keyOf: (subscriptionId: number) => string,
): GmailDueErrand[][] {
  const byAction = new Map<string, GmailDueErrand[]>();
  for (const due of taken) {
    const key = JSON.stringify([due.action, keyOf(due.subscriptionId)]);
    byAction.set(key, [...(byAction.get(key) ?? []), due]);
  }
  const isTrash = (group: GmailDueErrand[]): number => (group[0]!.action.kind === 'trash' ? 1 : 0);
  return [...byAction.values()].sort((a, b) => isTrash(a) - isTrash(b));
}

class Work {
  readonly #job: GmailActionsJob;
  readonly #signal: AbortSignal;
  readonly #told = new Set<string>();
  /** Of the group that is being worked on. */
  #api: ActingApi;
  #labels: Promise<LabelNames> | undefined;

  constructor(job: GmailActionsJob, signal: AbortSignal) {
    this.#job = job;
    this.#api = job.api;
    this.#signal = signal;
  }

  /** Does the same with some mails; where Gmail refuses it for all together, with each alone. */
  async perform(group: readonly GmailDueErrand[]): Promise<void> {
    const { action, subscriptionId } = group[0]!;
    const mails = mailsOf(group);
    this.#api = this.#job.own?.apiOf(subscriptionId) ?? this.#job.api;
    if (action.kind === 'trash' || mails.length <= MOST_ALONE) return this.#eachAlone(action, mails);
    try {
      await this.#api.modifyAll(
        mails.map(({ id }) => id),
        action,
      );
    } catch (error) {
      if (!isRefusal(error)) throw error;
      const obstacle = await this.#obstacle(action, error);
      return obstacle.ofAll ? this.#postpone(group, obstacle) : this.#eachAlone(action, mails);
    }
    await this.#finish(group);
  }

  async #eachAlone(action: GmailMailAction, mails: readonly Mail[]): Promise<void> {
    for (let at = 0; at < mails.length && !this.#signal.aborted; at += MOST_REQUESTS) {
      const some = mails.slice(at, at + MOST_REQUESTS);
      const answers = await Promise.allSettled(some.map(({ id }) => this.#change(id, action)));
      const failed = new Map<Mail, unknown>();
      answers.forEach((answer, index) => {
        if (answer.status === 'rejected') failed.set(some[index]!, answer.reason);
      });
      await this.#finish(duesOf(some.filter((mail) => !failed.has(mail))));
      const isOver = await this.#refused(action, failed, mails.slice(at + MOST_REQUESTS));
      // What was refused is noted before an outage ends it all.
      for (const error of failed.values()) if (!isRefusal(error)) throw error;
      if (isOver) return;
    }
  }

  /** @returns whether the others need not be tried: they are postponed, too */
  async #refused(
    action: GmailMailAction,
    failed: ReadonlyMap<Mail, unknown>,
    others: readonly Mail[],
  ): Promise<boolean> {
    const refused = [...failed.keys()].filter((mail) => isRefusal(failed.get(mail)));
    for (const mail of refused) {
      const obstacle = await this.#obstacle(action, failed.get(mail) as GmailFault);
      if (obstacle.ofAll) {
        await this.#postpone(duesOf([...refused, ...others]), obstacle);
        return true;
      }
      await this.#postpone(mail.dues, obstacle);
    }
    return false;
  }

  /** Whether the mail is still there makes no difference. */
  async #change(id: string, action: GmailMailAction): Promise<void> {
    const api = this.#api;
    await (action.kind === 'trash' ? api.trash(id) : api.modify(id, action));
  }

  async #obstacle(action: GmailMailAction, refusal: GmailFault): Promise<Obstacle> {
    const labels = action.kind === 'changeLabels' ? await (this.#labels ??= labelNames(this.#api)) : null;
    return obstacleOf(this.#job.address, action, labels, refusal);
  }

  async #finish(dues: readonly GmailDueErrand[]): Promise<void> {
    if (dues.length > 0) await this.#job.ledger.finishErrands(dues.map(({ id }) => id));
  }

  async #postpone(dues: readonly GmailDueErrand[], { fault }: Obstacle): Promise<void> {
    await postpone(this.#job.ledger, dues, fault.message);
    for (const subscriptionId of new Set(dues.map((due) => due.subscriptionId))) {
      const key = `${subscriptionId} ${fault.message}`;
      if (this.#told.has(key)) continue;
      this.#told.add(key);
      this.#job.log.warn(fault.message, { subscription: subscriptionId });
      this.#job.report(subscriptionId, fault);
    }
  }
}

/** The same change of one mail may be wanted by several workflows. */
function mailsOf(group: readonly GmailDueErrand[]): Mail[] {
  const dues = new Map<string, GmailDueErrand[]>();
  for (const due of group) {
    const id = gmailIdOf(due.identity);
    dues.set(id, [...(dues.get(id) ?? []), due]);
  }
  return [...dues].map(([id, dues]) => ({ id, dues }));
}

const duesOf = (mails: readonly Mail[]): GmailDueErrand[] => mails.flatMap(({ dues }) => dues);

async function labelNames(api: Pick<GmailApi, 'labels'>): Promise<LabelNames> {
  try {
    return new Map((await api.labels()).map(({ id, name }) => [id, name]));
  } catch (error) {
    if (isRefusal(error)) return null;
    throw error;
  }
}
