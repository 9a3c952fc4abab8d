// Opens the ledger of a SQLite file in the thread that calls: the file's own (thread/worker.ts), as a rule.
// Invariant: a file that was open before is opened again only if it is still the same.
import type { Log } from '../../runtime/log';
import type { Instance } from '../ownership';
import { type OpenedFile, replacedFault, type SqliteConnection } from './connection';
import { type LedgerHere, ledgerHere } from './ledger-here';
import { openConnection, openReader } from './open';

export interface OpenedHere {
  readonly ledger: LedgerHere;
  readonly opened: OpenedFile;
}

/**
 * @param instance null: nobody is refused
 * @param same as it was when it was open before
 * @throws LedgerFault
 */
export async function openHere(
  file: string,
  instance: Instance | null = null,
  log?: Log,
  same?: OpenedFile,
): Promise<OpenedHere> {
  return known(await openConnection(file, log, same?.file), instance, same);
}

/** Only to look at what is in a file that is open for writing elsewhere. @throws LedgerFault */
export async function openToRead(file: string, same: OpenedFile): Promise<OpenedHere> {
  return known(await openReader(file, same.file), null, same);
}

async function known(
  connection: SqliteConnection,
  instance: Instance | null,
  same: OpenedFile | undefined,
): Promise<OpenedHere> {
  const ledger = ledgerHere(connection, instance);
  const ledgerId = await ledger.ledgerId();
  if (same && ledgerId !== same.ledgerId) {
    await ledger.close();
    throw replacedFault(connection.file, true);
  }
  return { ledger, opened: { file: connection.opened, ledgerId } };
}
