// Tells endpoints of what becomes so: from the ledger's changes to webhooks in the outbox, without a workflow in between.
// Invariants: an endpoint's position moves in the transaction that queues what came up to it (Endpoints.tellEndpoint), so that
// nothing is told twice or left out, in however many processes this runs; where there was nothing for it, its position is only
// stored now and then: to read that again is harmless. What tells of an endpoint's own webhooks is told to none: it would never
// end. One that cannot be told holds up no other.
import { letsThrough } from '../../feed/asked';
import { type Worded, worded } from '../../feed/wording';
import type { Change, Changes } from '../../ledger/changes';
import { type Endpoint, type Endpoints, isReader } from '../../ledger/endpoints';
import type { Outbox } from '../../ledger/outbox';
import { backoffDelay } from '../../runtime/backoff';
import { Bell } from '../../runtime/bell';
import { errorText, type Log } from '../../runtime/log';
import { monotonicNow, pause } from '../../runtime/time';
import type { Wake } from '../../signal/wake';
import { endpointOfEntry, toldEntry } from './endpoint';
import { failingFor } from './failing';
import { OtherWebhookVersion, WEBHOOK_KIND } from './webhook-request';
import { WebhookFault } from './webhook-url';

/** Changes that are looked at together; each may become an entry for each endpoint. */
const PAGE = 200;
const GATHER_MS = 100;
const POLL_MS = 1_000;
/** Where there is no endpoint. */
const REST_MS = 5_000;
const STORE_MS = 60_000;
const HEALTH_MS = 10 * 60_000;
const AFTER_FAULT = { firstMs: 500, mostMs: 30_000 };
const ASIDE_AFTER_MS = 3 * 86_400_000;

export interface TellingPorts {
  readonly ledger: Pick<Changes, 'changes' | 'changePositions'> &
    Pick<Endpoints, 'endpoints' | 'tellEndpoint' | 'setAside' | 'endpointHealth'> &
    Pick<Outbox, 'entriesOf'>;
  readonly wake: Pick<Wake, 'listenToAll'>;
  /** Something was queued: whoever sends looks at once. */
  readonly queued: () => void;
  readonly log: Log;
  /** An endpoint for which nothing has succeeded for so long is set aside, ms. Default 3 days. */
  readonly asideAfterMs?: number;
  readonly times?: TellingTimes;
}

export interface TellingTimes {
  readonly now: () => number;
  /** ms since 1970. */
  readonly wallClock: () => number;
  readonly pause: typeof pause;
  readonly random: () => number;
}

/** How far an endpoint was read for. */
interface Reading {
  readonly stored: string;
  /** Nothing between what is stored and this is for it. */
  at: string;
  readonly storedAt: number;
  /** What it wants: one that wants something else is read for anew. */
  readonly wish: string;
}

export class Telling {
  readonly #ports: TellingPorts;
  readonly #times: TellingTimes;
  readonly #over = new AbortController();
  readonly #bell: Bell<'look'>;
  readonly #readings = new Map<number, Reading>();
  #running: Promise<void> | null = null;
  #healthAt: number;

  constructor(ports: TellingPorts) {
    this.#ports = ports;
    this.#times = ports.times ?? { now: monotonicNow, wallClock: Date.now, pause, random: Math.random };
    this.#bell = new Bell(this.#times.pause);
    this.#healthAt = this.#times.now() + STORE_MS;
  }

  /** From now on this process tells. A second call does nothing. */
  start(): void {
    this.#running ??= this.#run();
  }

  /** An endpoint was saved or taken back, or there may be something new: a hint. */
  look(): void {
    this.#bell.ring('look');
  }

  /** What is under way is finished first. */
  async close(): Promise<void> {
    this.#over.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { wake, log } = this.#ports;
    const { signal } = this.#over;
    const deafen = wake.listenToAll(() => this.look());
    try {
      for (let failures = 0; !signal.aborted;) {
        this.#bell.take('look');
        try {
          const found = await this.#look();
          if (failures > 0) log.info('Endpoints are told again, from where they were');
          failures = 0;
          // Where there is nobody to tell, each mail on its way would ask for nothing.
          await this.#times.pause(found === 'idle' ? POLL_MS : GATHER_MS, signal);
          if (found !== 'more') await this.#bell.wait(found === 'idle' ? REST_MS : POLL_MS, ['look'], signal);
        } catch (error) {
          if (++failures === 1)
            log.warn(`Endpoints cannot be told yet, and it is tried again: ${errorText(error)}`);
          await this.#times.pause(backoffDelay(failures, AFTER_FAULT, this.#times.random), signal);
        }
      }
    } finally {
      deafen();
    }
  }

  /** @returns `idle`: there is nobody to tell; `more`: there is more to read */
  async #look(): Promise<'idle' | 'none' | 'more'> {
    const { ledger } = this.#ports;
    const endpoints = (await ledger.endpoints()).filter(
      (endpoint) => endpoint.asideSince === null && !isReader(endpoint),
    );
    const groups = this.#byPosition(endpoints);
    if (endpoints.length === 0) return 'idle';
    await this.#seeToFailing(endpoints);
    const { newest } = await ledger.changePositions();
    let isMore = false;
    for (const [position, group] of groups) {
      if (this.#over.signal.aborted) break;
      if (position !== newest && (await this.#tell(position, group))) isMore = true;
    }
    return isMore ? 'more' : 'none';
  }

  /** Those that stand together are read for together. */
  #byPosition(endpoints: readonly Endpoint[]): ReadonlyMap<string, readonly Endpoint[]> {
    const ids = new Set(endpoints.map(({ id }) => id));
    for (const id of this.#readings.keys()) if (!ids.has(id)) this.#readings.delete(id);
    const groups = new Map<string, Endpoint[]>();
    for (const endpoint of endpoints) {
      const known = this.#readings.get(endpoint.id);
      const wish = JSON.stringify(endpoint.wish);
      if (known?.stored !== endpoint.position || known.wish !== wish)
        this.#readAt(endpoint, endpoint.position);
      const { at } = this.#readings.get(endpoint.id)!;
      groups.set(at, [...(groups.get(at) ?? []), endpoint]);
    }
    return groups;
  }

  /** @returns whether there is more */
  async #tell(position: string, group: readonly Endpoint[]): Promise<boolean> {
    const { ledger } = this.#ports;
    const page = await ledger.changes(position, PAGE);
    if (page === 'reset') {
      await this.#beginAnew(group);
      return true;
    }
    const own = await this.#ownOf(page.changes);
    const told = (await worded(page.changes, null)).filter(({ event }) => !own.has(event.id));
    let isMore = page.more;
    for (const endpoint of group) {
      if (!(await this.#tellOne(endpoint, told, page.position))) isMore = true;
    }
    return isMore;
  }

  /** @returns false: it is not where it was thought, and is looked at anew */
  async #tellOne(endpoint: Endpoint, told: readonly Worded[], to: string): Promise<boolean> {
    const { ledger, queued } = this.#ports;
    const { types, workflowId, sourceId } = endpoint.wish;
    const wish = {
      types,
      ...(workflowId !== null && { workflowId }),
      ...(sourceId !== null && { sourceId }),
    };
    const mine = told.filter(({ event }) => letsThrough(wish, event));
    const reading = this.#readings.get(endpoint.id)!;
    if (mine.length === 0 && this.#times.now() - reading.storedAt < STORE_MS) {
      reading.at = to;
      return true;
    }
    let entries;
    try {
      entries = await Promise.all(mine.map(({ event }) => toldEntry(endpoint, event)));
    } catch (error) {
      // A newer version saved it, and another process, which has that, tells it.
      if (error instanceof OtherWebhookVersion) return true;
      if (!(error instanceof WebhookFault)) throw error;
      await this.#setAside(endpoint, error.message);
      return true;
    }
    if (!(await ledger.tellEndpoint(endpoint.id, { from: endpoint.position, to }, entries))) {
      this.#readings.delete(endpoint.id);
      return false;
    }
    this.#readAt(endpoint, to);
    if (entries.length > 0) queued();
    return true;
  }

  /** Not all that came after where they were is kept any more: they go on with all that is. */
  async #beginAnew(group: readonly Endpoint[]): Promise<void> {
    const { ledger, log } = this.#ports;
    const { oldest } = await ledger.changePositions();
    for (const { id, name, position } of group) {
      this.#readings.delete(id);
      if (await ledger.tellEndpoint(id, { from: position, to: oldest, missed: true }, [])) {
        log.warn(
          `The endpoint "${name}" was away for longer than changes are kept, and has missed some of them`,
        );
      }
    }
  }

  /** Positions of changes that tell of webhooks to endpoints; of one that is not there any more nobody knows. */
  async #ownOf(changes: readonly Change[]): Promise<ReadonlySet<string>> {
    const entries = new Map<string, string>();
    for (const { type, details, position } of changes) {
      const { kind, entry } = details;
      if (type.startsWith('outbox.') && kind === WEBHOOK_KIND && typeof entry === 'string') {
        entries.set(position, entry);
      }
    }
    if (entries.size === 0) return new Set();
    const found = await this.#ports.ledger.entriesOf({ ids: [...new Set(entries.values())] });
    const others = new Set(found.filter((entry) => endpointOfEntry(entry) === null).map(({ id }) => id));
    return new Set([...entries].filter(([, entry]) => !others.has(entry)).map(([position]) => position));
  }

  async #seeToFailing(endpoints: readonly Endpoint[]): Promise<void> {
    if (this.#times.now() < this.#healthAt) return;
    this.#healthAt = this.#times.now() + HEALTH_MS;
    const { ledger, asideAfterMs = ASIDE_AFTER_MS } = this.#ports;
    for (const endpoint of endpoints) {
      const reason = await failingFor(ledger, endpoint, { ms: asideAfterMs, now: this.#times.wallClock() });
      if (reason !== null) await this.#setAside(endpoint, reason);
    }
  }

  async #setAside({ id, name, url }: Endpoint, reason: string): Promise<void> {
    const { ledger, log } = this.#ports;
    if (await ledger.setAside(id, reason, url)) {
      log.warn(`The endpoint "${name}" is set aside, and told nothing until it is taken back: ${reason}`);
    }
  }

  #readAt({ id, wish }: Endpoint, position: string): void {
    this.#readings.set(id, {
      ...{ stored: position, at: position, storedAt: this.#times.now(), wish: JSON.stringify(wish) },
    });
  }
}
