// What reports that a mail came back make of its entry: it came back, or from somebody else, too, or nothing.
// Invariants: a report is noted once, however often it is read; what came back of an earlier sending says nothing of a later one; and
// what was forgotten is not told again.
import type { EntryState, NotedBounce } from '../outbox';
import { entryText } from './entry';
import { storable } from './storable';

/** One that may have come back. */
export interface BounceRow {
  readonly seq: number;
  readonly id: string;
  readonly state: EntryState;
  readonly messageId: string;
  readonly queuedAt: number;
  readonly begunAt: number | null;
  readonly lastError: string | null;
}

export interface Bounced {
  readonly seq: number;
  readonly id: string;
  /** All of them. */
  readonly reason: string;
}

/** What two machines' clocks differ by, and what a date without fractions of a second leaves out, ms. */
const CLOCKS_MS = 60_000;

export const bouncedIdsOf = (bounces: readonly NotedBounce[]): readonly string[] => [
  ...new Set(bounces.map(({ messageId }) => storable(messageId))),
];

/** @returns those of the rows that change */
export const bouncedOf = (rows: readonly BounceRow[], bounces: readonly NotedBounce[]): readonly Bounced[] =>
  rows.flatMap((row): Bounced[] => {
    const reason = reasonOf(
      row,
      bounces.filter((bounce) => storable(bounce.messageId) === row.messageId && !isOfEarlier(bounce, row)),
    );
    return reason === null ? [] : [{ seq: row.seq, id: row.id, reason }];
  });

function reasonOf({ state, lastError }: BounceRow, bounces: readonly NotedBounce[]): string | null {
  const before = state === 'BOUNCED' ? lastError : '';
  if (before === null || bounces.length === 0) return null;
  const reason = bounces
    .map((bounce) => entryText(bounce.reason)!)
    .reduce((said, more) => (said.includes(more) ? said : entryText(`${said} ${more}`.trim())!), before);
  return state === 'BOUNCED' && reason === before ? null : reason;
}

/** Where it says that it was written before the entry was even queued, its clock is wrong. */
const isOfEarlier = ({ at }: NotedBounce, { queuedAt, begunAt }: BounceRow): boolean =>
  typeof at === 'number' && begunAt !== null && at >= queuedAt - CLOCKS_MS && at < begunAt - CLOCKS_MS;
