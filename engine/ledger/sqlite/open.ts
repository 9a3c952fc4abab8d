// Opens the SQLite file and brings its schema up to date. The only file that imports node:sqlite, and only
// when a ledger is opened: every process of n8n loads every node file.
import { chmodSync, mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { errorText, type Log } from '../../runtime/log';
import { LedgerFault } from '../fault';
import { patiently, rollback, SqliteConnection } from './connection';
import { sqliteFault } from './fault';
import { migrations } from './migrations';

// Busy: another process (n8n's command line) may hold the file's write lock for a moment. SQLite's own waiting would
// hold n8n's only thread: it is tried again instead (connection.ts).
// FULL: a commit that was answered survives a power cut, also in WAL.
// The cache is 16 MB: with SQLite's own 2 MB, the indexes of a million mails are read again and again.
const SETTINGS = `
  pragma busy_timeout = 0;
  pragma journal_mode = wal;
  pragma synchronous = full;
  pragma journal_size_limit = 67108864;
  pragma cache_size = -16384;`;

/**
 * Opens the ledger's file, making it and its folder where missing, for this user only: it holds mail.
 * @throws LedgerFault that names the file and says what to do: it cannot be opened, or a newer version wrote it
 */
export async function openConnection(file: string, log?: Log): Promise<SqliteConnection> {
  const { DatabaseSync: Database } = await import('node:sqlite').catch(() => {
    throw new LedgerFault(
      'other',
      `The mail ledger needs Node.js 22.13 or newer for its SQLite; this is ${process.version}.`,
    );
  });
  let database: DatabaseSync | undefined;
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    const opened = (database = new Database(file, { enableForeignKeyConstraints: true }));
    keepFromOthers(file, log);
    await patiently(() => opened.exec(SETTINGS));
    await patiently(() => migrate(opened, file));
    return new SqliteConnection(opened, file);
  } catch (error) {
    database?.close();
    throw sqliteFault(error, file);
  }
}

/** A file that may be used is used, also where it is another user's and its rights cannot be changed. */
function keepFromOthers(file: string, log: Log | undefined): void {
  try {
    if ((statSync(file).mode & 0o077) !== 0) chmodSync(file, 0o600);
  } catch (error) {
    log?.warn(`Who else may read the mail ledger ${file} could not be limited to n8n: ${errorText(error)}`);
  }
}

function migrate(database: DatabaseSync, file: string): void {
  database.exec('begin immediate');
  try {
    const { user_version: version } = database.prepare('pragma user_version').get() as {
      user_version: number;
    };
    if (version > migrations.length) {
      throw new LedgerFault(
        'schema',
        `The mail ledger ${file} was written by a newer n8n-nodes-durable-mail ` +
          `(schema ${version}, this version knows ${migrations.length}). Update the package.`,
      );
    }
    for (const migration of migrations.slice(version)) database.exec(migration);
    database.exec(`pragma user_version = ${migrations.length}`);
    database.exec('commit');
  } catch (error) {
    rollback(database);
    throw error;
  }
}
