// Where a subscription stands in an account: everything that the history tells up to `historyId` is recorded; while
// older mail is still read, everything before `fill`; and while mails are looked for by date, what came `since` is not.
import type { Cursor } from '../../ledger/subscriptions';

/** Older mail that is still to be read, from the newest down, one list of Gmail after the other. */
export interface Fill {
  /** Which of the lists; there are several where a mail may have any of several labels. */
  readonly list: number;
  /** The page to be read next; undefined: the list's first. */
  readonly page?: string;
  /** How many mails of this list counted. */
  readonly counted: number;
  /** How many mails were read in all. */
  readonly read: number;
  /** How many there are in all, about. */
  readonly total?: number;
  /** So many of each list are enough. */
  readonly count?: number;
  /** Only mails received since then, ms since 1970. */
  readonly since?: number;
}

export interface GmailCursor {
  /** An unsigned 64-bit number: BigInt, never Number. */
  readonly historyId: string;
  /** Everything that came before this is known, if all is well; ms since 1970. Rewritten at least hourly. */
  readonly syncedAt: number;
  /** What was received before is not new to it; ms since 1970. */
  readonly from: number;
  /** Mails received since then are to be looked for by date: the history does not tell of all of them. */
  readonly since?: number;
  /** That is so because the history had expired, not because the account was first reached late. */
  readonly expired?: boolean;
  readonly fill?: Fill;
}

/** How old `syncedAt` may become where nothing happens. */
const REWRITE_MS = 3_600_000;

export function readCursor(cursor: Cursor | null | undefined): GmailCursor | null {
  if (typeof cursor?.['historyId'] !== 'string' || typeof cursor['syncedAt'] !== 'number') return null;
  const { historyId, syncedAt, from, since, expired } = cursor;
  const fill = readFill(cursor);
  return {
    historyId,
    syncedAt,
    from: Number(from ?? syncedAt),
    ...(typeof since === 'number' && { since }),
    ...(expired === 1 && { expired: true }),
    ...(fill && { fill }),
  };
}

function readFill(cursor: Cursor): Fill | undefined {
  const { fillLabel, fillPage, fillCounted, fillRead, fillTotal, fillCount, fillSince } = cursor;
  if (typeof fillLabel !== 'number') return undefined;
  return {
    list: fillLabel,
    counted: Number(fillCounted ?? 0),
    read: Number(fillRead ?? 0),
    ...(typeof fillPage === 'string' && { page: fillPage }),
    ...(typeof fillTotal === 'number' && { total: fillTotal }),
    ...(typeof fillCount === 'number' && { count: fillCount }),
    ...(typeof fillSince === 'number' && { since: fillSince }),
  };
}

export const storedCursor = ({ fill, expired, ...cursor }: GmailCursor): Cursor => ({
  ...cursor,
  ...(expired && { expired: 1 }),
  ...(fill && {
    fillLabel: fill.list,
    fillCounted: fill.counted,
    fillRead: fill.read,
    ...(fill.page !== undefined && { fillPage: fill.page }),
    ...(fill.total !== undefined && { fillTotal: fill.total }),
    ...(fill.count !== undefined && { fillCount: fill.count }),
    ...(fill.since !== undefined && { fillSince: fill.since }),
  }),
});

/**
 * The cursor once everything up to `historyId` is recorded; never backwards.
 * @param at when the history was asked @returns the same, if it need not be stored
 */
export function advanced(cursor: GmailCursor, historyId: string, at: number): GmailCursor {
  const isNewer = BigInt(historyId) > BigInt(cursor.historyId);
  if (!isNewer && at - cursor.syncedAt < REWRITE_MS) return cursor;
  return {
    ...cursor,
    historyId: isNewer ? historyId : cursor.historyId,
    syncedAt: Math.max(at, cursor.syncedAt),
  };
}

/** The cursor once what came `since` is recorded. */
export function caughtUp({ since: _, expired: __, ...cursor }: GmailCursor): GmailCursor {
  return cursor;
}

/** The cursor once its older mail is read so far. @param fill undefined: it is read */
export function filled({ fill: _, ...cursor }: GmailCursor, fill: Fill | undefined): GmailCursor {
  return { ...cursor, ...(fill && { fill }) };
}
