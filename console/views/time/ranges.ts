// The ranges of time that can be looked at, and the sums of a range gathered into steps that can be told apart.
// Invariants: a step without anything counts nothing, it is not left out; a spread is not a sum: it is shown as it was told.
import type { SeriesAnswer } from '../../../engine/console/api';

const MINUTE_MS = 60_000;

interface Range {
  readonly word: string;
  readonly ms: number;
  readonly step: SeriesAnswer['step'];
  /** Of the spreads: they cannot be gathered. */
  readonly spreadStep: SeriesAnswer['step'];
  /** What is shown as one. */
  readonly gatheredMs: number;
  readonly per: string;
}

export const RANGES = {
  hour: {
    word: 'Hour',
    ms: 60 * MINUTE_MS,
    step: 'minute',
    spreadStep: 'minute',
    gatheredMs: MINUTE_MS,
    per: 'minute',
  },
  day: {
    word: 'Day',
    ms: 1_440 * MINUTE_MS,
    step: 'minute',
    spreadStep: 'hour',
    gatheredMs: 15 * MINUTE_MS,
    per: '15 minutes',
  },
  week: {
    word: 'Week',
    ms: 7 * 1_440 * MINUTE_MS,
    step: 'hour',
    spreadStep: 'hour',
    gatheredMs: 60 * MINUTE_MS,
    per: 'hour',
  },
} as const satisfies Readonly<Record<string, Range>>;

export type RangeName = keyof typeof RANGES;

export const rangeOf = (name = ''): RangeName => (name in RANGES ? (name as RangeName) : 'day');

export interface Sums {
  /** s since 1970. */
  readonly times: readonly number[];
  readonly recorded: readonly number[];
  readonly done: readonly number[];
  readonly failed: readonly number[];
  readonly dead: readonly number[];
  /** How many waited or ran at its end. */
  readonly waiting: readonly number[];
}

export function sumsOf(answer: SeriesAnswer, gatheredMs: number): Sums {
  const first = Math.floor(Date.parse(answer.from) / gatheredMs);
  const steps = Math.max(1, Math.ceil(Date.parse(answer.until) / gatheredMs) - first);
  const zeros = (): number[] => new Array<number>(steps).fill(0);
  const sums = { recorded: zeros(), done: zeros(), failed: zeros(), dead: zeros() };
  for (const point of answer.points) {
    const step = Math.floor(Date.parse(point.at) / gatheredMs) - first;
    if (step < 0 || step >= steps) continue;
    for (const name of ['recorded', 'done', 'failed', 'dead'] as const)
      sums[name][step] = (sums[name][step] ?? 0) + point[name];
  }
  const times = Array.from({ length: steps }, (_, step) => ((first + step) * gatheredMs) / 1_000);
  const ends = new Map(
    answer.points.map(({ at, waiting }) => [Math.floor(Date.parse(at) / gatheredMs) - first, waiting]),
  );
  let now = answer.waitingBefore;
  const waiting = times.map((_, step) => (now = ends.get(step) ?? now));
  return { times, ...sums, waiting };
}

export interface Spreads {
  readonly times: readonly number[];
  readonly p50: readonly number[];
  readonly p95: readonly number[];
}

/** Of the steps that have one. */
export function spreadsOf({ points }: SeriesAnswer, name: 'untilRun' | 'untilEnd'): Spreads {
  const told = points.flatMap((point) => {
    const spread = point[name];
    return spread === null ? [] : [{ time: Date.parse(point.at) / 1_000, ...spread }];
  });
  return {
    times: told.map(({ time }) => time),
    p50: told.map(({ p50 }) => p50),
    p95: told.map(({ p95 }) => p95),
  };
}
