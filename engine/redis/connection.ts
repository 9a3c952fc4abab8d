// Connections to Redis. The only file that imports ioredis, and only when Redis is used: every process of n8n loads every node file.
// Invariants: nothing waits for a Redis that is away: a command fails at once while there is no connection, and after COMMAND_MS
// where no answer comes; no command is sent twice by itself; it connects again until it is closed, at most every MOST ms;
// that it is away is said once, and once that it is back; nobody's password is in what is said.
import type { Cluster, ClusterOptions, Redis, RedisOptions } from 'ioredis';
import { backoffDelay } from '../runtime/backoff';
import { errorText, type Log } from '../runtime/log';
import { redisName, type RedisSettings } from './settings';

const CONNECT_MS = 5_000;
const COMMAND_MS = 5_000;
/** What a command of a blocking reader waits there (`BLOCK`) has to be well below it: after it the connection counts as dead. */
const BLOCKING_MS = 20_000;
const RECONNECT = { firstMs: 250, mostMs: 10_000 };

/** ioredis's commands; those of a cluster are the same, where all keys are of one ledger. */
export type RedisClient = Redis;

export interface RedisConnection {
  /** What its commands reject with, `reasonOf` says in words for people. */
  readonly client: RedisClient;
  /** Why it is away, for people; null: it is not known to be. */
  readonly trouble: string | null;
  /** Commands are taken now. */
  readonly isReady: boolean;
  /** Resolves when commands are taken, or the signal aborts. */
  ready(signal: AbortSignal): Promise<void>;
  /** Calls back each time it is connected, until the returned function is called. */
  onReady(call: () => void): () => void;
  /** It is thrown away and made anew: it answers no more. */
  renew(): void;
  close(): void;
}

export interface ConnectionUse {
  /**
   * - `commands`: many may use it;
   * - `blocking`: one reader alone, whose commands wait there (`BLOCK`, at most 10 s), and hold up whatever comes after;
   * - `subscriber`: hears what is published; it subscribes whenever it is ready.
   */
  readonly use: 'commands' | 'blocking' | 'subscriber';
  /** How long an answer is waited for; default: 5 s, and 20 s for a blocking reader. */
  readonly commandMs?: number;
}

/** How replies look is ioredis's own matter here: as Redis 2 to 7 gave them. */
type Options = Omit<RedisOptions, 'replyMapping'>;

/** It connects by itself, and need not be there yet. */
export async function connectRedis(
  settings: RedisSettings,
  log: Log,
  { use, commandMs = use === 'blocking' ? BLOCKING_MS : COMMAND_MS }: ConnectionUse = { use: 'commands' },
): Promise<RedisConnection> {
  const ioredis = await import('ioredis');
  const options = optionsOf(settings, commandMs);
  const client =
    settings.kind === 'cluster'
      ? new ioredis.Cluster([...settings.addresses], clusterOptions(options))
      : new ioredis.Redis({ ...options, ...serverOf(settings) });
  const standing = said(client, settings, log);
  const close = keptConnected(client);
  return connectionOf(client, standing, close);
}

/**
 * It is tried again by itself, and told by 'error'; except that ioredis gives up for good where it hears of a failover while it
 * connects: it ends the attempt by which it would have come back.
 * @returns closes it
 */
function keptConnected(client: Redis | Cluster): () => void {
  let ends = 0;
  let next: NodeJS.Timeout | undefined;
  let isClosed = false;
  const connect = (): void => void client.connect().catch(() => undefined);
  client.on('ready', () => (ends = 0));
  client.on('end', () => {
    if (!isClosed) next = setTimeout(connect, backoffDelay(++ends, RECONNECT));
  });
  connect();
  return () => {
    isClosed = true;
    clearTimeout(next);
    client.disconnect();
  };
}

function connectionOf(client: Redis | Cluster, standing: Standing, close: () => void): RedisConnection {
  const onReady = (call: () => void): (() => void) => {
    client.on('ready', call);
    return () => void client.off('ready', call);
  };
  return {
    // A cluster's commands differ in what they take for keys of several slots only.
    client: client as Redis,
    get trouble() {
      return standing.trouble;
    },
    get isReady() {
      return client.status === 'ready';
    },
    ready: (signal) =>
      new Promise((resolve) => {
        const done = (): void => {
          off();
          signal.removeEventListener('abort', done);
          resolve();
        };
        const off = onReady(done);
        signal.addEventListener('abort', done, { once: true });
        if (client.status === 'ready' || signal.aborted) done();
      }),
    onReady,
    renew: () => {
      // One that is being made is left to its own deadlines: ioredis would not make another.
      if (client.status === 'ready' || client.status === 'connect') client.disconnect(true);
    },
    close,
  };
}

function optionsOf(settings: RedisSettings, commandMs: number): Options {
  const { user, password, database } = settings;
  return {
    ...(user !== null && { username: user }),
    ...(password !== null && { password }),
    db: database,
    connectionName: 'n8n-nodes-durable-mail',
    lazyConnect: true,
    connectTimeout: CONNECT_MS,
    keepAlive: 10_000,
    retryStrategy: (times) => backoffDelay(times, RECONNECT),
    enableOfflineQueue: false,
    // What was sent when a connection was lost is rejected, not sent again: it may have been done.
    maxRetriesPerRequest: 0,
    // Whoever subscribes does it at each `ready` himself: that ioredis could not do it would end the process.
    autoResubscribe: false,
    // A master that has become a replica is left for the one that is master now.
    reconnectOnError: (error) => /^(READONLY|MASTERDOWN)/.test(error.message),
    // Where no answer comes, the connection is given up, too: it may be dead, and nobody was told.
    commandTimeout: commandMs,
    socketTimeout: commandMs,
  };
}

function serverOf(settings: RedisSettings): Options {
  const { kind, addresses, group, sentinelUser, sentinelPassword, tls } = settings;
  if (kind === 'one')
    return { ...addresses[0]!, ...(tls && { tls: { ...tls, ...servername(addresses[0]!.host) } }) };
  return {
    sentinels: [...addresses],
    name: group!,
    ...(sentinelUser !== null && { sentinelUsername: sentinelUser }),
    ...(sentinelPassword !== null && { sentinelPassword }),
    ...(tls && { tls: { ...tls }, sentinelTLS: { ...tls }, enableTLSForSentinelMode: true }),
    // One that stands still takes connections, and says nothing: without it the others would never be asked.
    sentinelCommandTimeout: COMMAND_MS,
    sentinelRetryStrategy: (times) => backoffDelay(times, RECONNECT),
    // A connection to a master that was voted out is given up.
    failoverDetector: true,
  };
}

const servername = (host: string): { readonly servername?: string } =>
  /^[\d.]+$|:/.test(host) ? {} : { servername: host };

const clusterOptions = (options: Options) => {
  const { retryStrategy, enableOfflineQueue, ...shared } = options;
  return {
    lazyConnect: true,
    enableOfflineQueue: enableOfflineQueue!,
    clusterRetryStrategy: (times) => retryStrategy!(times)!,
    redisOptions: shared,
  } satisfies ClusterOptions;
};

interface Standing {
  trouble: string | null;
}

/** Without a listener an 'error' would end the process. */
function said(client: Redis | Cluster, settings: RedisSettings, log: Log): Standing {
  const name = redisName(settings);
  const standing: Standing = { trouble: null };
  client.on('error', (error: unknown) => {
    const reason = reasonOf(error);
    if (standing.trouble === null)
      log.warn(`${name} cannot be used (${reason}); it is tried again until it can`);
    standing.trouble = reason;
  });
  client.on('ready', () => {
    if (standing.trouble !== null) log.info(`${name} can be used again`);
    standing.trouble = null;
  });
  return standing;
}

/** Redis answers, and does not do it: a right is missing, or it has no such command. */
export const isRefused = (error: unknown): boolean => error instanceof Error && error.name === 'ReplyError';

/** Why a command was not done, in words for people. Of a cluster the last node's says more. */
export function reasonOf(error: unknown): string {
  const text = errorText((error as { lastNodeError?: unknown } | null)?.lastNodeError ?? error);
  if (/^(Stream isn't writeable|Cluster isn't ready|Connection is closed|Reached the max retries)/.test(text))
    return 'there is no connection to it';
  if (/^(Command|Socket) timed? ?out/i.test(text)) return 'it does not answer';
  // A refused connection to a name with several addresses has no text of its own.
  return text === '' ? 'no connection' : text;
}
