// Events out: every change of the ledger as an entry of a Redis stream, for programs outside n8n.
// Invariants: the ledger's changes are the truth, and the stream a copy of them: in order, each at least once, none left out that the
// ledger still has. Where something is missing, the stream says so with an entry `reset`, and holds from there on all that the
// ledger has: also at its first beginning. An entry that is written again has the id that it had (entry-id.ts).
// A Redis or a ledger that is away is waited for; nothing else waits for the stream.
import type { Changes } from '../ledger/changes';
import { worded } from '../feed/wording';
import { backoffDelay } from '../runtime/backoff';
import { Bell } from '../runtime/bell';
import type { Log } from '../runtime/log';
import { pause } from '../runtime/time';
import type { Wake } from '../signal/wake';
import { type RedisConnection, reasonOf } from './connection';
import { baseAfter, entryId, type StreamPlace } from './entry-id';
import { entryOf, type EventStreamSettings } from './event-entry';
import type { StreamWriting } from './stream-writing';
import { trimByAge } from './trimming';

/** The ledger is looked at so often, and what comes close together goes together. */
const POLL_MS = 1_000;
const GATHER_MS = 50;
/** Whether the lease is free; well within how long one lasts it is kept. */
const LEASE_LOOK_MS = 5_000;
const TRIM_MS = 60_000;
const PAGE = 200;
const AGAIN = { firstMs: 500, mostMs: 10_000 };

export interface EventStreamPorts {
  readonly ledger: Pick<Changes, 'changes' | 'changePositions'>;
  readonly wake: Pick<Wake, 'listenToAll'>;
  readonly connection: RedisConnection;
  readonly writing: StreamWriting;
  readonly log: Log;
}

/** The lease is another's, or the stream is not as it was left. */
class Interrupted extends Error {}

export class EventStream {
  readonly #ports: EventStreamPorts;
  readonly #settings: EventStreamSettings;
  readonly #bell = new Bell<'look'>();
  #isSaid = false;

  constructor(ports: EventStreamPorts, settings: EventStreamSettings) {
    this.#ports = ports;
    this.#settings = settings;
  }

  /** Until the signal aborts. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const { connection, wake, writing, log } = this.#ports;
    const deafen = wake.listenToAll(() => this.#bell.ring('look'));
    for (let failures = 0; !signal.aborted;) {
      await connection.ready(signal);
      if (!connection.isReady) break;
      try {
        const last = await writing.hold();
        if (last !== null) await this.#write(last, signal, () => (failures = 0));
        else await pause(LEASE_LOOK_MS, signal);
      } catch (error) {
        if (error instanceof Interrupted) continue;
        if (++failures === 1) {
          log.warn(`Events do not go to the Redis stream now, and go on later: ${reasonOf(error)}`);
        }
        await pause(backoffDelay(failures, AGAIN), signal);
      }
    }
    deafen();
    if (connection.isReady) await writing.release().catch(() => undefined);
  }

  /** Until the signal aborts. @param last that stands in the stream @throws Interrupted, or what Redis or the ledger said */
  async #write(last: string, signal: AbortSignal, went: () => void): Promise<void> {
    const { ledger, writing, log } = this.#ports;
    if (!this.#isSaid) log.info(`Events go to the Redis stream ${writing.key}`);
    this.#isSaid = true;
    const known = last === '' ? null : await writing.placeOf(last);
    let place = known ?? (await this.#beginAnew(last, 0n));
    let lookedAt = performance.now();
    let trimmedAt = -TRIM_MS;
    for (;;) {
      this.#bell.take('look');
      const page = await ledger.changes(place.position, PAGE);
      if (page === 'reset') {
        place = await this.#beginAnew(place.id, place.base);
        continue;
      }
      if (page.changes.length > 0) {
        place = await this.#append(place, page.changes);
        lookedAt = performance.now();
      }
      went();
      if (page.more) {
        if (signal.aborted) return;
        continue;
      }
      if (performance.now() - trimmedAt >= TRIM_MS) {
        trimmedAt = performance.now();
        await this.#trim();
      }
      await pause(GATHER_MS, signal);
      await this.#bell.wait(POLL_MS - GATHER_MS, ['look'], signal);
      if (signal.aborted) return;
      if (performance.now() - lookedAt < LEASE_LOOK_MS) continue;
      // Also where nothing happens it is seen that the stream was deleted.
      if ((await writing.hold()) !== place.id) throw new Interrupted();
      lookedAt = performance.now();
    }
  }

  /** With all that the ledger has. @param last what stands in the stream now, '' where there is none */
  async #beginAnew(last: string, baseBefore: bigint): Promise<StreamPlace> {
    const { ledger, writing, log } = this.#ports;
    const { oldest } = await ledger.changePositions();
    const base = baseAfter(oldest, baseBefore, last === '' ? null : last);
    const place = { id: entryId(oldest, base), position: oldest, base };
    const time = new Date().toISOString();
    const fields = entryOf({ v: 1, type: 'reset', id: oldest, time }, this.#settings.fields);
    await this.#put(last, [{ id: place.id, fields }], place);
    log.info(
      `The Redis stream ${writing.key} begins anew, with all that the mail ledger has: its readers see an entry "reset"`,
    );
    return place;
  }

  async #append(after: StreamPlace, changes: Parameters<typeof worded>[0]): Promise<StreamPlace> {
    const { base } = after;
    const events = (await worded(changes, null)).map(({ event }) => event);
    const entries = events.map((event) => ({
      id: entryId(event.id, base),
      fields: entryOf(event, this.#settings.fields),
    }));
    const position = events.at(-1)!.id;
    const place = { id: entryId(position, base), position, base };
    await this.#put(after.id, entries, place);
    return place;
  }

  async #put(
    ...[after, entries, place]: [string, Parameters<StreamWriting['append']>[1], StreamPlace]
  ): Promise<void> {
    const done = await this.#ports.writing.append(after, entries, place, this.#settings.most);
    if (done !== 'done') throw new Interrupted();
  }

  async #trim(): Promise<void> {
    const { keepMs } = this.#settings;
    const { connection, writing } = this.#ports;
    if (keepMs !== null) await trimByAge(connection.client, writing.key, Date.now() - keepMs);
  }
}
