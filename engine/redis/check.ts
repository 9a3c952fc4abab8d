// Tells whether a Redis can be used, for a credential's test and for `check`. It changes nothing.
import { connectRedis, reasonOf } from './connection';
import { redisName, type RedisSettings } from './settings';

const WAIT_MS = 8_000;

/** Connects. @returns a sentence for people @throws Error that says which Redis, and why it cannot be used */
export async function checkRedis(settings: RedisSettings): Promise<string> {
  const name = redisName(settings);
  const none = (): void => undefined;
  const connection = await connectRedis(settings, { debug: none, info: none, warn: none, error: none });
  const over = new AbortController();
  const timer = setTimeout(() => over.abort(), WAIT_MS);
  try {
    await connection.ready(over.signal);
    if (!connection.isReady) throw new Error(connection.trouble ?? 'it does not answer');
    const version = /^redis_version:(\S+)/m.exec(await connection.client.info('server'))?.[1];
    return `Connected to ${name}${version === undefined ? '' : ` (version ${version})`}`;
  } catch (error) {
    throw new Error(`${name} cannot be used: ${reasonOf(error)}`, { cause: error });
  } finally {
    clearTimeout(timer);
    connection.close();
  }
}
