// An answer that costs something, for those who ask often: asked once for all that ask at the same time, and good for a moment.
import { monotonicNow } from '../runtime/time';

/** @param forMs how long an answer is good; what failed is asked again at once */
export function lately<T>(ask: () => Promise<T>, forMs: number): () => Promise<T> {
  let last: Promise<T> | undefined;
  let until = -Infinity;
  return () => {
    if (last && monotonicNow() < until) return last;
    const asked = ask();
    last = asked;
    until = Infinity;
    asked.then(
      () => (until = monotonicNow() + forMs),
      () => (until = -Infinity),
    );
    return asked;
  };
}
