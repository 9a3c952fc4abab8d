// What runs of this process wait for, sent by this process: lane by lane, whoever asks, so that many who wait ask the ledger as
// one. It does not matter whether the process is started.
// Invariant: nothing is taken that nobody waits for any more.
import type { Entry } from '../ledger/outbox';
import { Bell } from '../runtime/bell';
import { errorText, type Log } from '../runtime/log';
import type { Carrier } from './carrier';
import { type KnownLimits, Lane } from './lane';

/** Before it is asked again: the lane is at its limits, or rests, or the next try is not due. */
const AGAIN_MS = 1_000;
/** Named at once. */
const MOST_IDS = 2_000;

/** What one run waits for. */
export interface Wish {
  /** As they stand, those that are not settled. */
  want(open: readonly Entry[]): void;
  end(): void;
}

export class NamedLanes {
  readonly #log: Log;
  readonly #carrier: Carrier;
  readonly #limits: KnownLimits;
  readonly #lanes = new Map<string, NamedLane>();
  readonly #stopping = new AbortController();
  readonly #running = new Set<Promise<void>>();

  constructor(log: Log, carrier: Carrier, limits: KnownLimits) {
    this.#log = log;
    this.#carrier = carrier;
    this.#limits = limits;
  }

  wish(): Wish {
    let wanted: readonly Entry[] = [];
    return {
      want: (open) => {
        wanted = open;
        for (const entry of open) if (!this.#carrier.carries(entry.id)) this.#want(entry);
      },
      end: () => {
        for (const { id, lane } of wanted) this.#lanes.get(lane)?.ids.delete(id);
      },
    };
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.all(this.#running);
  }

  #want(entry: Entry): void {
    const known = this.#lanes.get(entry.lane);
    if (known) {
      known.want(entry.id);
      return;
    }
    // Its limits are known before anything is taken.
    this.#limits.see(entry);
    const lane = new NamedLane(entry.lane, this.#carrier, this.#limits);
    lane.want(entry.id);
    this.#lanes.set(entry.lane, lane);
    const running = lane
      .run(this.#stopping.signal, this.#log, () => this.#lanes.delete(entry.lane))
      .finally(() => this.#running.delete(running));
    this.#running.add(running);
  }
}

class NamedLane {
  readonly ids = new Set<string>();
  readonly #lane: Lane;
  readonly #bell = new Bell<'wanted'>();

  constructor(lane: string, carrier: Carrier, limits: KnownLimits) {
    const work = {
      lane,
      of: () => (this.ids.size === 0 ? null : { ids: [...this.ids].slice(0, MOST_IDS) }),
      isOver: () => false,
      taken: (id: string) => void this.ids.delete(id),
    };
    this.#lane = new Lane(work, carrier, limits);
  }

  want(id: string): void {
    if (this.ids.has(id)) return;
    this.ids.add(id);
    this.#lane.look();
    this.#bell.ring('wanted');
  }

  /** @param ended is called in the very moment in which nothing is wanted: who wants more then begins another */
  async run(signal: AbortSignal, log: Log, ended: () => void): Promise<void> {
    while (!signal.aborted && this.ids.size > 0) {
      this.#bell.take('wanted');
      try {
        await this.#lane.run(signal);
      } catch (error) {
        log.warn(`What a run waits for cannot be sent for now: ${errorText(error)}`);
      }
      if (this.ids.size > 0) await this.#bell.wait(AGAIN_MS, ['wanted'], signal);
    }
    ended();
  }
}
