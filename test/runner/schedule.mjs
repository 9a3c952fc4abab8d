// Runs jobs side by side, each once, the longest first: as many as there is room for by their weights, and no further one
// while the machine is busy. So it has work to the end of a run, and a job that waits with a deadline gets its turn, also
// where others use the machine.
import { setTimeout } from 'node:timers/promises';

/** How often it looks whether another job can begin. Its first seconds, when servers start, are then seen in the next look. */
const LOOK_MS = 4_000;
/** A machine with less to spare than this share is busy. */
const TO_SPARE = 0.15;

/**
 * @template Job
 * @param {readonly Job[]} jobs
 * @param {object} rules
 * @param {number} rules.room how much load there may be at once; a job that is heavier than that runs alone
 * @param {number} rules.least so many run also on a busy machine, where there is room
 * @param {number} [rules.lookMs] how often it looks whether another one can begin
 * @param {() => number} rules.idle the share of the machine that has had nothing to do since the last call
 * @param {(job: Job) => { load: number, seconds: number }} rules.weightOf
 * @param {(job: Job) => Promise<void>} rules.run
 */
export async function runSideBySide(jobs, { room, least, lookMs = LOOK_MS, idle, weightOf, run }) {
  const waiting = jobs.map((job) => ({ job, ...weightOf(job) })).sort((a, b) => b.seconds - a.seconds);
  /** @type {Set<Promise<void>>} */
  const running = new Set();
  let load = 0;
  let looked = -Infinity;
  while (waiting.length > 0) {
    const fits = waiting.findIndex((next) => running.size === 0 || load + next.load <= room);
    const next = waiting[fits];
    if (!next) {
      await Promise.race(running);
      continue;
    }
    if (running.size >= least) {
      const wait = looked + lookMs - performance.now();
      if (wait > 0) {
        await Promise.race([setTimeout(wait, undefined, { ref: false }), ...running]);
        continue;
      }
      looked = performance.now();
      if (idle() < TO_SPARE) continue;
    }
    waiting.splice(fits, 1);
    load += next.load;
    const done = run(next.job).finally(() => {
      load -= next.load;
      running.delete(done);
    });
    running.add(done);
  }
  await Promise.all(running);
}
