// Makes the pool of connections to Postgres. The only file that imports pg, and only when a ledger is opened:
// every process of n8n loads every node file.
// Invariants: nothing is set for a session. A connection may be shared by others (PgBouncer), so limits of time
// are set in each transaction (connection.ts), and here only on this side of the wire. No connection that breaks ends the process,
// whoever has it.
import type { Pool, PoolConfig, types } from 'pg';
import type { PostgresSettings } from './settings';

const CONNECT_TIMEOUT_MS = 10_000;
const IDLE_TIMEOUT_MS = 30_000;
/** A connection whose other end vanished is noticed by this; above what a statement may take there. */
const ANSWER_TIMEOUT_MS = 35_000;
const MOST_CONNECTIONS = 4;

type PgType = (typeof types.builtins)[keyof typeof types.builtins];

export interface PoolLimits {
  readonly mostConnections?: number;
  readonly connectTimeoutMs?: number;
  readonly answerTimeoutMs?: number;
}

export async function openPool(settings: PostgresSettings, limits: PoolLimits = {}): Promise<Pool> {
  const pg = await import('pg');
  const { host, port, database, user, password, tls } = settings;
  const config: PoolConfig = {
    host,
    port,
    database,
    user,
    // As a function, an empty password stays one: pg would look for another in the environment.
    password: typeof password === 'string' ? () => password : password,
    ssl: tls && { ...tls },
    max: limits.mostConnections ?? settings.mostConnections ?? MOST_CONNECTIONS,
    connectionTimeoutMillis: limits.connectTimeoutMs ?? CONNECT_TIMEOUT_MS,
    idleTimeoutMillis: IDLE_TIMEOUT_MS,
    query_timeout: limits.answerTimeoutMs ?? ANSWER_TIMEOUT_MS,
    allowExitOnIdle: true,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    application_name: 'n8n-nodes-durable-mail',
    // Ids, counts and times in ms all fit a number. For this pool only: n8n may use pg, too.
    types: {
      getTypeParser: ((oid: PgType, format?: 'text') =>
        oid === pg.types.builtins.INT8
          ? Number
          : (pg.types.getTypeParser(oid, format) as unknown)) as typeof pg.types.getTypeParser,
    },
  };
  const pool = new pg.Pool(config);
  // One that breaks is told by the call that it broke, or replaced by the next; without a listener it would end the process. The
  // pool's own listener is there only while a connection is idle.
  const ignore = (): void => undefined;
  pool.on('error', ignore);
  pool.on('connect', (client) => client.on('error', ignore));
  return pool;
}
