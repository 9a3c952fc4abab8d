// Compares a mailbox with the ledger: which of its mails the ledger has never seen, though those who listen are past them.
// Invariants: in pages, so memory does not grow with the mailbox; a mail counts as never seen only where its subscription stood
// behind it before the server was asked, and takes it by its own rules; what was there before it began is not its own.
import type { Ledger } from '../../ledger/ledger';
import { imapIdentity } from '../../mail/identity';
import { inPieces } from '../../runtime/turns';
import { type AuditCounts, type AuditPorts, noCounts } from '../../source/audit';
import { Announcements } from '../read/announcements';
import type { ImapBeginning } from '../read/begin';
import type { ImapCursor } from '../read/cursor';
import type { NewMail, SyncJob } from '../read/job';
import { namesOf } from '../read/messages';
import { readPage, recordPage } from '../read/page';
import { Portion } from '../read/portion';
import { Recorder } from '../read/recorder';
import { chosen } from '../read/selection';
import { LastMails } from '../read/small-mails';
import { Withheld } from '../read/withheld';
import type { MailFacts } from '../session/facts';
import type { ImapSession } from '../session/session';

const PAGE_MAILS = 250;

/** One that listens to the mailbox, and where it stood before the server was asked. */
export interface Audited extends ImapBeginning {
  readonly cursor: ImapCursor | null;
  /** What the server received before is not its own; ms since 1970; null: all is. */
  readonly from: number | null;
}

export interface Auditing extends AuditPorts<Pick<MailFacts, 'uid' | 'receivedAt' | 'size'>> {
  readonly session: ImapSession;
  readonly mailbox: string;
  readonly subscriptions: readonly Audited[];
}

/** @throws ImapFault, LedgerFault, Error: somebody's rules cannot be applied */
export async function audit(auditing: Auditing): Promise<AuditCounts> {
  const { session, mailbox, since, signal } = auditing;
  const { uidValidity, uidNext } = await session.open(mailbox);
  const job = jobOf(auditing, uidValidity);
  const counts = noCounts();
  for (let below = uidNext; below > 1 && !signal.aborted;) {
    const { uids, lookedTo } = await session.listing.below(below, 1, PAGE_MAILS, since);
    if (uids.length > 0) await auditPage(auditing, job, uids, counts);
    below = lookedTo;
  }
  return counts;
}

async function auditPage(
  auditing: Auditing,
  job: SyncJob,
  uids: readonly number[],
  counts: AuditCounts,
): Promise<void> {
  const { ledger, found } = auditing;
  const read = await readPage(job, uids, new Map());
  const refused = uids.filter((uid) => job.withheld.isHeld(uid)).length;
  const candidates = await inPieces(read, (facts) => candidateOf(auditing, job, facts));
  const asked = candidates.filter(({ due }) => due.length > 0);
  const unrecorded = await neverSeen(ledger, asked);
  const missing = await chosen(job, unrecorded);
  counts.listed += candidates.length + refused;
  counts.refused += refused;
  counts.known += asked.length - unrecorded.length;
  counts.missing += missing.length;
  const notYet = candidates.filter(({ due, facts }) => due.length === 0 && isNotYet(auditing, job, facts));
  counts.notYet += notYet.length;
  counts.notDue += unrecorded.length - missing.length + candidates.length - asked.length - notYet.length;
  const left = auditing.hold ? await recorded(job, missing) : missing;
  counts.recorded += missing.length - left.length;
  for (const { facts } of left) found(facts);
}

/** @returns those that are not recorded for all the same */
async function recorded(job: SyncJob, missing: readonly NewMail[]): Promise<readonly NewMail[]> {
  if (missing.length === 0) return missing;
  const due = new Map(missing.map((mail) => [mail.facts.uid, [...mail.due]]));
  const recorder = new Recorder(job);
  await recordPage(
    job,
    {
      facts: missing.map(({ facts }) => facts),
      dueTo: ({ uid }) => due.get(uid) ?? [],
      ...{ renumbered: false, moves: () => [] },
    },
    recorder,
  );
  await recorder.end();
  return neverSeen(job.ledger, missing);
}

/** Each with those only whom it is missing for. */
async function neverSeen(ledger: Pick<Ledger, 'unrecorded'>, mails: readonly NewMail[]): Promise<NewMail[]> {
  const answered = mails.length > 0 ? await ledger.unrecorded(mails) : [];
  return answered.filter(({ due }) => due.length > 0);
}

async function candidateOf(auditing: Auditing, job: SyncJob, facts: MailFacts): Promise<NewMail> {
  const { mailbox, uidValidity } = job;
  const past = auditing.subscriptions.filter(
    (one) => isOf(one, facts) && isPast(one, uidValidity, facts.uid),
  );
  return {
    facts,
    ...(await namesOf(facts.fields, facts.size)),
    identity: imapIdentity({ mailbox, uidValidity, uid: facts.uid, emailId: facts.emailId }),
    accountWide: facts.emailId !== undefined,
    due: past.map(({ subscription }) => subscription.id),
  };
}

const isNotYet = ({ subscriptions }: Auditing, { uidValidity }: SyncJob, facts: MailFacts): boolean =>
  subscriptions.some((one) => isOf(one, facts) && !isPast(one, uidValidity, facts.uid));

const isOf = ({ from }: Audited, { receivedAt }: MailFacts): boolean =>
  from === null || receivedAt === null || receivedAt >= from;

/** It, or what it was, was looked at: what it takes of that is recorded. */
function isPast({ cursor }: Audited, uidValidity: string, uid: number): boolean {
  if (cursor?.uidValidity !== uidValidity || uid > cursor.uid) return false;
  return !cursor.fill || uid >= cursor.fill.below || uid < cursor.fill.downTo;
}

function jobOf(auditing: Auditing, uidValidity: string): SyncJob {
  const { session, mailbox, subscriptions, ledger, log, hold, signal } = auditing;
  return {
    ...{ session, mailbox, uidValidity, subscriptions, ledger, log, signal, mostWaiting: Infinity },
    // Without a hold nothing is recorded: no source has this fence.
    hold: hold ?? { sourceId: subscriptions[0]!.subscription.sourceId, fence: -1 },
    ...{ withheld: new Withheld(), portion: new Portion() },
    ...{ announcements: new Announcements(), lastMails: new LastMails() },
    recorded: auditing.recorded,
    refused: (_, fault) => {
      throw fault;
    },
    gaveUp: () => undefined,
  };
}
