// Counters that only grow, as Prometheus wants them, from the ledger's sums by the minute: since this console began.
// Invariant: a minute is counted for good only when no transaction can add to it any more; until then it is asked anew.
import type { Series, SeriesPoint } from '../ledger/series';

const MINUTE_MS = 60_000;
/** A transaction that began within a minute may still add to it a while after. */
const SETTLED_MS = 3 * MINUTE_MS;
/** So long the ledger keeps minutes. */
const KEPT_MS = 24 * 60 * MINUTE_MS;

const COUNTED = ['recorded', 'done', 'failed', 'dead'] as const;
export type Totals = Readonly<Record<(typeof COUNTED)[number], number>>;

export class RunningTotals {
  readonly #ledger: Pick<Series, 'series'>;
  readonly #now: () => number;
  #counted: Totals = { recorded: 0, done: 0, failed: 0, dead: 0 };
  /** What is before is counted, ms since 1970. */
  #from: number;

  constructor(ledger: Pick<Series, 'series'>, now: () => number) {
    this.#ledger = ledger;
    this.#now = now;
    this.#from = minuteOf(now());
  }

  /** Not to be asked twice at once. */
  async ask(): Promise<Totals> {
    const now = this.#now();
    const from = Math.max(this.#from, minuteOf(now - KEPT_MS));
    // The database's clock may be ahead.
    const points = await this.#ledger.series({ from, until: now + SETTLED_MS, step: 'minute' });
    const settled = Math.max(from, minuteOf(now - SETTLED_MS));
    this.#counted = added(
      this.#counted,
      points.filter(({ at }) => at < settled),
    );
    this.#from = settled;
    return added(
      this.#counted,
      points.filter(({ at }) => at >= settled),
    );
  }
}

const minuteOf = (ms: number): number => ms - (ms % MINUTE_MS);

const added = (totals: Totals, points: readonly SeriesPoint[]): Totals =>
  Object.fromEntries(
    COUNTED.map((name) => [name, points.reduce((sum, point) => sum + point[name], totals[name])]),
  ) as Totals;
