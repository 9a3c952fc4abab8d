// The connection to the Redis that the configuration names, as its URL is now.
// Invariants: what could not be made is tried anew when it is asked for again; a URL that cannot be read now leaves what there is.
import { createHash } from 'node:crypto';
import { connectRedis, type RedisConnection } from '../../engine/redis/connection';
import { redisFromUrl, redisName, type RedisSettings } from '../../engine/redis/settings';
import type { Log } from '../../engine/runtime/log';

interface Made {
  readonly print: string;
  readonly connection: RedisConnection;
  /** For people. */
  readonly name: string;
}

export class NamedRedis {
  readonly #url: () => string;
  readonly #log: Log;
  #made: Made | null = null;

  /** @param url @throws Error: it cannot be read now, or there is none */
  constructor(url: () => string, log: Log) {
    this.#url = url;
    this.#log = log;
  }

  /** It was made by another URL than the one that is named now. */
  get isOld(): boolean {
    if (!this.#made) return false;
    try {
      return this.#made.print !== printOf(redisFromUrl(this.#url()));
    } catch {
      return false;
    }
  }

  /** One call after the other. @throws Error: the URL cannot be used */
  async connected(): Promise<Made> {
    if (this.#made) return this.#made;
    const settings = redisFromUrl(this.#url());
    const connection = await connectRedis(settings, this.#log);
    return (this.#made = { print: printOf(settings), connection, name: redisName(settings) });
  }

  close(): void {
    this.#made?.connection.close();
    this.#made = null;
  }
}

/** With what is in the files that it names; a password is not kept. */
const printOf = (settings: RedisSettings): string =>
  createHash('sha256').update(JSON.stringify(settings)).digest('hex');
