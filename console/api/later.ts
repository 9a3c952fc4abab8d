// When something is asked for anew.
// Invariant: where each hit is dear (`bundled`) it is done seldom, some seconds after what it is done for, and at one moment
// with all else that is due about then: it is asked in one request.
import { settings } from './settings';

const LEAST_WAIT_MS = 100;

/** A hit costs 200 times as much there. */
const SLOWER_BUNDLED = 15;
const BUNDLED_WAIT_MS = { least: 5_000, usual: 15_000 } as const;

/** How often something is asked for anew. @param ms where a hit costs nothing */
export const paced = (ms: number): number => (settings.bundled ? ms * SLOWER_BUNDLED : ms);

interface Moment {
  readonly at: number;
  readonly works: Set<() => void>;
}

const moments = new Set<Moment>();

/** @param due not before, by `performance.now()` @returns to call it off */
export function later(due: number, work: () => void): () => void {
  const { works } = settings.bundled
    ? shared(due)
    : momentAt(Math.max(due, performance.now() + LEAST_WAIT_MS));
  works.add(work);
  return () => void works.delete(work);
}

function shared(due: number): Moment {
  const now = performance.now();
  const { least, usual } = BUNDLED_WAIT_MS;
  const earliest = Math.max(due, now + least);
  const fit = [...moments].find(({ at }) => at >= earliest && at <= earliest + usual);
  return fit ?? momentAt(Math.max(due, now + usual));
}

function momentAt(at: number): Moment {
  const moment: Moment = { at, works: new Set() };
  moments.add(moment);
  setTimeout(() => {
    moments.delete(moment);
    for (const work of moment.works) work();
  }, at - performance.now());
  return moment;
}
