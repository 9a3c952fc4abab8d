// What was summed up, as points in time: the same in every ledger.
import type { SeriesPoint, SeriesRequest } from '../series';
import { spreadOf } from './spread';

export const STEP_MS = { minute: 60_000, hour: 3_600_000 } as const;

/**
 * So often it happened in a step: `what` is 'recorded', 'began', as what a run ended, or what became of a mail without a run:
 * 'closed', it is run no more; 'opened', it is to be run again.
 */
export interface StoredSum {
  readonly at: number;
  readonly what: string;
  readonly bucket: number;
  readonly n: number;
}

/** Runs that failed. */
const FAILED = ['RETRY', 'DEAD', 'UNKNOWN'];

const NO_RUN = ['recorded', 'began', 'closed', 'opened'];

/** After these one more mail waits or runs; after those one less. */
const OPENS = ['recorded', 'opened'];
const CLOSES = ['closed', 'DONE', 'DEAD', 'GONE', 'UNKNOWN'];

const listed = (names: readonly string[]): string => names.map((name) => `'${name}'`).join(', ');

/** SQL: by how many those grew that wait or run, of sums. */
export const GROWTH = `
  coalesce(sum(case when what in (${listed(OPENS)}) then n when what in (${listed(CLOSES)}) then -n else 0 end), 0)`;

/** @returns the beginnings of the steps that are asked for: at or after, and before */
export const stepsOf = ({ from, until, step }: SeriesRequest): readonly [from: number, until: number] => [
  Math.ceil(from / STEP_MS[step]) * STEP_MS[step],
  Math.ceil(until / STEP_MS[step]) * STEP_MS[step],
];

/** @param sums ordered by `at` */
export function pointsOf(sums: readonly StoredSum[]): SeriesPoint[] {
  const steps = new Map<number, StoredSum[]>();
  for (const sum of sums) {
    const known = steps.get(sum.at);
    if (known) known.push(sum);
    else steps.set(sum.at, [sum]);
  }
  return [...steps].map(([at, of]) => pointOf(at, of));
}

function pointOf(at: number, sums: readonly StoredSum[]): SeriesPoint {
  const count = (is: (what: string) => boolean): number =>
    sums.reduce((all, { what, n }) => (is(what) ? all + n : all), 0);
  const spread = (is: (what: string) => boolean): SeriesPoint['untilRun'] => {
    const counts = new Map<number, number>();
    for (const { what, bucket, n } of sums) if (is(what)) counts.set(bucket, (counts.get(bucket) ?? 0) + n);
    return spreadOf(counts);
  };
  return {
    at,
    recorded: count((what) => what === 'recorded'),
    done: count((what) => what === 'DONE'),
    failed: count((what) => FAILED.includes(what)),
    dead: count((what) => what === 'DEAD'),
    growth: count((what) => OPENS.includes(what)) - count((what) => CLOSES.includes(what)),
    untilRun: spread((what) => what === 'began'),
    untilEnd: spread((what) => !NO_RUN.includes(what)),
  };
}
