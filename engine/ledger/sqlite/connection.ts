// One open SQLite file, with its statements prepared once, and its transactions. Whatever SQLite cannot do leaves
// here as a LedgerFault.
import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import { sqliteFault } from './fault';

/** The database's clock, in ms since 1970; one value within one statement. */
export const NOW = "cast(unixepoch('subsec') * 1000 as integer)";

export class SqliteConnection {
  readonly file: string;
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  constructor(database: DatabaseSync, file: string) {
    this.#database = database;
    this.file = file;
  }

  /** Runs it as one transaction that takes the write lock at once. Whatever it throws rolls it back. */
  transaction<T>(work: () => T): T {
    return this.#translated(() => {
      this.#database.exec('begin immediate');
      try {
        const result = work();
        this.#database.exec('commit');
        return result;
      } catch (error) {
        rollback(this.#database);
        throw error;
      }
    });
  }

  all<Row>(sql: string, ...parameters: SQLInputValue[]): Row[] {
    return this.#translated(() => this.#prepare(sql).all(...parameters) as Row[]);
  }

  get<Row>(sql: string, ...parameters: SQLInputValue[]): Row | undefined {
    return this.#translated(() => this.#prepare(sql).get(...parameters) as Row | undefined);
  }

  /** @returns how many rows it changed */
  run(sql: string, ...parameters: SQLInputValue[]): number {
    return this.#translated(() => Number(this.#prepare(sql).run(...parameters).changes));
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

export function rollback(database: DatabaseSync): void {
  try {
    database.exec('rollback');
  } catch {
    // A full disk may have rolled it back already. Whether it has cannot be asked before Node.js 22.16.
  }
}
