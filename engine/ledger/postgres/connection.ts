// The ledger's way to its database: single statements, and transactions that are run again where the database
// asks for that. Every error leaves here as a LedgerFault.
// Invariants: no session state and no named statements (PgBouncer may give each transaction another session);
// no text reaches Postgres that it cannot store.
import { setTimeout } from 'node:timers/promises';
import type { Pool, PoolClient, QueryResult, QueryResultRow } from 'pg';
import { backoffDelay } from '../../runtime/backoff';
import { withoutNul } from '../common/storable';
import { closedError, LedgerFault } from '../fault';
import { faultOf, placeOf, sqlState, wasLost } from './fault';
import type { PostgresSettings } from './settings';
import { DEFAULT_SCHEMA, schemaName } from './settings';

/** The database's clock, in ms since 1970; one value within one transaction. */
export const NOW = '(extract(epoch from now()) * 1000)::bigint';

export type Parameter =
  string | number | boolean | null | Buffer | readonly (string | number | boolean | null)[];

export interface Statements {
  all<Row>(sql: string, ...parameters: Parameter[]): Promise<Row[]>;
  get<Row>(sql: string, ...parameters: Parameter[]): Promise<Row | undefined>;
  /** @returns how many rows it changed */
  run(sql: string, ...parameters: Parameter[]): Promise<number>;
}

// The limits end what a process that vanished has begun, so that its locks do not stay. Compiling a plan (jit)
// takes longer than running any of ours.
const BEGIN = `
  begin isolation level read committed;
  set local statement_timeout = 30000;
  set local idle_in_transaction_session_timeout = 30000;
  set local jit = off`;

/** Deadlock, and serialization failure (a database whose default is stricter): it did nothing, and may work now. */
const RUN_AGAIN = ['40P01', '40001'];
const MOST_RUNS = 10;
const PAUSE = { firstMs: 5, mostMs: 300 };

export class PostgresConnection implements Statements {
  readonly settings: PostgresSettings;
  readonly #pool: Pool;
  readonly #quotedSchema: string;
  readonly #texts = new Map<string, string>();
  #closing: Promise<void> | undefined;

  constructor(pool: Pool, settings: PostgresSettings) {
    this.#pool = pool;
    this.settings = settings;
    this.#quotedSchema = `"${schemaName(settings.schema ?? DEFAULT_SCHEMA)}"`;
  }

  async all<Row>(sql: string, ...parameters: Parameter[]): Promise<Row[]> {
    const { rows } = await this.#again(() => this.#pool.query(this.text(sql), storable(parameters)));
    return rows as Row[];
  }

  async get<Row>(sql: string, ...parameters: Parameter[]): Promise<Row | undefined> {
    return (await this.all<Row>(sql, ...parameters))[0];
  }

  async run(sql: string, ...parameters: Parameter[]): Promise<number> {
    const result = await this.#again(() => this.#pool.query(this.text(sql), storable(parameters)));
    return result.rowCount ?? 0;
  }

  /** Runs it as one transaction. Whatever it throws rolls it back; it may be run several times. */
  transaction<T>(work: (statements: Statements) => Promise<T>): Promise<T> {
    return this.#again(() => this.#transactionOnce(work));
  }

  /** Waits for what is under way. */
  close(): Promise<void> {
    this.#closing ??= this.#pool.end();
    return this.#closing;
  }

  /** The statement as it is sent: in the chosen schema. */
  text(sql: string): string {
    let text = this.#texts.get(sql);
    if (text === undefined) {
      text = sql.replace(/\bdurable_mail\./g, () => `${this.#quotedSchema}.`);
      this.#texts.set(sql, text);
    }
    return text;
  }

  async #again<T>(work: () => Promise<T>): Promise<T> {
    if (this.#closing) throw closedError(`in ${placeOf(this.settings)}`);
    for (let runs = 1; ; runs++) {
      try {
        return await work();
      } catch (error) {
        if (runs === MOST_RUNS || !RUN_AGAIN.includes(sqlState(error) ?? '')) {
          throw faultOf(error, this.settings);
        }
        await setTimeout(backoffDelay(runs, PAUSE));
      }
    }
  }

  async #transactionOnce<T>(work: (statements: Statements) => Promise<T>): Promise<T> {
    const client = await this.#begin();
    let usable = true;
    try {
      const result = await work(this.#statementsOf(client));
      await client.query('commit');
      return result;
    } catch (error) {
      usable = await rolledBack(client, error);
      throw error;
    } finally {
      client.release(!usable);
    }
  }

  /** An idle connection may have died unnoticed. Nothing has been done yet: another one may begin. */
  async #begin(): Promise<PoolClient> {
    for (let tries = 1; ; tries++) {
      const client = await this.#pool.connect();
      try {
        await client.query(BEGIN);
        return client;
      } catch (error) {
        client.release(true);
        if (tries > this.#pool.options.max || !wasLost(error)) throw error;
      }
    }
  }

  #statementsOf(client: PoolClient): Statements {
    const query = (sql: string, parameters: Parameter[]): Promise<QueryResult<QueryResultRow>> =>
      client.query(this.text(sql), storable(parameters));
    return {
      all: async <Row>(sql: string, ...parameters: Parameter[]) =>
        (await query(sql, parameters)).rows as Row[],
      get: async <Row>(sql: string, ...parameters: Parameter[]) =>
        (await query(sql, parameters)).rows[0] as Row | undefined,
      run: async (sql, ...parameters) => (await query(sql, parameters)).rowCount ?? 0,
    };
  }
}

/** Only a server that answers can roll back; any other connection is of no more use. */
async function rolledBack(client: PoolClient, error: unknown): Promise<boolean> {
  if (sqlState(error) === null && !(error instanceof LedgerFault)) return false;
  return client.query('rollback').then(
    () => true,
    () => false,
  );
}

/** Postgres stores no NUL, and a mail may hold one anywhere. Half a surrogate pair becomes U+FFFD on the wire. */
function storable(parameters: readonly Parameter[]): unknown[] {
  return parameters.map((parameter) => (isList(parameter) ? parameter.map(cleared) : cleared(parameter)));
}

const cleared = (value: unknown): unknown => (typeof value === 'string' ? withoutNul(value) : value);

const isList = (parameter: Parameter): parameter is Exclude<Extract<Parameter, readonly unknown[]>, Buffer> =>
  Array.isArray(parameter);
