// What Redis is used for, as the environment says it. Nothing, where no URL is named.
// Invariant: a setting that cannot be meant is an error that names its variable; it is never passed over.
import { readEnvironment } from '../runtime/environment';
import { errorText } from '../runtime/log';
import { redisFromUrl, type RedisSettings } from './settings';

export interface RedisUse {
  readonly settings: RedisSettings;
}

export const REDIS_URL = 'DURABLE_MAIL_REDIS_URL';

/**
 * @param url of a credential: it goes before the environment's
 * @returns undefined: no Redis is named @throws Error that names the variable
 */
export function redisUse(url?: { readonly text: string; readonly of: string }): RedisUse | undefined {
  const of = url?.of ?? `the environment variable ${REDIS_URL}`;
  try {
    const text = url?.text ?? readEnvironment(REDIS_URL);
    return text ? { settings: redisFromUrl(text) } : undefined;
  } catch (error) {
    throw new Error(`Redis as ${of} names it cannot be used: ${errorText(error)}`);
  }
}
