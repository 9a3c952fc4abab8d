// Where a subscription stands in a mailbox: every mail up to `uid` of this UIDVALIDITY is recorded, and, while
// older mail is still read, every mail from `fill.below` on.
import type { Cursor } from '../../ledger/subscriptions';

/** Older mail that is still to be read, from the newest down. */
export interface Fill {
  /** What is below this UID is not read yet. */
  readonly below: number;
  /** The lowest UID that counts. */
  readonly downTo: number;
  /** Only mails received since then count (ms since 1970). */
  readonly since?: number;
  /** How many mails were read. */
  readonly read: number;
}

export interface ImapCursor {
  readonly uidValidity: string;
  readonly uid: number;
  /**
   * Set while the mailbox is read again, from `uid` up: only mails received since then (ms since 1970) count.
   * So it is after the server renumbered the mailbox, and when it was first reached after the start.
   */
  readonly since?: number;
  readonly fill?: Fill;
  /** What came before this time, while it was switched off, is passed over already (ms since 1970). */
  readonly on?: number;
}

export function readCursor(cursor: Cursor | null | undefined): ImapCursor | null {
  if (typeof cursor?.['uidValidity'] !== 'string' || typeof cursor['uid'] !== 'number') return null;
  const { uidValidity, uid, since, on, fillBelow, fillDownTo, fillSince, fillRead } = cursor;
  const fill =
    typeof fillBelow === 'number'
      ? {
          below: fillBelow,
          downTo: Number(fillDownTo ?? 1),
          read: Number(fillRead ?? 0),
          ...(typeof fillSince === 'number' && { since: fillSince }),
        }
      : undefined;
  return {
    ...{ uidValidity, uid },
    ...(typeof since === 'number' && { since }),
    ...(fill && { fill }),
    ...(typeof on === 'number' && { on }),
  };
}

export const storedCursor = ({ fill, ...cursor }: ImapCursor): Cursor => ({
  ...cursor,
  ...(fill && {
    fillBelow: fill.below,
    fillDownTo: fill.downTo,
    fillRead: fill.read,
    ...(fill.since !== undefined && { fillSince: fill.since }),
  }),
});

/** The cursor once everything up to `uid` is recorded; never backwards. */
export const advanced = (cursor: ImapCursor, uid: number): ImapCursor =>
  uid > cursor.uid ? { ...cursor, uid } : cursor;

/** The cursor once everything from `low` on is recorded. @param count how many mails that were */
export function filled(cursor: ImapCursor, low: number, count: number): ImapCursor {
  const { fill, ...rest } = cursor;
  if (!fill || low >= fill.below) return cursor;
  if (low <= fill.downTo) return rest;
  return { ...rest, fill: { ...fill, below: low, read: fill.read + count } };
}
