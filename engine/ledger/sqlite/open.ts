// Opens the SQLite file and brings its schema up to date. The only file that imports node:sqlite, and only
// when a ledger is opened: every process of n8n loads every node file.
import { chmodSync, mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { errorText, type Log } from '../../runtime/log';
import { LedgerFault } from '../fault';
import { assertSame, type FileId, patiently, rollback, SqliteConnection } from './connection';
import { sqliteFault } from './fault';
import { migrations } from './migrations';

// Busy: another process (n8n's command line) may hold the file's write lock for a moment. SQLite's own waiting would
// hold whoever only reads: it is tried again instead (connection.ts).
// FULL: a commit that was answered survives a power cut, also in WAL.
// What was committed is copied into the file at each 16 MB: pages that change with each mail are copied less often than at
// SQLite's own 4 MB, and are looked for as quickly, up to 4,062 of them.
// The cache is 16 MB: with SQLite's own 2 MB, the indexes of a million mails are read again and again.
const SETTINGS = `
  pragma busy_timeout = 0;
  pragma journal_mode = wal;
  pragma synchronous = full;
  pragma journal_size_limit = 67108864;
  pragma wal_autocheckpoint = 4000;
  pragma cache_size = -16384;`;

/** For who only looks: it waits for nobody, and keeps less in memory. */
const SETTINGS_OF_READER = `
  pragma busy_timeout = 0;
  pragma cache_size = -4096;`;

/**
 * Opens the ledger's file, making it and its folder where missing, for this user only: it holds mail.
 * @param same what it was when it was open before: it is made no more then
 * @throws LedgerFault that names the file and says what to do: it cannot be opened, a newer version wrote it, or it is
 *   not the same any more
 */
export function openConnection(file: string, log?: Log, same?: FileId | null): Promise<SqliteConnection> {
  return openWith(file, async (Database) => {
    if (same) assertSame(file, same);
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    const database = new Database(file, { enableForeignKeyConstraints: true });
    try {
      keepFromOthers(file, log);
      await patiently(() => database.exec(SETTINGS));
      await patiently(() => migrate(database, file));
      return database;
    } catch (error) {
      database.close();
      throw error;
    }
  });
}

/** Opens a file a second time that is open for writing, to look at what is in it. @throws LedgerFault as above */
export function openReader(file: string, same: FileId | null): Promise<SqliteConnection> {
  return openWith(file, async (Database) => {
    if (!same) throw new LedgerFault('other', `The mail ledger ${file} is no file that can be opened twice.`);
    assertSame(file, same);
    const database = new Database(file, { readOnly: true });
    database.exec(SETTINGS_OF_READER);
    return database;
  });
}

async function openWith(
  file: string,
  open: (Database: typeof DatabaseSync) => Promise<DatabaseSync>,
): Promise<SqliteConnection> {
  const { DatabaseSync: Database } = await import('node:sqlite').catch(() => {
    throw new LedgerFault(
      'other',
      `The mail ledger needs Node.js 22.13 or newer for its SQLite; this is ${process.version}.`,
    );
  });
  try {
    return new SqliteConnection(await open(Database), file);
  } catch (error) {
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
