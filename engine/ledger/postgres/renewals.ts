// The way by which leases are renewed: connections of its own, with little patience.
// Invariant: within a lease, an answer that does not come is waited for and asked for again, over a connection that is
// new: one whose other end vanished must not cost a run that is well.
import { LedgerFault } from '../fault';
import { PostgresConnection } from './connection';
import { openPool } from './open';
import type { PostgresSettings } from './settings';

/** Twice this, and a new login, are less than is left of a lease when it is renewed: 20 s. */
const ANSWER_TIMEOUT_MS = 8_000;
/** So that one which is slow does not hold up the others. */
const MOST_CONNECTIONS = 2;

export class Renewals {
  readonly #connection: PostgresConnection;

  private constructor(connection: PostgresConnection) {
    this.#connection = connection;
  }

  /** Connects when something is renewed for the first time. */
  static async to(settings: PostgresSettings): Promise<Renewals> {
    const pool = await openPool(settings, {
      mostConnections: MOST_CONNECTIONS,
      connectTimeoutMs: ANSWER_TIMEOUT_MS,
      answerTimeoutMs: ANSWER_TIMEOUT_MS,
    });
    return new Renewals(new PostgresConnection(pool, settings));
  }

  /** @param work renews; it may be done twice */
  async run<T>(work: (connection: PostgresConnection) => Promise<T>): Promise<T> {
    try {
      return await work(this.#connection);
    } catch (error) {
      if (!(error instanceof LedgerFault) || error.kind !== 'unreachable') throw error;
      // The connection that failed is closed by now.
      return work(this.#connection);
    }
  }

  close(): Promise<void> {
    return this.#connection.close();
  }
}
