// How many runs one process has at once, whichever workflows they are of, and whose turn it is when more could begin: each
// workflow's own limit knows nothing of the others.
// Invariants: never more slots are out than there are; none is free while somebody waits; one that is free goes to who has
// the fewest, of these to who was served the longest ago; each comes back, once, whatever becomes of its run or its trigger.
import { monotonicNow } from '../runtime/time';

/**
 * A run that the ledger has not shown for so long is over, though n8n has not said so: it forgets some in queue mode. While
 * it still writes down a run that was just settled, the run keeps its slot.
 */
const UNSEEN_MS = 10_000;
/** How long a run whose trigger was closed may keep a slot at most, if n8n never says that it is done with it. */
const LEFT_MS = 15 * 60_000;

export class RunSlots {
  readonly most: number;
  readonly #shares = new Set<RunShare>();
  #free: number;
  #turn = 0;

  readonly #now: () => number;

  /** @param most runs at once; Infinity: as many as there are */
  constructor(most: number, now = monotonicNow) {
    this.most = most;
    this.#free = most;
    this.#now = now;
  }

  /** For one who starts runs. @param wake called when it has waited and a slot is its own */
  share(wake: () => void): RunShare {
    const share: RunShare = new RunShare(wake, {
      now: this.#now,
      take: (wanted) => this.#take(wanted),
      put: (slots) => this.#put(slots),
      waiting: () => this.#serve(),
      leave: () => void this.#shares.delete(share),
    });
    this.#shares.add(share);
    return share;
  }

  /** Nobody takes all that is free, so that several who look at once all find some. */
  #take(wanted: number): Taken {
    const part = Math.max(1, Math.floor(this.#free / this.#shares.size));
    const slots = Math.min(wanted, part, this.#free);
    this.#free -= slots;
    return { slots, turn: ++this.#turn };
  }

  #put(slots: number): void {
    this.#free += slots;
    this.#serve();
  }

  #serve(): void {
    while (this.#free > 0) {
      const waiting = [...this.#shares].filter(({ waits }) => waits);
      const [next] = waiting.sort((a, b) => a.slots - b.slots || a.turn - b.turn);
      if (!next) return;
      this.#free--;
      next.serve(++this.#turn);
    }
  }
}

interface Taken {
  readonly slots: number;
  readonly turn: number;
}

interface Pool {
  readonly now: () => number;
  readonly take: (wanted: number) => Taken;
  readonly put: (slots: number) => void;
  readonly waiting: () => void;
  readonly leave: () => void;
}

interface Held {
  /** Monotonic; since when the ledger does not show it. */
  unseenSince?: number | undefined;
  timer?: NodeJS.Timeout;
}

/** The slots of one who starts runs: taken for runs that may begin, then held by those that have. */
export class RunShare {
  readonly #wake: () => void;
  readonly #pool: Pool;
  readonly #held = new Map<string, Held>();
  #taken = 0;
  #waits = false;
  #turn = 0;

  constructor(wake: () => void, pool: Pool) {
    this.#wake = wake;
    this.#pool = pool;
  }

  get slots(): number {
    return this.#taken + this.#held.size;
  }

  get waits(): boolean {
    return this.#waits;
  }

  /** When it was served last, by a count of all. */
  get turn(): number {
    return this.#turn;
  }

  /** @returns how many runs may begin now, `wanted` at most; those that do not are to be given back */
  take(wanted: number): number {
    this.#waits = false;
    if (wanted > this.#taken) this.#got(this.#pool.take(wanted - this.#taken));
    return Math.min(wanted, this.#taken);
  }

  /** What was taken, and not held by a run. */
  giveBack(): void {
    const slots = this.#taken;
    this.#taken = 0;
    if (slots > 0) this.#pool.put(slots);
  }

  /** The run, for which a slot was taken, begins. @param over settles when it is known to be over */
  hold(run: string, over: Promise<unknown>): void {
    if (this.#taken === 0) throw new Error('A run begins without a slot.');
    this.#taken--;
    this.#held.set(run, {});
    const release = (): void => this.#release(run);
    over.then(release, release);
  }

  /** What the ledger shows of its runs: the others are over, if they are not seen for a while. */
  see(inFlight: ReadonlySet<string>): void {
    const now = this.#pool.now();
    for (const [run, held] of this.#held) {
      held.unseenSince = inFlight.has(run) ? undefined : (held.unseenSince ?? now);
      if (held.unseenSince !== undefined && now - held.unseenSince >= UNSEEN_MS) this.#release(run);
    }
  }

  /** It is woken when a slot is its own. */
  wait(): void {
    this.#waits = true;
    this.#pool.waiting();
  }

  /** For the pool: a slot that it has waited for. */
  serve(turn: number): void {
    this.#waits = false;
    this.#got({ slots: 1, turn });
    this.#wake();
  }

  /** It starts no more runs. Those that go on keep their slots until they are over. */
  leave(): void {
    this.#waits = false;
    this.#pool.leave();
    this.giveBack();
    for (const [run, held] of this.#held) held.timer = setTimeout(() => this.#release(run), LEFT_MS).unref();
  }

  #got({ slots, turn }: Taken): void {
    this.#taken += slots;
    if (slots > 0) this.#turn = turn;
  }

  #release(run: string): void {
    const held = this.#held.get(run);
    if (!held) return;
    clearTimeout(held.timer);
    this.#held.delete(run);
    this.#pool.put(1);
  }
}
