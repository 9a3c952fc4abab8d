// The ledger in one SQLite file: for n8n in regular mode, with nothing to set up.
// node:sqlite is synchronous, so all of it runs in a thread of the file's own (thread/): n8n's thread waits for no disk
// and no lock.
import type { Log } from '../../runtime/log';
import type { Ledger } from '../ledger';
import type { Instance } from '../ownership';
import { openInThread } from './thread/ledger';

export interface SqliteLedgerOptions {
  /** The n8n that opens it; left out: nobody is refused. */
  readonly instance?: Instance | undefined;
  readonly log?: Log | undefined;
}

/**
 * In a thread of its own.
 * @param file path of the ledger's file; made where missing
 * @throws LedgerFault that names the file and says what to do
 */
export const openSqliteLedger = (file: string, options: SqliteLedgerOptions = {}): Promise<Ledger> =>
  openInThread(file, options.instance ?? null, options.log);
