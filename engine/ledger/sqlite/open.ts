// Opens the SQLite file and brings its schema up to date. The only file that imports node:sqlite, and only
// when a ledger is opened: every process of n8n loads every node file.
import { chmodSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { errorText } from '../../runtime/log';
import { migrations } from './migrations';

// Another process (n8n's command line) may hold the file's write lock for a moment.
const BUSY_TIMEOUT_MS = 5_000;

/**
 * Opens the ledger's file, making it and its folder where missing, for this user only: it holds mail.
 * @throws Error that names the file and says what to do: it cannot be opened, or a newer version wrote it
 */
export async function openDatabase(file: string): Promise<DatabaseSync> {
  const { DatabaseSync: Database } = await import('node:sqlite').catch(() => {
    throw new Error(
      `The mail ledger needs Node.js 22.13 or newer for its SQLite; this is ${process.version}.`,
    );
  });
  let database: DatabaseSync | undefined;
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    database = new Database(file, { timeout: BUSY_TIMEOUT_MS, enableForeignKeyConstraints: true });
    chmodSync(file, 0o600);
    // FULL: a commit that was answered survives a power cut, also in WAL.
    database.exec(
      'pragma journal_mode = wal; pragma synchronous = full; pragma journal_size_limit = 67108864;',
    );
    migrate(database, file);
    return database;
  } catch (error) {
    database?.close();
    if (error instanceof NewerSchemaError) throw error;
    throw new Error(
      `The mail ledger ${file} cannot be opened: ${errorText(error)}. ` +
        'Check that n8n may write to this folder and that its disk is not full.',
      { cause: error },
    );
  }
}

class NewerSchemaError extends Error {}

function migrate(database: DatabaseSync, file: string): void {
  database.exec('begin immediate');
  try {
    const { user_version: version } = database.prepare('pragma user_version').get() as {
      user_version: number;
    };
    if (version > migrations.length) {
      throw new NewerSchemaError(
        `The mail ledger ${file} was written by a newer n8n-nodes-durable-mail ` +
          `(schema ${version}, this version knows ${migrations.length}). Update the package.`,
      );
    }
    for (const migration of migrations.slice(version)) database.exec(migration);
    database.exec(`pragma user_version = ${migrations.length}`);
    database.exec('commit');
  } catch (error) {
    database.exec('rollback');
    throw error;
  }
}
