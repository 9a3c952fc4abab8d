// Where a subscription stands in a mailbox: every mail up to `uid` of this UIDVALIDITY is recorded.
import type { Cursor, Subscription } from '../ledger/ledger';
import type { OpenedMailbox } from './session';

export interface ImapCursor {
  readonly uidValidity: string;
  readonly uid: number;
  /**
   * Set while the mailbox is read from its beginning: only mails received since then (ms since 1970) count.
   * So it is after the server renumbered the mailbox, and when it was first reached after the start.
   */
  readonly since?: number;
}

// The server's clock and the database's need not agree; a mail too many is better than one too few.
const CLOCK_MARGIN_MS = 60_000;

export function readCursor(cursor: Cursor | null | undefined): ImapCursor | null {
  if (typeof cursor?.['uidValidity'] !== 'string' || typeof cursor['uid'] !== 'number') return null;
  const { uidValidity, uid, since } = cursor;
  return { uidValidity, uid, ...(typeof since === 'number' && { since }) };
}

export const storedCursor = (cursor: ImapCursor): Cursor => ({ ...cursor });

/**
 * The cursor to go on from, given the stored one and the mailbox as it is now.
 * @param reachedLate people were told that the subscription listens before the mailbox was first reached: "from
 *   now on" then means from its beginning, by date, so that nothing of the meantime is lost
 */
export function startingCursor(
  stored: ImapCursor | null,
  opened: OpenedMailbox,
  subscription: Subscription,
  reachedLate: boolean,
): ImapCursor {
  if (stored?.uidValidity === opened.uidValidity) return stored;
  if (!stored && !reachedLate) return { uidValidity: opened.uidValidity, uid: opened.uidNext - 1 };
  // Renumbered: old UIDs mean nothing, the mails are the same. What is recorded is known by its soft identity.
  return { uidValidity: opened.uidValidity, uid: 0, since: subscription.createdAt - CLOCK_MARGIN_MS };
}

/** The cursor once everything up to `uid` is recorded; never backwards. */
export const advanced = (cursor: ImapCursor, uid: number): ImapCursor =>
  uid > cursor.uid ? { ...cursor, uid } : cursor;
