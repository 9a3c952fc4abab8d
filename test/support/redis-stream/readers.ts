// Readers of the stream of events, as docs/redis.md tells people to write them.
import { connectRedis, type RedisConnection } from '../../../engine/redis/connection';
import type { RedisSettings } from '../../../engine/redis/settings';
import { silentLog } from '../log';

type Entries = readonly (readonly [id: string, fields: readonly string[] | null])[];

abstract class Reader {
  /** The event of each entry, as it was done. */
  readonly events: string[] = [];
  resets = 0;
  readonly #closing = new AbortController();
  readonly #running: Promise<void>;

  constructor(
    protected readonly stream: string,
    settings: RedisSettings,
  ) {
    this.#running = this.#run(settings, this.#closing.signal);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#running;
  }

  protected abstract read(connection: RedisConnection): Promise<void>;

  protected abstract afterFault(connection: RedisConnection, text: string): Promise<void>;

  protected done(fields: readonly string[]): void {
    const type = fields[fields.indexOf('type') + 1];
    if (type === 'reset') this.resets++;
    else this.events.push(fields[fields.indexOf('event') + 1]!);
  }

  async #run(settings: RedisSettings, signal: AbortSignal): Promise<void> {
    const connection = await connectRedis(settings, silentLog, { use: 'blocking', commandMs: 3_000 });
    while (!signal.aborted) {
      await connection.ready(signal);
      try {
        await this.read(connection);
      } catch (error) {
        await this.afterFault(connection, String(error)).catch(() => undefined);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
    connection.close();
  }
}

/** Alone, and goes on after the last id that it has done: whatever becomes of the stream, nothing comes twice. */
export class OwnReader extends Reader {
  #last = '0-0';

  protected override async read({ client }: RedisConnection): Promise<void> {
    const asked = ['COUNT', 50, 'BLOCK', 500, 'STREAMS', this.stream, this.#last] as const;
    for (const [id, fields] of (await client.xread(...asked))?.[0]?.[1] ?? []) {
      this.done(fields);
      this.#last = id;
    }
  }

  protected override afterFault(): Promise<void> {
    return Promise.resolve();
  }
}

/** One of a group: what it has done it knows by the ids. */
export class GroupReader extends Reader {
  groupsMade = 0;
  readonly #done = new Set<string>();
  #hasPending = true;

  protected override async read({ client }: RedisConnection): Promise<void> {
    // What it was given and has not acknowledged: an answer may have been lost on its way, or have gone to a line that was dead.
    const from = this.#hasPending ? '0' : '>';
    const asked = ['GROUP', 'group', 'one', 'COUNT', '50', 'BLOCK', '500', 'STREAMS', this.stream, from];
    const answer = (await client.call('xreadgroup', ...asked)) as [string, Entries][] | null;
    const entries = answer?.[0]?.[1] ?? [];
    this.#hasPending = from === '0' ? entries.length > 0 : entries.length === 0;
    for (const [id, fields] of entries) {
      if (fields && !this.#done.has(id)) this.done(fields);
      this.#done.add(id);
      await client.xack(this.stream, 'group', id);
    }
  }

  protected override async afterFault({ client }: RedisConnection, text: string): Promise<void> {
    this.#hasPending = true;
    if (!text.includes('NOGROUP')) return;
    this.groupsMade++;
    // Not at "$": what came meanwhile would be passed over.
    await client.xgroup('CREATE', this.stream, 'group', '0', 'MKSTREAM');
  }
}
