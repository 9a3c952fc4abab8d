// How test files are run side by side: on a machine that has room, and on one that has not.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { runSideBySide } from '../runner/schedule.mjs';
import { weightOf } from '../runner/weights.mjs';

interface Job {
  readonly name: string;
  readonly load: number;
  readonly seconds: number;
}

const job = (name: string, load: number, seconds = 1): Job => ({ name, load, seconds });

/** Runs them, with seconds of 40 ms. @returns the names of those that ran at once, at each beginning */
async function together(jobs: readonly Job[], room: number, idle: number, share = 1): Promise<string[]> {
  const running: Job[] = [];
  const seen: string[] = [];
  await runSideBySide(jobs, {
    room,
    share,
    idle: () => idle,
    lookMs: 5,
    weightOf: (one) => one,
    run: async (one) => {
      running.push(one);
      seen.push(running.map(({ name }) => name).join(' '));
      await new Promise((resolve) => setTimeout(resolve, 40 * one.seconds));
      running.splice(running.indexOf(one), 1);
    },
  });
  return seen;
}

describe('test files side by side', () => {
  it('run each once, the longest first, as many at once as there is room for', async () => {
    const jobs = [job('short', 1, 1), job('long', 1, 3), job('middle', 1, 2)];
    assert.deepEqual(await together(jobs, 2, 1), ['long', 'long middle', 'long short']);
  });

  it('let a light one begin where a heavier one has to wait', async () => {
    const jobs = [job('heavy', 1.5, 3), job('heavy too', 1.5, 2), job('light', 0.5, 1)];
    assert.deepEqual(await together(jobs, 2, 1), ['heavy', 'heavy light', 'heavy too']);
  });

  it('run one that is heavier than the machine alone', async () => {
    assert.deepEqual(await together([job('giant', 9, 2), job('light', 0.1, 1)], 2, 1), ['giant', 'light']);
  });

  it('take no more than their share while the machine is busy', async () => {
    const jobs = [job('a', 0.5, 3), job('b', 0.5, 2), job('c', 0.5, 1)];
    assert.deepEqual(await together(jobs, 2, 0), ['a', 'a b', 'a c']);
  });

  it('fail the run when one cannot be run', async () => {
    const rules = { room: 1, share: 1, idle: () => 1, weightOf: (one: Job) => one };
    const run = (): Promise<void> => Promise.reject(new Error('no such file'));
    await assert.rejects(runSideBySide([job('gone', 1)], { ...rules, run }), /no such file/);
  });

  it('weigh what their folder weighs, where they are not named', () => {
    assert.deepEqual(
      weightOf('/checkout/test/e2e/new.test.ts'),
      weightOf('/checkout/test/e2e/other.test.ts'),
    );
    assert.deepEqual(
      weightOf('/test/checkout/test/integration/new/one.test.ts'),
      weightOf('/checkout/test/integration/other.test.ts'),
    );
    assert.ok(weightOf('/checkout/test/e2e/exactly-once.test.ts').seconds > 100);
  });
});
