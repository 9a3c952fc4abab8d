// One mailbox, compared with the ledger, and recorded where that is asked for and nobody else reads it.
// Invariant: the lease is given back, whatever happens; a mailbox that somebody else reads is compared all the same.
import type { Ledger } from '../../engine/ledger/ledger';
import type { SourceHold } from '../../engine/ledger/source-holds';
import { errorText, type Log } from '../../engine/runtime/log';
import type { AuditCounts } from '../../engine/source/audit';
import type { SourceLease, SourceLeases } from '../../engine/source/leases';
import type { MissingMail, Reporter } from './report';

/** The ledger counts no further. */
const MOST_COUNTED = 1_000_000;

export interface ComparePorts {
  readonly ledger: Ledger;
  /** Null: nothing is to be recorded. */
  readonly leases: SourceLeases | null;
  readonly recorded: (subscriptionIds: readonly number[]) => void;
  readonly since: number | undefined;
  readonly report: Reporter;
  readonly log: Log;
  readonly signal: AbortSignal;
}

export interface Compared {
  /** As the ledger names them. */
  readonly account: string;
  readonly mailbox: string;
  readonly sourceId: number;
  /** @param given `hold`: what is missing is recorded */
  readonly audit: (given: {
    readonly hold?: SourceHold;
    readonly found: (mail: MissingMail) => void;
  }) => Promise<AuditCounts>;
}

/** @returns false: something is missing, or could not be compared, which is told */
export async function compare(
  { account, mailbox, sourceId, audit }: Compared,
  { ledger, leases, since, report }: ComparePorts,
): Promise<boolean> {
  const of = { account, mailbox };
  let lease: SourceLease | null = null;
  try {
    if (leases) lease = await leases.take(sourceId);
    const found = (mail: MissingMail): void => report.missing({ ...of, ...mail });
    const counts = await audit({ ...(lease && { hold: lease.hold }), found });
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
