// Who listens to the mailboxes of an account, as the ledger knows it: what each takes, since when, and how far it has read.
import type { Ledger } from '../../ledger/ledger';
import type { ReadSubscription } from '../../ledger/readings';
import { CLOCK_MARGIN_MS } from '../../runtime/time';
import { readCursor } from '../read/cursor';
import { compileImapReading, type ImapReadingData } from '../read/reading-data';
import type { Audited } from './audit';

/** @param account as `accountName` @returns by mailbox, in their order @throws LedgerFault, Error: a newer version has stored it */
export async function auditedOf(
  ledger: Pick<Ledger, 'readings' | 'cursors'>,
  account: string,
): Promise<ReadonlyMap<string, readonly Audited[]>> {
  const known = await ledger.readings({ kind: 'imap', account });
  const cursors = await ledger.cursors(known.map(({ id }) => id));
  const mailboxes = new Map<string, Audited[]>();
  for (const one of known) {
    const reading = one.reading as ImapReadingData;
    const audited: Audited = {
      subscription: { ...one, cursor: cursors.get(one.id) ?? null, nodeIds: [one.id] },
      reading: compileImapReading(reading),
      ...{ reachedLate: false, switchedOnAt: undefined },
      cursor: readCursor(cursors.get(one.id)),
      from: beginOf(one, reading),
    };
    mailboxes.set(one.source.mailbox, [...(mailboxes.get(one.source.mailbox) ?? []), audited]);
  }
  return new Map([...mailboxes].sort(([one], [other]) => (one < other ? -1 : 1)));
}

/** Of the last some mails nobody knows any more which these were: what came since it began is meant. */
function beginOf({ createdAt }: ReadSubscription, { start, skipBefore }: ImapReadingData): number | null {
  const skipped = skipBefore === null ? 0 : skipBefore + CLOCK_MARGIN_MS;
  if (start.kind === 'everything') return skipped || null;
  // The server's clock and the database's need not agree, and a mail that came before is nobody's loss.
  const begin = start.kind === 'since' ? start.at : createdAt + CLOCK_MARGIN_MS;
  return Math.max(begin, skipped);
}
