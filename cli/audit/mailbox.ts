// One mailbox, compared with the ledger, and recorded where that is asked for and nobody else reads it.
// Invariant: the lease is given back, whatever happens; a mailbox that somebody else reads is compared all the same.
import { audit, type Audited } from '../../engine/imap/audit/audit';
import type { ImapSession } from '../../engine/imap/session/session';
import type { Ledger } from '../../engine/ledger/ledger';
import { errorText, type Log } from '../../engine/runtime/log';
import type { SourceLease, SourceLeases } from '../../engine/source/leases';
import type { Reporter } from './report';

/** The ledger counts no further. */
const MOST_COUNTED = 1_000_000;

export interface MailboxPorts {
  readonly session: ImapSession;
  /** As the ledger names it. */
  readonly account: string;
  readonly ledger: Ledger;
  /** Null: nothing is to be recorded. */
  readonly leases: SourceLeases | null;
  readonly recorded: (subscriptionIds: readonly number[]) => void;
  readonly since: number | undefined;
  readonly report: Reporter;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** @returns false: something is missing, or could not be compared, which is told */
export async function auditOne(
  mailbox: string,
  subscriptions: readonly Audited[],
  ports: MailboxPorts,
): Promise<boolean> {
  const { session, account, ledger, leases, recorded, since, report, log, signal } = ports;
  const { sourceId } = subscriptions[0]!.subscription;
  const of = { account, mailbox };
  let lease: SourceLease | null = null;
  try {
    if (leases) lease = await leases.take(sourceId);
    const counts = await audit({
      ...{ session, mailbox, subscriptions, ledger, log, signal, recorded },
      ...(since !== undefined && { since }),
      ...(lease && { hold: lease.hold }),
      found: ({ uid, receivedAt, size }) => report.missing({ ...of, uid, receivedAt, size }),
    });
    report.compared({ ...of, ...counts, ...(await standing(ledger, sourceId, since)) });
    const left = counts.missing - counts.recorded;
    if (leases && !lease && left > 0) report.failed(of, await heldBy(ledger, sourceId));
    return left === 0;
  } catch (error) {
    report.failed(of, errorText(error));
    return false;
  } finally {
    await lease?.release();
  }
}

/** What became of what the ledger has of the mailbox: its events, one for each who takes a mail. */
async function standing(
  ledger: Ledger,
  sourceId: number,
  since: number | undefined,
): Promise<{ done: number; waiting: number; dead: number; other: number }> {
  const count = (...states: NonNullable<Parameters<Ledger['count']>[0]['states']>): Promise<number> =>
    ledger.count({ sourceId, states, ...(since !== undefined && { since }) }, MOST_COUNTED);
  const [done, waiting, dead, other] = await Promise.all([
    count('DONE'),
    count('PENDING', 'QUEUED', 'RUNNING', 'RETRY'),
    count('DEAD'),
    count('GONE', 'UNKNOWN'),
  ]);
  return { done, waiting, dead, other };
}

async function heldBy(ledger: Ledger, sourceId: number): Promise<string> {
  const { holder } = (await ledger.sources()).find(({ id }) => id === sourceId) ?? {};
  return (
    `Nothing was recorded: ${holder ?? 'another process'} reads this mailbox, and only who reads it may record. Stop that process, or ` +
    'unpublish the workflow, run audit --record, and start it again: it goes on where it was.'
  );
}
