// Where a mail ledger is, and how it is opened there: nobody else opens an adapter of it.
// Invariant: a place has one name, so that a process opens its ledger once; the name tells no password.
import { createHash } from 'node:crypto';
import type { Ledger } from '../ledger/ledger';
import type { Instance } from '../ledger/ownership';
import { canPostgresNotify } from '../ledger/postgres/can-notify';
import { openPostgresChannel } from '../ledger/postgres/channel';
import { checkPostgres } from '../ledger/postgres/check';
import { openPostgresLedger } from '../ledger/postgres/postgres-ledger';
import type { PostgresSettings } from '../ledger/postgres/settings';
import { openSqliteLedger } from '../ledger/sqlite/sqlite-ledger';
import { checkRedis } from '../redis/check';
import type { RedisUse } from '../redis/use';
import type { Log } from '../runtime/log';
import { type Channel, SharedWake } from '../signal/shared-wake';
import { ProcessWake, type Wake } from '../signal/wake';
import { openRedis } from './redis';
import { WakeUps } from './wake-ups';

/** A SQLite file serves one process, a Postgres database many. */
export type Place = (
  | { readonly kind: 'sqlite'; readonly file: string }
  | { readonly kind: 'postgres'; readonly settings: PostgresSettings }
) & {
  /** What is beside it, and never the truth. */
  readonly redis?: RedisUse | undefined;
};

/** A ledger that is open, and what tells of its new events, in this process or among several. */
interface Opened {
  readonly ledger: Ledger;
  readonly wake: Wake;
  readonly close: () => Promise<void>;
}

/** Settings that were edited give another name. */
export const placeName = (place: Place): string =>
  place.kind === 'sqlite'
    ? place.file
    : createHash('sha256')
        .update(JSON.stringify(place.redis ? [place.settings, place.redis] : place.settings))
        .digest('hex');

/** @param owner whose the ledger is to be; undefined: nobody is refused @throws LedgerFault */
export async function openPlace(place: Place, log: Log, owner: Instance | undefined): Promise<Opened> {
  const ledger =
    place.kind === 'sqlite'
      ? await openSqliteLedger(place.file, { instance: owner, log })
      : await openPostgresLedger(place.settings, owner);
  try {
    return await besideIt(ledger, place, log);
  } catch (error) {
    await ledger.close();
    throw error;
  }
}

async function besideIt(ledger: Ledger, place: Place, log: Log): Promise<Opened> {
  const redis = place.redis ? await openRedis(ledger, place.redis, log) : null;
  const ways = place.kind === 'postgres' ? await waysOf(place.settings, redis?.channel ?? null, log) : null;
  const wake = ways ? new SharedWake(ways.channel, log) : new ProcessWake();
  redis?.start(wake);
  return {
    ledger: redis?.ledger ?? ledger,
    wake,
    close: async () => {
      await redis?.close();
      await Promise.all([ways?.close(), ledger.close()]);
    },
  };
}

async function waysOf(
  settings: PostgresSettings,
  redis: Channel | null,
  log: Log,
): Promise<{ readonly channel: Channel; readonly close: () => Promise<void> }> {
  const postgres = await openPostgresChannel(settings);
  const channel = new WakeUps({ postgres, redis, canNotify: () => canPostgresNotify(settings), log });
  return {
    channel,
    close: async () => {
      channel.close();
      await postgres.close();
    },
  };
}

/** Connects, and changes nothing. @returns what is there, for people @throws Error that says what is wrong or missing */
export async function checkPlace({ settings, redis }: Extract<Place, { kind: 'postgres' }>): Promise<string> {
  const found = await checkPostgres(settings);
  return redis ? `${found}. ${await checkRedis(redis.settings)}` : found;
}
