// Tells whether a Redis can be used, for a credential's test and for `check`. It changes nothing.
import { pause } from '../runtime/time';
import { connectRedis, isRefused, type RedisClient, reasonOf } from './connection';
import { keysOf, rightFor } from './keys';
import { redisName, type RedisSettings } from './settings';

const WAIT_MS = 8_000;
const LOOK_MS = 50;

/** Connects. @param wakes whether others are to be woken by it @returns a sentence for people @throws Error that says which Redis, and why it cannot be used */
export async function checkRedis(settings: RedisSettings, wakes = true): Promise<string> {
  const name = redisName(settings);
  const none = (): void => undefined;
  const connection = await connectRedis(settings, { debug: none, info: none, warn: none, error: none });
  const end = performance.now() + WAIT_MS;
  const never = new AbortController().signal;
  try {
    // Of several addresses one may be away: only of a single one is its first refusal the answer.
    const isRefused = (): boolean => settings.kind === 'one' && connection.trouble !== null;
    while (!connection.isReady && !isRefused() && performance.now() < end) await pause(LOOK_MS, never);
    if (!connection.isReady) throw new Error(connection.trouble ?? 'it does not answer');
    const version = /^redis_version:(\S+)/m.exec(await connection.client.info('server'))?.[1];
    const unheard = wakes ? await channelRefusal(connection.client) : null;
    return (
      `Connected to ${name}${version === undefined ? '' : ` (version ${version})`}` +
      (unheard === null ? '' : `, which lets nobody be woken: ${unheard}. ${rightFor(unheard)}`)
    );
  } catch (error) {
    throw new Error(`${name} cannot be used: ${reasonOf(error)}`, { cause: error });
  } finally {
    connection.close();
  }
}

/** Only behind a PgBouncer in transaction mode anybody is woken by it: it is no fault, but it is said. */
async function channelRefusal(client: RedisClient): Promise<string | null> {
  const channel = keysOf('check')('wake');
  try {
    await client.publish(channel, '');
    await client.subscribe(channel);
    return null;
  } catch (error) {
    if (!isRefused(error)) throw error;
    return reasonOf(error);
  }
}
