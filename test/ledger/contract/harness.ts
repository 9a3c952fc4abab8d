// What an adapter's test gives to the contract. The contract writes the SQL that it needs to look at what is stored
// and to force it: tables and columns have the same names in every adapter.
import type { Ledger } from '../../../engine/ledger/ledger';
import type { Instance } from '../../../engine/ledger/ownership';

export type Value = string | number | null;

export interface LedgerUnderTest {
  /** On a database of its own, empty. */
  readonly ledger: Ledger;

  /**
   * Runs one statement beside the ledger, as another process would; the ledger's tables are found by their
   * bare names. Integers come as numbers. Rejects with the database's own error.
   * @param sql without parameters, in what all databases understand
   */
  query<Row>(sql: string): Promise<Row[]>;

  /** How many statements the ledgers of this test have sent so far; `begin` and `commit` count, too. */
  statements(): number;

  /** What the ledgers' statements read from one end to the other while some work is done, each with its statement. */
  readThrough(work: () => Promise<void>): Promise<readonly string[]>;

  /** Does some work while the database has no index of that name. */
  withoutIndex(name: string, work: () => Promise<void>): Promise<void>;

  /** Opens the same database a second time, as another process would. Whoever opens it closes it. */
  openAnother(instance?: Instance): Promise<Ledger>;

  /** Closes the ledger and deletes the database. */
  dispose(): Promise<void>;
}

export type OpenLedger = () => Promise<LedgerUnderTest>;
