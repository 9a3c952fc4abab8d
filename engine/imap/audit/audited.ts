// Who listens to the mailboxes of an account, as the ledger knows it: what each takes, since when, and how far it has read.
import type { Ledger } from '../../ledger/ledger';
import { ownFrom } from '../../source/audit';
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
      from: ownFrom(one.createdAt, reading),
    };
    mailboxes.set(one.source.mailbox, [...(mailboxes.get(one.source.mailbox) ?? []), audited]);
  }
  return new Map([...mailboxes].sort(([one], [other]) => (one < other ? -1 : 1)));
}
