// What the tests share in which processes are killed under mails: steps that fail at random around the one that counts, and mails
// that come in batches, one before the first kill and one with each.
import type { Sink } from './sink';

/** Of each of two steps; together one run in five fails. */
const FAILS = 0.1;

/** @param afterMs how long each step takes @returns how many have failed so far */
export function failAtRandom(sinks: readonly Sink[], afterMs: number): () => number {
  let failed = 0;
  for (const sink of sinks)
    sink.answer = async () => {
      if (afterMs > 0) await new Promise((resolve) => setTimeout(resolve, afterMs));
      const fails = Math.random() < FAILS;
      if (fails) failed++;
      return fails ? 500 : 200;
    };
  return () => failed;
}

/** @returns those of a batch, from 0 to `kills` */
export function inBatches(subjects: readonly string[], kills: number): (batch: number) => readonly string[] {
  const share = Math.ceil(subjects.length / (kills + 1));
  return (batch) => subjects.slice(batch * share, (batch + 1) * share);
}
