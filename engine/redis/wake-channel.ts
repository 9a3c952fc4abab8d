// Wake-ups by Redis's Pub/Sub: short texts to every process that has the same ledger. What is sent while a process is not
// connected is lost to it, as with every channel of wake-ups: it looks by itself.
// https://redis.io/docs/latest/develop/pubsub/
import { errorText, type Log } from '../runtime/log';
import type { Channel } from '../signal/shared-wake';
import { connectRedis, isRefused, type RedisConnection, reasonOf } from './connection';
import { type Keys, rightFor } from './keys';
import { redisName, type RedisSettings } from './settings';

/** A connection that died unnoticed hears nothing: it is asked this often whether it lives. */
const PROBE_MS = 10_000;
/** A right that is missing is given by a person. */
const REFUSED_MS = 30_000;

export interface WakeChannelPorts {
  readonly settings: RedisSettings;
  readonly keys: Keys;
  /** To send with; whoever made it closes it. */
  readonly connection: Pick<RedisConnection, 'client'>;
  readonly log: Log;
}

export function redisWakeChannel({ settings, keys, connection, log }: WakeChannelPorts): Channel {
  const name = keys('wake');
  return {
    send: async (text) => {
      try {
        await connection.client.publish(name, text);
      } catch (error) {
        throw new Error(`Redis did not take it: ${reasonOf(error)}`, { cause: error });
      }
    },
    receive: (take) => {
      const over = new AbortController();
      // Whoever waits is told nothing of it: that Redis is away is said by its other connection.
      const quiet: Log = { ...log, warn: log.debug.bind(log), info: log.debug.bind(log) };
      connectRedis(settings, quiet, { use: 'subscriber' }).then(
        (subscriber) => hear(subscriber, name, take, refusalsTo(log, settings), over.signal),
        (error: unknown) => log.warn(`Redis cannot be used for wake-ups: ${errorText(error)}`),
      );
      return () => over.abort();
    },
  };
}

/** Said once. */
function refusalsTo(log: Log, settings: RedisSettings): (reason: string) => void {
  let isTold = false;
  return (reason) => {
    if (!isTold) log.warn(`${redisName(settings)} lets nobody be woken: ${reason}. ${rightFor(reason)}`);
    isTold = true;
  };
}

/** Until the signal aborts. */
function hear(
  subscriber: RedisConnection,
  name: string,
  take: (text: string) => void,
  refused: (reason: string) => void,
  signal: AbortSignal,
): void {
  const { client } = subscriber;
  let again: NodeJS.Timeout | undefined;
  const subscribe = (): void => {
    clearTimeout(again);
    client.subscribe(name).catch((error: unknown) => {
      // Whoever was refused, on a connection that is well, would be refused on the next one, too.
      if (isRefused(error)) {
        refused(reasonOf(error));
        again = setTimeout(subscribe, REFUSED_MS).unref();
      } else {
        subscriber.renew();
      }
    });
  };
  client.on('message', (_, text) => {
    if (!signal.aborted) take(text);
  });
  subscriber.onReady(subscribe);
  if (subscriber.isReady) subscribe();
  // An answer that does not come ends the connection, and another one is made.
  const probe = setInterval(() => {
    if (subscriber.isReady) client.ping().catch(() => undefined);
  }, PROBE_MS).unref();
  const end = (): void => {
    clearInterval(probe);
    clearTimeout(again);
    subscriber.close();
  };
  signal.addEventListener('abort', end, { once: true });
  if (signal.aborted) end();
}
