// Who listens to a Gmail account, as the ledger knows it: what each takes, since when, and how far it has read.
import type { Ledger } from '../../ledger/ledger';
import { ownFrom } from '../../source/audit';
import { readCursor } from '../read/cursor';
import { compileGmailReading, type GmailReadingData } from '../read/reading-data';
import type { Audited } from './audit';

/**
 * @param account its address, lower case
 * @returns those who have begun to read it @throws LedgerFault, Error: a newer version has stored it
 */
export async function auditedOf(
  ledger: Pick<Ledger, 'readings' | 'cursors'>,
  account: string,
): Promise<readonly Audited[]> {
  const known = await ledger.readings({ kind: 'gmail', account });
  const cursors = await ledger.cursors(known.map(({ id }) => id));
  return known.flatMap((one) => {
    const cursor = readCursor(cursors.get(one.id));
    if (!cursor) return [];
    const data = one.reading as GmailReadingData;
    const reading = compileGmailReading(data);
    return [
      {
        subscription: { ...one, cursor: cursors.get(one.id) ?? null, nodeIds: [one.id] },
        ...{ reading, reachedLate: false, switchedOnAt: undefined, cursor, from: ownFrom(cursor.from, data) },
      },
    ];
  });
}
