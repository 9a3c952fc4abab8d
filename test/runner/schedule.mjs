// Runs jobs side by side, each once, the longest first: as many as there is room for by their weights, and while the machine
// is busy no more than its share of that. So the machine has work to the end of a run, and a job that waits with a deadline
// gets its turn, also where others use the machine.
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
 * @param {number} rules.share as much of it is taken also on a busy machine
 * @param {number} [rules.lookMs] how often it looks whether another one can begin
 * @param {() => number} rules.idle the share of the machine that has had nothing to do since the last call
 * @param {(job: Job) => { load: number, seconds: number }} rules.weightOf
 * @param {(job: Job) => Promise<void>} rules.run
 */
export async function runSideBySide(jobs, { room, share, lookMs = LOOK_MS, idle, weightOf, run }) {
  const waiting = jobs.map((job) => ({ job, ...weightOf(job) })).sort((a, b) => b.seconds - a.seconds);
  /** @type {Set<Promise<void>>} */
  const running = new Set();
  let load = 0;
  let looked = -Infinity;
  /** @param {number} most how much load there may be */
  const begins = (most) => waiting.findIndex((next) => running.size === 0 || load + next.load <= most);
  while (waiting.length > 0) {
    const looks = looked + lookMs <= performance.now();
    if (looks) looked = performance.now();
    const index = begins(looks && idle() >= TO_SPARE ? room : share);
    if (index < 0) {
      await Promise.race([setTimeout(lookMs, undefined, { ref: false }), ...running]);
      continue;
    }
    const next = /** @type {(typeof waiting)[0]} */ (waiting.splice(index, 1)[0]);
    load += next.load;
    const done = run(next.job).finally(() => {
      load -= next.load;
      running.delete(done);
    });
    running.add(done);
  }
  await Promise.all(running);
}
