// A table of another system in Postgres, read whole, and a channel on which that system says that it has changed. It is no ledger:
// nothing is made or changed there.
// Invariants: what is asked runs in a transaction that can only read; what was said while nobody heard it is made good by a look.
import { errorText } from '../../runtime/log';
import { stayConnected } from './channel';
import { openPool } from './open';
import { placeOf } from './fault';
import { settingsFromUrl } from './settings';

/** What one look may take; the other system has its own work to do. */
const MOST_MS = 60_000;

export interface OtherTable {
  /** Where it is, for people, without a password. */
  readonly place: string;
  /** @throws Error that names the place */
  rows(): Promise<readonly Readonly<Record<string, unknown>>[]>;
  /** Calls whenever something is said on the channel, or may have been. @returns ends it */
  listen(channel: string, called: () => void): () => void;
  close(): Promise<void>;
}

/** @param sql gives the rows; it is not checked: who writes it may read what the login may @throws Error: the URL cannot be used */
export async function openOtherTable(url: string, sql: string): Promise<OtherTable> {
  const settings = settingsFromUrl(url);
  const pool = await openPool(settings, { mostConnections: 2, answerTimeoutMs: MOST_MS });
  const place = placeOf(settings);
  return {
    place,
    rows: async () => {
      try {
        const client = await pool.connect();
        let isWhole = false;
        try {
          await client.query('begin transaction read only');
          const { rows } = await client.query<Record<string, unknown>>(sql);
          await client.query('rollback');
          isWhole = true;
          return rows;
        } finally {
          client.release(!isWhole);
        }
      } catch (error) {
        throw new Error(`${place} did not give the accounts: ${errorText(error)}`, { cause: error });
      }
    },
    listen: (channel, called) => {
      const closing = new AbortController();
      void stayConnected(pool, channel, called, closing.signal, called);
      return () => closing.abort();
    },
    close: () => pool.end(),
  };
}
