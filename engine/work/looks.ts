// Looks at a stream of work, and does what it says: renews, settles, takes away.
// Invariants: the ledger is settled first, and the entry taken away after it; several processes may look at once, for every step is
// fenced by the attempt; what is not in the stream is not renewed, so its lease ends and it is added again.
import { QUEUED_LEASE_MS } from '../delivery/queued-runs';
import type { Ledger } from '../ledger/ledger';
import type { Pointer } from '../ledger/pointer';
import type { Whereabouts } from '../ledger/run-ends';
import type { Outcome } from '../ledger/runs';
import type { Log } from '../runtime/log';
import { monotonicNow } from '../runtime/time';
import { decide, type Decision, type Patience } from './decision';
import type { Found } from './entry';
import type { WorkStream } from './stream';

/** Well within a lease. */
const RENEW_MS = 8_000;
const PAGE = 500;
/** As the execution of what was settled. */
const EXECUTION = 'stream';

export interface LookPorts {
  readonly ledger: Pick<Ledger, 'ledgerId' | 'whereabouts' | 'claim' | 'renew' | 'settle' | 'release'>;
  readonly stream: Pick<WorkStream, 'look' | 'drop' | 'name'>;
  readonly log: Log;
  /** For those who wait for what is due: something was settled. */
  readonly settled: () => void;
}

type Failing = Extract<Decision, { readonly error: string }>;

export class Looks {
  readonly #ports: LookPorts;
  readonly #patience: Patience;
  /** Who held which entry when it was looked at last. */
  #holders: ReadonlyMap<string, string> = new Map();
  /** Monotonic; when all that stands there was renewed last. */
  #renewedAt = -Infinity;
  #looking: Promise<void> | null = null;

  constructor(patience: Patience, ports: LookPorts) {
    this.#patience = patience;
    this.#ports = ports;
  }

  /** @throws Error that names the stream, LedgerFault: nothing is lost by it */
  look(): Promise<void> {
    this.#looking ??= this.#look().finally(() => (this.#looking = null));
    return this.#looking;
  }

  /** All that stands there holds its lease, for a while. @throws as `look` */
  async renewed(): Promise<void> {
    if (monotonicNow() - this.#renewedAt >= RENEW_MS) await this.look();
  }

  async #look(): Promise<void> {
    const { ledger, stream, log } = this.#ports;
    const began = monotonicNow();
    const renews = began - this.#renewedAt >= RENEW_MS;
    const { entries, consumers, isAnew } = await stream.look(await ledger.ledgerId());
    if (isAnew && this.#holders.size > 0)
      log.warn(`The group of ${stream.name} was gone; it was made again, and begins with what is there`);
    const events = await this.#whereabouts(entries);
    const kept: Pointer[] = [];
    const over: string[] = [];
    const done: Found[] = [];
    const failing: (readonly [Found, Failing])[] = [];
    for (const entry of entries) {
      const holder = this.#holders.get(entry.id);
      const isOrphaned = holder !== undefined && !consumers.has(holder);
      const decision = decide(entry, events.get(entry.event), isOrphaned, this.#patience);
      if ('error' in decision) failing.push([entry, decision]);
      else if (decision.kind === 'keep') kept.push(entry);
      else if (decision.kind === 'done') done.push(entry);
      else over.push(entry.id);
    }
    if (renews) await this.#renew(kept, events);
    for (const page of pages(done)) await this.#settle(page, { kind: 'success' });
    for (const [entry, decision] of failing) await this.#fail(entry, decision);
    await stream.drop([...over, ...done.map(({ id }) => id), ...failing.map(([{ id }]) => id)]);
    this.#holders = new Map(entries.flatMap(({ id, consumer }) => (consumer === '' ? [] : [[id, consumer]])));
    if (renews) this.#renewedAt = began;
    if (done.length + failing.length > 0) this.#ports.settled();
  }

  async #whereabouts(entries: readonly Found[]): Promise<ReadonlyMap<string, Whereabouts>> {
    const events = new Map<string, Whereabouts>();
    for (const page of pages([...new Set(entries.map(({ event }) => event))]))
      for (const [event, at] of await this.#ports.ledger.whereabouts(page)) events.set(event, at);
    return events;
  }

  async #renew(kept: readonly Pointer[], events: ReadonlyMap<string, Whereabouts>): Promise<void> {
    for (const state of ['QUEUED', 'RUNNING'] as const) {
      const those = kept.filter(({ event }) => events.get(event)?.state === state);
      for (const page of pages(those)) await this.#ports.ledger.renew(page, state, QUEUED_LEASE_MS);
    }
  }

  /** What was claimed before, by one who died before it was settled, is settled, too. */
  async #settle(pointers: readonly Pointer[], outcome: Outcome): Promise<void> {
    const { ledger } = this.#ports;
    await ledger.claim(pointers, EXECUTION, QUEUED_LEASE_MS, false);
    await ledger.settle(pointers, outcome);
  }

  async #fail(entry: Found, { kind, error }: Failing): Promise<void> {
    const { ledger, log, stream } = this.#ports;
    log.warn(`A mail of ${stream.name} is taken back: ${error}`, { event: entry.event });
    if (kind === 'fail') return this.#settle([entry], { kind: 'failure', error });
    const released = await ledger.release([entry], error);
    // It was being settled: that is in doubt now, too.
    if (released.length === 0) await this.#settle([entry], { kind: 'failure', error });
  }
}

function pages<T>(all: readonly T[]): T[][] {
  const count = Math.ceil(all.length / PAGE);
  return Array.from({ length: count }, (_, at) => all.slice(at * PAGE, (at + 1) * PAGE));
}
