// Reads the mail ledger beside n8n, in either database: tables and columns have the same names in both.
import { DatabaseSync } from 'node:sqlite';
import { queryOnce } from './postgres';

export interface LedgerReader {
  /** @param sql one statement, without parameters; integers come as numbers */
  query<Row>(sql: string): Promise<Row[]>;
}

export class SqliteLedgerReader implements LedgerReader {
  readonly #file: string;

  constructor(file: string) {
    this.#file = file;
  }

  async query<Row>(sql: string): Promise<Row[]> {
    const database = new DatabaseSync(this.#file, { readOnly: true, timeout: 5_000 });
    try {
      return database.prepare(sql).all() as Row[];
    } finally {
      database.close();
    }
  }
}

export class PostgresLedgerReader implements LedgerReader {
  readonly #url: string;

  constructor(url: string) {
    this.#url = url;
  }

  query<Row>(sql: string): Promise<Row[]> {
    return queryOnce(this.#url, sql, [], { options: '-c search_path=durable_mail' });
  }
}
