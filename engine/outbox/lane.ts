// What goes out over one lane (a login, a host) from this process: as much at once as the lane takes, the oldest first.
// Invariant: it takes no more than its limits and what is left of them here; what it has begun is carried to its end by the carrier,
// whatever becomes of the lane.
import type { TakeEntries } from '../ledger/outbox';
import { Bell } from '../runtime/bell';
import type { Carried, Carrier } from './carrier';
import type { OutboxPorts } from './ports';
import type { LaneLimits } from './sender';

/** In one batch, whatever the lane takes at once. */
const MOST_TOGETHER = 100;
/** A look without being told. */
const LOOK_MS = 5_000;
/** Limits of so many lanes are kept in mind. */
const MOST_KNOWN = 10_000;
/** Of a lane without an entry that says what it takes: there is nothing to take. */
const NONE: LaneLimits = { mostAtOnce: 1, mostAMinute: null };

/** What lanes take, as the entry that was seen last says it: one that waits, before anything is taken. */
export class KnownLimits {
  readonly #senders: OutboxPorts['senders'];
  readonly #ledger: Pick<OutboxPorts['ledger'], 'firstOf'>;
  readonly #known = new Map<string, LaneLimits>();

  constructor({
    senders,
    ledger,
  }: Pick<OutboxPorts, 'senders'> & { readonly ledger: Pick<OutboxPorts['ledger'], 'firstOf'> }) {
    this.#senders = senders;
    this.#ledger = ledger;
  }

  /** @throws LedgerFault */
  async of(lane: string): Promise<LaneLimits> {
    if (!this.#known.has(lane)) {
      const first = await this.#ledger.firstOf(lane);
      if (first) this.see(first);
    }
    return this.#known.get(lane) ?? NONE;
  }

  see({ lane, kind, request }: Pick<Carried['entry'], 'lane' | 'kind' | 'request'>): void {
    const limits = this.#senders.get(kind)?.limits({ request });
    if (!limits) return;
    if (this.#known.size >= MOST_KNOWN) this.#known.clear();
    this.#known.set(lane, { ...limits, mostAtOnce: Math.max(1, limits.mostAtOnce) });
  }
}

interface LaneWork {
  readonly lane: string;
  /** What it is to take now; null: nothing any more. */
  readonly of: () => TakeEntries['of'] | null;
  /** Others wait for their turn: it begins with nothing more. */
  readonly isOver: () => boolean;
  readonly taken?: (id: string) => void;
}

export class Lane {
  readonly #work: LaneWork;
  readonly #carrier: Carrier;
  readonly #limits: KnownLimits;
  readonly #bell = new Bell<'look'>();

  constructor(work: LaneWork, carrier: Carrier, limits: KnownLimits) {
    this.#work = work;
    this.#carrier = carrier;
    this.#limits = limits;
  }

  /** It may have something more to do. */
  look(): void {
    this.#bell.ring('look');
  }

  /**
   * Until nothing is left that it may take now, and what it has begun has ended; or the signal aborts, then it waits for nothing.
   * @returns how many it has begun @throws LedgerFault; what it has begun goes on
   */
  async run(signal: AbortSignal): Promise<number> {
    const { lane, of, isOver } = this.#work;
    const under = new Set<Promise<void>>();
    let begun = 0;
    let mayBeMore = true;
    while (!signal.aborted) {
      const limits = await this.#limits.of(lane);
      const free = limits.mostAtOnce - under.size;
      const names = of();
      if (mayBeMore && free > 0 && names && !isOver()) {
        const taken = await this.#take(names, Math.min(free, MOST_TOGETHER), limits);
        begun += taken.length;
        for (const { ended } of taken) this.#keep(under, ended);
        mayBeMore = taken.length > 0;
        continue;
      }
      if (under.size === 0) return begun;
      await this.#bell.wait(LOOK_MS, ['look'], signal);
      this.#bell.take('look');
      mayBeMore = true;
    }
    return begun;
  }

  async #take(of: TakeEntries['of'], limit: number, limits: LaneLimits): Promise<readonly Carried[]> {
    const taken = await this.#carrier.take({ of, limit, ...limits });
    for (const { entry } of taken) {
      this.#limits.see(entry);
      this.#work.taken?.(entry.id);
    }
    return taken;
  }

  #keep(under: Set<Promise<void>>, ended: Promise<void>): void {
    under.add(ended);
    void ended.then(() => {
      under.delete(ended);
      this.look();
    });
  }
}
