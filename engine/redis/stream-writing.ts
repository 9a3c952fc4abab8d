// Writing to the stream of events, as one process at a time may.
// Invariants: an entry is written only by the holder of the lease, and only after the entry that the writer takes for the last one:
// in one script, so that neither a writer that stood still nor two at once, a stream that was emptied or a master that lost
// what it had acknowledged leave a hole or an entry out of order. The lease spares work; what makes it right is the second.
import type { RedisConnection } from './connection';
import { baseOf, type StreamPlace } from './entry-id';
import type { Keys } from './keys';

const LEASE_MS = 15_000;

/** The last id that was given out, also of a stream whose entries were all trimmed; false: there is no stream. */
const LAST = `
  local function last(stream)
    if redis.call('exists', stream) == 0 then return false end
    local told = redis.call('xinfo', 'stream', stream)
    for i = 1, #told, 2 do if told[i] == 'last-generated-id' then return told[i + 1] end end
    return false
  end`;

/** @returns the last id, '' where there is no stream; nil where another has the lease */
const HOLD = `${LAST}
  if redis.call('get', KEYS[2]) ~= ARGV[1] then
    if not redis.call('set', KEYS[2], ARGV[1], 'nx', 'px', ARGV[2]) then return false end
  else
    redis.call('pexpire', KEYS[2], ARGV[2])
  end
  return last(KEYS[1]) or ''`;

const APPEND = `${LAST}
  if redis.call('get', KEYS[2]) ~= ARGV[1] then return 'taken' end
  if (last(KEYS[1]) or '') ~= ARGV[3] then return 'moved' end
  redis.call('pexpire', KEYS[2], ARGV[2])
  for _, one in ipairs(cjson.decode(ARGV[7])) do
    redis.call('xadd', KEYS[1], 'maxlen', '~', ARGV[4], one.id, unpack(one.fields))
  end
  redis.call('hset', KEYS[3], 'id', ARGV[5], 'position', ARGV[6])
  return 'done'`;

const RELEASE = `if redis.call('get', KEYS[1]) == ARGV[1] then redis.call('del', KEYS[1]) end`;

export interface Entry {
  readonly id: string;
  readonly fields: readonly string[];
}

export class StreamWriting {
  readonly #client: RedisConnection['client'];
  readonly #holder: string;
  readonly #stream: string;
  readonly #lease: string;
  readonly #place: string;

  constructor(connection: Pick<RedisConnection, 'client'>, keys: Keys, name: string, holder: string) {
    this.#client = connection.client;
    this.#holder = holder;
    this.#stream = keys(name);
    this.#lease = keys(`${name}:writer`);
    this.#place = keys(`${name}:place`);
  }

  /** Of the stream. */
  get key(): string {
    return this.#stream;
  }

  /** Takes the lease, or keeps it. @returns the last id, '' where there is no stream; null: another process writes */
  async hold(): Promise<string | null> {
    const [stream, lease] = [this.#stream, this.#lease];
    return (await this.#client.eval(HOLD, 2, stream, lease, this.#holder, LEASE_MS)) as string | null;
  }

  /** @param last as `hold` gave it @returns null: what stands there does not say what it was */
  async placeOf(last: string): Promise<StreamPlace | null> {
    const [id, position] = await this.#client.hmget(this.#place, 'id', 'position');
    if (id === last && position) return { id, position, base: baseOf(id, position) };
    const [newest] = await this.#client.xrevrange(this.#stream, '+', '-', 'COUNT', 1);
    if (newest?.[0] !== last) return null;
    const at = newest[1].indexOf('position');
    const own = at % 2 === 0 ? newest[1][at + 1] : undefined;
    return own ? { id: last, position: own, base: baseOf(last, own) } : null;
  }

  /** @param after '' where there is no stream @returns `taken`: another process writes; `moved`: another entry is the last */
  async append(
    after: string,
    entries: readonly Entry[],
    { id, position }: StreamPlace,
    most: number,
  ): Promise<'done' | 'taken' | 'moved'> {
    const keys = [this.#stream, this.#lease, this.#place];
    const told = [this.#holder, LEASE_MS, after, most, id, position, JSON.stringify(entries)];
    return (await this.#client.eval(APPEND, 3, ...keys, ...told)) as 'done' | 'taken' | 'moved';
  }

  async release(): Promise<void> {
    await this.#client.eval(RELEASE, 1, this.#lease, this.#holder);
  }
}
