// LISTEN and NOTIFY: short texts to every process that shares the ledger's database. What is sent while a process is
// not connected is lost to it; so it is behind a PgBouncer in transaction mode.
// https://www.postgresql.org/docs/current/sql-notify.html
import { createHash } from 'node:crypto';
import type { Pool } from 'pg';
import { backoffDelay } from '../../runtime/backoff';
import { pause } from '../../runtime/time';
import { openPool } from './open';
import { DEFAULT_SCHEMA, type PostgresSettings } from './settings';

/** A connection that died unnoticed hears nothing: it is asked this often whether it lives. */
const PROBE_MS = 30_000;
const RECONNECT = { firstMs: 1_000, mostMs: 30_000 };

export interface PostgresChannel {
  send(text: string): Promise<void>;
  receive(take: (text: string) => void): () => void;
  /** For when nobody receives any more. */
  close(): Promise<void>;
}

export async function openPostgresChannel(settings: PostgresSettings): Promise<PostgresChannel> {
  // One to listen, one to send; neither is made before it is used.
  const pool = await openPool(settings, { mostConnections: 2 });
  // A channel's name is cut after 63 bytes by LISTEN, and refused by NOTIFY: a schema's may be as long.
  const schema = createHash('sha256')
    .update(settings.schema ?? DEFAULT_SCHEMA)
    .digest('hex');
  const name = `durable_mail_wake_${schema.slice(0, 16)}`;
  return {
    send: async (text) => {
      await pool.query('select pg_notify($1, $2)', [name, text]);
    },
    receive: (take) => {
      const closing = new AbortController();
      void stayConnected(pool, name, take, closing.signal);
      return () => closing.abort();
    },
    close: () => pool.end(),
  };
}

/** Listens on the channel until the signal aborts, and again whenever the connection was lost. */
export async function stayConnected(
  pool: Pool,
  name: string,
  take: (text: string) => void,
  signal: AbortSignal,
  heard: () => void = () => undefined,
): Promise<void> {
  for (let failures = 0; !signal.aborted; failures++) {
    if (failures > 0) await pause(backoffDelay(failures, RECONNECT), signal);
    try {
      await listen(pool, name, take, signal, () => {
        failures = 0;
        heard();
      });
    } catch {
      // Who waits for a wake-up looks by itself, and tells of a database that is away.
    }
  }
}

/** Until the signal aborts; rejects when the connection is lost. */
async function listen(
  pool: Pool,
  name: string,
  take: (text: string) => void,
  signal: AbortSignal,
  connected: () => void,
): Promise<void> {
  const client = await pool.connect();
  const lost = new AbortController();
  const end = (): void => lost.abort();
  client.on('error', end);
  client.on('end', end);
  client.on('notification', ({ payload }) => take(payload ?? ''));
  try {
    await client.query(`listen "${name}"`);
    connected();
    const either = AbortSignal.any([signal, lost.signal]);
    for (;;) {
      await pause(PROBE_MS, either);
      if (either.aborted) return;
      await client.query('select 1');
    }
  } finally {
    // It listens: nobody else may have it.
    client.release(true);
  }
}
