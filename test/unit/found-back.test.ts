// Who waits for a server is woken when others have found it back, in virtual time.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { FoundBack } from '../../engine/source/found-back';
import { VirtualTime } from '../support/virtual-time';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOST = 'imap mail.example.com:993';

/** Accounts that wait, and the clock by which they do. */
class Scene {
  readonly time = new VirtualTime();
  readonly found = new FoundBack(this.time);
  readonly #began = this.time.now();
  readonly signal = new AbortController();

  at(): number {
    return this.time.now() - this.#began;
  }

  /** @returns when it tries again, ms since the beginning */
  async waits(server: string, ms: number, who: object = {}, triedAt = this.time.now()): Promise<number> {
    await this.found.pause(server, who, { ms, triedAt }, this.signal.signal);
    return this.at();
  }

  async reachedAfter(ms: number, server = HOST): Promise<void> {
    await this.time.pause(ms);
    this.found.reached(server);
  }
}

describe('those who wait for a server', () => {
  it('wait as long as they were to, while nobody has reached it', async () => {
    const scene = new Scene();
    const waits = [30 * SECOND, 2 * MINUTE].map((ms) => scene.waits(HOST, ms));
    assert.deepEqual(await scene.time.until(Promise.all(waits)), [30 * SECOND, 2 * MINUTE]);
  });

  it('try it within 15 s of its being found back, spread evenly, whatever account they are of', async () => {
    const scene = new Scene();
    const waits = Array.from({ length: 100 }, () => scene.waits(HOST, 2 * MINUTE));
    const [tries] = await scene.time.until(
      Promise.all([Promise.all(waits), scene.reachedAfter(20 * SECOND)]),
    );
    const after = tries.map((at) => at - 20 * SECOND).sort((a, b) => a - b);
    assert.ok(after[0]! > 0 && after.at(-1)! <= 15 * SECOND, `${after[0]} to ${after.at(-1)} ms`);
    for (let second = 0; second < 15; second++) {
      const together = after.filter((ms) => ms >= second * SECOND && ms < (second + 1) * SECOND).length;
      assert.ok(together <= 8, `${together} in second ${second}`);
    }
  });

  it('are not put off by more who reach it', async () => {
    const scene = new Scene();
    scene.time.dice = 0.9;
    const again = [20, 24, 28, 31].map((second) => scene.reachedAfter(second * SECOND));
    const waits = scene.waits(HOST, 2 * MINUTE);
    const [at] = await scene.time.until(Promise.all([waits, ...again]));
    assert.ok(at <= 35 * SECOND, `${at} ms`);
  });

  it('hear only of their own server, and never wait longer for it', async () => {
    const scene = new Scene();
    scene.time.dice = 0.99;
    const other = scene.waits('imap other.example.com:993', MINUTE);
    const soon = scene.waits(HOST, 11 * SECOND);
    const all = Promise.all([other, soon, scene.reachedAfter(10 * SECOND)]);
    const [otherAt, soonAt] = await scene.time.until(all);
    assert.deepEqual([otherAt, soonAt], [MINUTE, 11 * SECOND]);
  });

  it('are woken at once, too, if it was found back while they failed', async () => {
    const scene = new Scene();
    const triedAt = scene.time.now();
    await scene.time.until(scene.reachedAfter(10 * SECOND));
    const late = scene.waits(HOST, 2 * MINUTE, {}, triedAt);
    const since = scene.waits(HOST, 2 * MINUTE);
    const [lateAt, sinceAt] = await scene.time.until(Promise.all([late, since]));
    assert.ok(lateAt <= 25 * SECOND, `${lateAt} ms`);
    assert.equal(sinceAt, 130 * SECOND, 'it failed after that');
  });

  it('end with their signal', async () => {
    const scene = new Scene();
    const waits = scene.waits(HOST, 2 * MINUTE);
    const stop = scene.time.pause(SECOND).then(() => scene.signal.abort());
    const [at] = await scene.time.until(Promise.all([waits, stop]));
    assert.equal(at, SECOND);
    await scene.waits(HOST, MINUTE);
    assert.equal(scene.at(), SECOND);
  });

  it('are woken once a minute at most by a server that lets everybody in and drops them', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 2, max: 12 }),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        async (accounts, dice) => {
          const scene = new Scene();
          scene.time.dice = dice;
          const end = 30 * MINUTE;
          const tries = Array.from({ length: accounts }, async () => {
            const who = {};
            const at: number[] = [];
            for (let wait = SECOND; scene.at() < end; wait = Math.min(2 * wait, 2 * MINUTE)) {
              at.push(scene.at());
              scene.found.reached(HOST);
              await scene.waits(HOST, wait, who);
            }
            return at;
          });
          for (const at of await scene.time.until(Promise.all(tries))) {
            // By the waits alone: 20 in half an hour. Beside that, one a minute.
            assert.ok(at.length <= 20 + 30, `${at.length} tries`);
          }
        },
      ),
      { numRuns: 20 },
    );
  });
});
