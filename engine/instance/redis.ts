// What a ledger has of Redis, where one is named: wake-ups, events out, and the cache in front of `unrecorded`.
// Invariants: the ledger is the truth, with or without it: a Redis that is away, slow, emptied or wrong is never waited for, and
// no call of the ledger fails by it.
import type { Ledger } from '../ledger/ledger';
import { connectRedis } from '../redis/connection';
import { EventStream } from '../redis/event-stream';
import { watchEviction } from '../redis/eviction';
import { keysOf } from '../redis/keys';
import { redisMarks, withSeenCache } from '../redis/seen-cache';
import { redisName } from '../redis/settings';
import { StreamWriting } from '../redis/stream-writing';
import type { RedisUse } from '../redis/use';
import { redisWakeChannel } from '../redis/wake-channel';
import type { Log } from '../runtime/log';
import type { Channel } from '../signal/shared-wake';
import type { Wake } from '../signal/wake';
import { newHolder } from '../source/leases';

/** A cache that answers later than that is no use. */
const CACHE_MS = 250;

export interface RedisOver {
  readonly ledger: Ledger;
  readonly channel: Channel;
  /** Events go out from now on, where they are to. */
  start(wake: Pick<Wake, 'listenToAll'>): void;
  close(): Promise<void>;
}

/** @throws LedgerFault: its id cannot be read */
export async function openRedis(ledger: Ledger, use: RedisUse, log: Log): Promise<RedisOver> {
  const { settings, stream, seenMs } = use;
  const keys = keysOf(await ledger.ledgerId());
  const connection = await connectRedis(settings, log);
  const closing = new AbortController();
  const ends = [(): void => connection.close()];
  if (stream) ends.unshift(watchEviction(connection, redisName(settings), log));
  let asked = ledger;
  if (seenMs !== null) {
    const cache = await connectRedis(settings, log, { use: 'commands', commandMs: CACHE_MS });
    ends.push(() => cache.close());
    asked = withSeenCache(ledger, redisMarks(cache, keys, seenMs));
  }
  let writing: Promise<void> | null = null;
  return {
    ledger: asked,
    channel: redisWakeChannel({ settings, keys, connection, log }),
    start: (wake) => {
      if (!stream) return;
      const ports = {
        ...{ ledger, wake, connection, log },
        writing: new StreamWriting(connection, keys, stream.name, newHolder()),
      };
      writing = new EventStream(ports, stream).run(closing.signal);
    },
    close: async () => {
      closing.abort();
      await writing;
      for (const end of ends) end();
    },
  };
}
