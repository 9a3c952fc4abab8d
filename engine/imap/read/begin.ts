// Where a subscription goes on in a mailbox that was just opened, or begins.
// Invariants: what arrived since people were told that it listens is never passed over; older mail is read only if
// somebody asked for it; what came while it was off is passed over once each time it was switched on, whoever reads.
import { CLOCK_MARGIN_MS } from '../../runtime/time';
import type { Beginning } from '../../source/source';
import type { Fill, ImapCursor } from './cursor';
import type { ImapReading } from './reading';
import type { OpenedMailbox } from '../session/news';
import type { ImapSession } from '../session/session';

export type ImapBeginning = Beginning<ImapReading>;

/** @param stored where it stood @returns the same, if it goes on there */
export async function beginningCursor(
  stored: ImapCursor | null,
  opened: OpenedMailbox,
  beginning: ImapBeginning,
  session: ImapSession,
): Promise<ImapCursor> {
  const { uidValidity, uidNext } = opened;
  const { subscription, reading, reachedLate, switchedOnAt } = beginning;
  const now = { uidValidity, uid: uidNext - 1 };
  const again = { uidValidity, uid: 0, since: subscription.createdAt - CLOCK_MARGIN_MS };
  const on =
    switchedOnAt !== undefined && reading.skipWhileOff ? (reading.skipBefore ?? switchedOnAt) : undefined;
  if (stored !== null && on !== undefined && (stored.on ?? -Infinity) < on) {
    // "From now on" means by date, if the mailbox is only reached now.
    const fill = stored.uidValidity === uidValidity ? stored.fill : undefined;
    const from = reachedLate ? { ...again, since: on - CLOCK_MARGIN_MS } : now;
    return { ...from, ...(fill && { fill }), on };
  }
  if (stored?.uidValidity === uidValidity) return stored;
  // Renumbered: old UIDs mean nothing, the mails are the same. What is recorded is known by its soft identity.
  const from = stored || reachedLate ? again : now;
  const fill = !stored || stored.fill ? await fillFor(reading, opened, session) : null;
  const known = on ?? stored?.on;
  return { ...from, ...(fill && { fill }), ...(known !== undefined && { on: known }) };
}

async function fillFor(
  { start }: ImapReading,
  { uidNext }: OpenedMailbox,
  session: ImapSession,
): Promise<Fill | null> {
  // How many mails there were when it was opened says nothing: that may be long ago.
  if (start.kind === 'new' || uidNext <= 1) return null;
  const fill = { below: uidNext, downTo: 1, read: 0 };
  if (start.kind === 'since') return { ...fill, since: start.at };
  if (start.kind === 'everything') return fill;
  const downTo = await session.listing.fromEnd(start.count);
  // So many have come in the meantime that none of the older ones is among the last.
  return downTo < uidNext ? { ...fill, downTo } : null;
}
