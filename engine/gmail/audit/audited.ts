// Who listens to a Gmail account, as the ledger knows it: what each takes, since when, and how far it has read.
import type { Ledger } from '../../ledger/ledger';
import { CLOCK_MARGIN_MS } from '../../runtime/time';
import { type GmailCursor, readCursor } from '../read/cursor';
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
    const reading = compileGmailReading({ ...data, notifications: { kind: 'none' } }, noToken);
    return [
      {
        subscription: { ...one, cursor: cursors.get(one.id) ?? null, nodeIds: [one.id] },
        ...{ reading, reachedLate: false, switchedOnAt: undefined, cursor, from: beginOf(cursor, data) },
      },
    ];
  });
}

/** Of the last some mails nobody knows any more which these were: what came since it began is meant. */
function beginOf({ from }: GmailCursor, { start, skipBefore }: GmailReadingData): number | null {
  const skipped = skipBefore === null ? 0 : skipBefore + CLOCK_MARGIN_MS;
  if (start.kind === 'everything') return skipped || null;
  // Gmail's clock and the database's need not agree, and a mail that came before is nobody's loss.
  const begin = start.kind === 'since' ? start.at : from + CLOCK_MARGIN_MS;
  return Math.max(begin, skipped);
}

const noToken = (): Promise<never> => Promise.reject(new Error('Nothing is pulled'));
