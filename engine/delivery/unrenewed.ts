// Which running runs nobody renews any more. Leases are stored in the database's time, which can jump: set by hand or
// by NTP, or after the machine slept. So a lease that has run out is held against its run only if it was also seen
// to stay as it is, by this process's monotonic clock, for longer than whoever lives takes to renew it.
// Invariant: what was seen before a gap, in which nobody may have been able to renew, counts for nothing.
import type { RunningLease, SeenLease } from '../ledger/offers';
import { monotonicNow } from '../runtime/time';
import { RENEW_MS } from './runs';

/** Who lives renews every `RENEW_MS`. */
export const UNRENEWED_MS = RENEW_MS * 1.5;
/** A look that comes later than this: this process stood still, or waited for the ledger, and perhaps all others did. */
export const LEASES_SUFFER_MS = 5_000;
/** A lease that was seen for long enough, and still cannot be held against its run. */
const LOOK_AGAIN_MS = 1_000;

interface Seen {
  readonly until: number;
  /** Monotonic; when it was first seen so. */
  readonly since: number;
}

export class Unrenewed {
  readonly #now: () => number;
  #seen = new Map<string, Seen>();
  /** Monotonic; by when the next look is to be made. */
  #lookBy = Infinity;

  constructor(now = monotonicNow) {
    this.#now = now;
  }

  /** The leases that nobody has renewed for long, whether they have run out or not. */
  leases(): SeenLease[] {
    if (this.#now() - this.#lookBy > LEASES_SUFFER_MS) this.forget();
    const before = this.#now() - UNRENEWED_MS;
    return [...this.#seen]
      .filter(([, { since }]) => since <= before)
      .map(([run, { until }]) => ({ run, until }));
  }

  /** @param running all that run @returns when one of them may have to be looked at again, ms; null: none runs */
  see(running: readonly RunningLease[]): number | null {
    const now = this.#now();
    const before = this.#seen;
    this.#seen = new Map(
      running.map(({ run, until }) => {
        const seen = before.get(run);
        return [run, seen?.until === until ? seen : { until, since: now }];
      }),
    );
    const waits = running.map(({ run, lapsesInMs }) =>
      Math.max(
        this.#seen.get(run)!.since + UNRENEWED_MS - now,
        Math.min(lapsesInMs, RENEW_MS),
        LOOK_AGAIN_MS,
      ),
    );
    return waits.length > 0 ? Math.min(...waits) : null;
  }

  /** When the next look is to be made: what was seen counts for nothing in one that comes much later. */
  looksAgainIn(ms: number): void {
    this.#lookBy = this.#now() + ms;
  }

  /** There was an outage, or this process stood still, and perhaps those that renew with it. */
  forget(): void {
    this.#seen.clear();
    this.#lookBy = Infinity;
  }
}
