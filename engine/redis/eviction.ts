// Whether this Redis throws away what it was given to keep: with `allkeys-…` and a limit of memory a whole stream may vanish.
// Invariant: it is said once for each way in which it is so; that it cannot be asked is no fault.
import type { Log } from '../runtime/log';
import type { RedisConnection } from './connection';

/** @returns the policy by which streams are thrown away; null: they are not, or it does not say */
async function evictingPolicy(connection: Pick<RedisConnection, 'client'>): Promise<string | null> {
  const told = await connection.client.info('memory').catch(() => '');
  const policy = /^maxmemory_policy:(\S+)/m.exec(told)?.[1] ?? '';
  const most = Number(/^maxmemory:(\d+)/m.exec(told)?.[1] ?? 0);
  return most > 0 && policy.startsWith('allkeys-') ? policy : null;
}

/** Each time it is connected. @param name of the Redis, for people @returns ends it */
export function watchEviction(
  connection: Pick<RedisConnection, 'client' | 'isReady' | 'onReady'>,
  name: string,
  log: Log,
): () => void {
  let said: string | null = null;
  const look = async (): Promise<void> => {
    const policy = await evictingPolicy(connection);
    if (policy !== null && policy !== said) {
      log.warn(
        `${name} throws keys away when its memory is full (maxmemory-policy ${policy}): a stream can vanish with all that ` +
          'its readers have not read yet. It is begun anew then. Set maxmemory-policy to noeviction or to one of volatile-….',
      );
    }
    said = policy;
  };
  if (connection.isReady) void look();
  return connection.onReady(() => void look());
}
