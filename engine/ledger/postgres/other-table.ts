// A table of another system in Postgres, read whole, and a channel on which that system says that it has changed. It is no ledger:
// nothing is made or changed there.
// Invariants: what is asked runs in a transaction that can only read; what was said while nobody heard it is made good by a look;
// a server that does not answer holds up nobody who closes it.
import type { PoolClient } from 'pg';
import { errorText } from '../../runtime/log';
import { unlessAborted, within } from '../../runtime/time';
import { stayConnected } from './channel';
import { openPool } from './open';
import { placeOf } from './fault';
import { settingsFromUrl } from './settings';

/** What one look may take; the other system has its own work to do. */
const MOST_MS = 60_000;
/** One that is being connected to is left to its own deadline after that. */
const CLOSE_MS = 500;

export interface OtherTable {
  /** Where it is, for people, without a password. */
  readonly place: string;
  /** @throws Error that names the place */
  rows(): Promise<readonly Readonly<Record<string, unknown>>[]>;
  /** Calls whenever something is said on the channel, or may have been. @returns ends it */
  listen(channel: string, called: () => void): () => void;
  /** What was asked and is not answered yet rejects. */
  close(): Promise<void>;
}

/** @param sql gives the rows; it is not checked: who writes it may read what the login may @throws Error: the URL cannot be used */
export async function openOtherTable(url: string, sql: string): Promise<OtherTable> {
  const settings = settingsFromUrl(url);
  const pool = await openPool(settings, { mostConnections: 2, answerTimeoutMs: MOST_MS });
  const place = placeOf(settings);
  const closing = new AbortController();
  const { signal } = closing;
  const connected = (): Promise<PoolClient> => {
    const connecting = pool.connect();
    return unlessAborted(connecting, signal).catch((error: unknown) => {
      connecting.then(
        (client) => client.release(true),
        () => undefined,
      );
      throw error;
    });
  };
  return {
    place,
    rows: async () => {
      try {
        const client = await connected();
        let isWhole = false;
        try {
          const asked = async (): Promise<Record<string, unknown>[]> => {
            await client.query('begin transaction read only');
            const { rows } = await client.query<Record<string, unknown>>(sql);
            await client.query('rollback');
            return rows;
          };
          const rows = await unlessAborted(asked(), signal);
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
      const deaf = new AbortController();
      void stayConnected(pool, channel, called, AbortSignal.any([deaf.signal, signal]), called);
      return () => deaf.abort();
    },
    close: async () => {
      closing.abort();
      await within(CLOSE_MS, pool.end());
    },
  };
}
