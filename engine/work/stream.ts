// One stream of work in Redis, with its group: what is added, found and taken away there.
// Invariants: a stream and a group that are gone are made again, at 0; nothing is concluded of entries that are not ours; every
// ask is for a page.
import { reasonOf, type RedisConnection } from '../redis/connection';
import { fieldsOf, type Found, type Standing, type Work } from './entry';
import { ADD, LOOK, TIDY } from './scripts';

/** Of the group: it tells that the group is the one that was made here, and reads nothing. */
const OWN_CONSUMER = 'durable-mail';

const PAGE = 200;

type Row = readonly [string, string, string, string, Standing, number, number, string];

export interface Seen {
  readonly entries: readonly Found[];
  readonly consumers: ReadonlySet<string>;
  /** The group was not there, or another one was. */
  readonly isAnew: boolean;
}

export interface StreamNames {
  readonly stream: string;
  readonly group: string;
}

export class WorkStream {
  readonly #connection: Pick<RedisConnection, 'client'>;
  readonly #names: StreamNames;
  /** For people. */
  readonly name: string;

  /** @param place of the Redis, for people */
  constructor(connection: Pick<RedisConnection, 'client'>, names: StreamNames, place: string) {
    this.#connection = connection;
    this.#names = names;
    this.name = `the stream ${names.stream} in ${place}`;
  }

  /** @throws Error that names the stream: it may be there all the same */
  async add(work: Work): Promise<void> {
    await this.#asked((client) => client.eval(ADD, 1, ...this.#keys, ...fieldsOf(work)));
  }

  /** Its entries that are of this ledger, the oldest first. @throws Error that names the stream */
  async look(ledger: string): Promise<Seen> {
    const entries: Found[] = [];
    let from = '-';
    let isAnew = false;
    for (;;) {
      const [anew, consumers, rows] = (await this.#asked((client) =>
        client.eval(LOOK, 1, ...this.#keys, from, PAGE),
      )) as [number, string[], Row[]];
      isAnew ||= anew === 1;
      for (const [id, of, event, attempt, standing, deliveries, idleMs, consumer] of rows) {
        if (of !== ledger || !/^\d+$/.test(attempt)) continue;
        entries.push({ ...{ id, event, attempt: Number(attempt), standing, deliveries, idleMs, consumer } });
      }
      const last = rows.at(-1)?.[0];
      if (last === undefined || rows.length < PAGE) return { entries, consumers: new Set(consumers), isAnew };
      from = `(${last}`;
    }
  }

  /** These are over: nobody is handed them any more. */
  async drop(ids: readonly string[]): Promise<void> {
    const { stream, group } = this.#names;
    for (let at = 0; at < ids.length; at += PAGE) {
      const page = ids.slice(at, at + PAGE);
      await this.#asked((client) => client.xack(stream, group, ...page));
      await this.#asked((client) => client.xdel(stream, ...page));
    }
  }

  /** @returns how many consumers that were not there for so long are removed: those that hold nothing */
  async tidy(goneMs: number): Promise<number> {
    return (await this.#asked((client) => client.eval(TIDY, 1, ...this.#keys, goneMs))) as number;
  }

  get #keys(): [string, string, string] {
    return [this.#names.stream, this.#names.group, OWN_CONSUMER];
  }

  async #asked<T>(ask: (client: RedisConnection['client']) => Promise<T>): Promise<T> {
    try {
      return await ask(this.#connection.client);
    } catch (error) {
      throw new Error(`${this.name} cannot be used: ${reasonOf(error)}`, { cause: error });
    }
  }
}
