// One open SQLite file, with its statements prepared once, and its transactions. Whatever SQLite cannot do leaves
// here as a LedgerFault.
import { type Stats, statSync } from 'node:fs';
import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import { backoffDelay } from '../../runtime/backoff';
import { monotonicNow, pause } from '../../runtime/time';
import { withoutNul } from '../common/storable';
import { LedgerFault } from '../fault';
import { isBusy, sqliteFault } from './fault';

/** The database's clock, in ms since 1970; one value within one statement. */
export const NOW = "cast(unixepoch('subsec') * 1000 as integer)";

/**
 * A limit that a parameter sets. SQLite looks at the value of one that stands alone, and prepares the whole statement anew
 * each time that it is bound.
 */
export const limitOf = (parameter: string): string => `limit cast(${parameter} as integer)`;

/** How often it is looked whether the file is still the one that was opened. */
const LOOK_MS = 2_000;
/** For how long works that share a transaction are begun: the first of them waits for it. */
const TOGETHER_MS = 20;
/** How long another process may hold the file's write lock. */
const PATIENCE_MS = 5_000;

/** One name for one file, also when another one takes its place. */
export type FileId = Pick<Stats, 'dev' | 'ino'>;

/** By what a file is known again that was closed meanwhile: another one may have got its number. */
export interface OpenedFile {
  /** Null: it is no file. */
  readonly file: FileId | null;
  readonly ledgerId: string;
}

/**
 * Does it again while another process holds the file's write lock: without holding its thread meanwhile, which
 * SQLite's own waiting would, so that what only reads goes on. What was refused for that has changed nothing.
 */
export async function patiently<T>(work: () => T): Promise<T> {
  const began = monotonicNow();
  for (let tries = 1; ; tries++) {
    try {
      return work();
    } catch (error) {
      if (!isBusy(error) || monotonicNow() - began > PATIENCE_MS) throw error;
      await pause(backoffDelay(tries, { firstMs: 20, mostMs: 250 }), new AbortController().signal);
    }
  }
}

export class SqliteConnection {
  readonly file: string;
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  /** The file as it was opened; null: it is no file. */
  readonly opened: FileId | null;
  #lookedAt = monotonicNow();
  /** Transactions are parts of one. */
  #isTogether = false;

  constructor(database: DatabaseSync, file: string) {
    this.#database = database;
    this.file = file;
    this.opened = fileOf(file);
  }

  /**
   * SQLite goes on in a file that was deleted, and everything in it ends with this process.
   * @throws LedgerFault `replaced`
   */
  assertInPlace(): void {
    if (!this.opened || monotonicNow() - this.#lookedAt < LOOK_MS) return;
    assertSame(this.file, this.opened);
    this.#lookedAt = monotonicNow();
  }

  /**
   * Works that are a transaction each, or write once, as one transaction: they cost one sync of the disk.
   * @returns what they said; of the first ones only, where these take long already: the others were not begun
   * @throws LedgerFault what the first of them throws: none of them was done
   */
  together<T>(works: readonly (() => T)[]): T[] {
    return this.transaction(() => {
      this.#isTogether = true;
      try {
        const began = monotonicNow();
        const said: T[] = [];
        for (const work of works) {
          said.push(work());
          if (monotonicNow() - began > TOGETHER_MS) break;
        }
        return said;
      } finally {
        this.#isTogether = false;
      }
    });
  }

  /** Runs it as one transaction that takes the write lock at once. Whatever it throws rolls it back. */
  transaction<T>(work: () => T): T {
    if (this.#isTogether) return work();
    return this.#translated(() => {
      this.#prepare('begin immediate').run();
      try {
        const result = work();
        this.#prepare('commit').run();
        return result;
      } catch (error) {
        rollback(this.#database);
        throw error;
      }
    });
  }

  all<Row>(sql: string, ...parameters: SQLInputValue[]): Row[] {
    return this.#translated(() => this.#prepare(sql).all(...parameters.map(cleared)) as Row[]);
  }

  get<Row>(sql: string, ...parameters: SQLInputValue[]): Row | undefined {
    return this.#translated(() => this.#prepare(sql).get(...parameters.map(cleared)) as Row | undefined);
  }

  /** @returns how many rows it changed */
  run(sql: string, ...parameters: SQLInputValue[]): number {
    return this.#translated(() => Number(this.#prepare(sql).run(...parameters.map(cleared)).changes));
  }

  close(): void {
    this.#statements.clear();
    this.#database.close();
  }

  #prepare(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (!statement) {
      statement = this.#database.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }

  #translated<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw sqliteFault(error, this.file);
    }
  }
}

const cleared = (value: SQLInputValue): SQLInputValue =>
  typeof value === 'string' ? withoutNul(value) : value;

/** @throws LedgerFault `replaced`, unless the file is the one that was opened */
export function assertSame(file: string, opened: FileId): void {
  const now = fileOf(file);
  if (now && now.ino === opened.ino && now.dev === opened.dev) return;
  throw replacedFault(file, now !== null);
}

/** @param isThere another one is there now */
export const replacedFault = (file: string, isThere: boolean): LedgerFault =>
  new LedgerFault(
    'replaced',
    `The mail ledger ${file} was ${isThere ? 'replaced' : 'deleted'} while it was used. ` +
      (isThere ? 'The one that is there now is used from here on.' : 'A new one is made.'),
  );

function fileOf(file: string): FileId | null {
  try {
    const { dev, ino } = statSync(file);
    return { dev, ino };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    // Whatever keeps it from being looked at is said by SQLite.
    throw sqliteFault(error, file);
  }
}

export function rollback(database: DatabaseSync): void {
  try {
    database.exec('rollback');
  } catch {
    // A full disk may have rolled it back already. Whether it has cannot be asked before Node.js 22.16.
  }
}
