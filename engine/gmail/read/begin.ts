// Where a subscription goes on in an account, or begins.
// Invariants: what arrived since people were told that it listens is never passed over; older mail is read only if
// somebody asked for it.
import { CLOCK_MARGIN_MS } from '../../runtime/time';
import type { Fill, GmailCursor } from './cursor';
import { readCursor } from './cursor';
import type { GmailBeginning, GmailSyncJob } from './job';
import type { GmailReading } from './reading';

/** What `now` is in the account: asked once for all who begin, and only if somebody does. */
export type AskNow = () => Promise<{ readonly historyId: string; readonly at: number }>;

/** @param stored where it stood @returns the same, if it goes on there */
export async function beginningCursor(
  stored: GmailCursor | null,
  { subscription, reading, reachedLate, switchedOnAt }: GmailBeginning,
  now: AskNow,
): Promise<GmailCursor> {
  const on =
    switchedOnAt !== undefined && reading.skipWhileOff ? (reading.skipBefore ?? switchedOnAt) : undefined;
  const skips = stored !== null && on !== undefined && stored.from < on;
  if (stored && !skips) return stored;
  // The ledger's clock may be behind: it was switched on all the same.
  const from = skips ? on : Math.max(subscription.createdAt, reading.skipBefore ?? -Infinity);
  const { historyId, at } = await now();
  const fill = stored ? stored.fill : fillFor(reading);
  return {
    historyId,
    syncedAt: at,
    from,
    // "From now on" means by date, if the account is only reached now.
    ...(reachedLate && { since: from - CLOCK_MARGIN_MS }),
    ...(fill && { fill }),
  };
}

function fillFor({ start }: GmailReading): Fill | null {
  const fill = { list: 0, counted: 0, read: 0 };
  if (start.kind === 'new' || (start.kind === 'last' && start.count < 1)) return null;
  if (start.kind === 'since') return { ...fill, since: start.at };
  return start.kind === 'last' ? { ...fill, count: start.count } : fill;
}

/** From when on a mail is of interest that was moved to where it counts. Ms since 1970. */
export function interestedFrom({ start }: GmailReading, { from }: GmailCursor): number {
  if (start.kind === 'everything') return -Infinity;
  const began = from - CLOCK_MARGIN_MS;
  return start.kind === 'since' ? Math.min(start.at, began) : began;
}

/** Where all stand, and which of them have only now begun there. */
export async function beginningCursors(job: GmailSyncJob): Promise<{
  readonly cursors: ReadonlyMap<number, GmailCursor>;
  readonly begun: ReadonlyMap<number, GmailCursor>;
}> {
  const stored = await job.ledger.cursors(job.subscriptions.map(({ subscription }) => subscription.id));
  let asked: ReturnType<AskNow> | undefined;
  const now: AskNow = () => (asked ??= askNow(job));
  const cursors = new Map<number, GmailCursor>();
  const begun = new Map<number, GmailCursor>();
  for (const beginning of job.subscriptions) {
    const { id } = beginning.subscription;
    const before = readCursor(stored.get(id));
    const cursor = await beginningCursor(before, beginning, now);
    cursors.set(id, cursor);
    if (cursor !== before) begun.set(id, cursor);
  }
  return { cursors, begun };
}

async function askNow({ api }: GmailSyncJob): ReturnType<AskNow> {
  const at = Date.now();
  return { historyId: (await api.profile()).historyId, at };
}
