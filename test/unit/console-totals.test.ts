// The counters of /metrics: from sums by the minute that go on being added to, to numbers that only grow.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { RunningTotals } from '../../engine/console/totals';
import type { SeriesPoint } from '../../engine/ledger/series';

const MINUTE = 60_000;
const BEGAN = Date.UTC(2026, 0, 31, 8);

describe('the counters', () => {
  it('count each event once, however often they are asked, and whenever it was committed', async () => {
    const step = fc.record({
      waitS: fc.nat(200),
      recorded: fc.nat(9),
      lateS: fc.nat(100),
      asks: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        let now = BEGAN + 30_000;
        const minutes = new Map<number, number>();
        const ledger = {
          series: async ({ from, until }: { from: number; until: number }): Promise<SeriesPoint[]> =>
            [...minutes]
              .filter(([at]) => at >= from && at < until)
              .map(([at, recorded]) => ({
                ...{
                  at,
                  recorded,
                  done: 0,
                  failed: recorded,
                  dead: 0,
                  growth: 0,
                  untilRun: null,
                  untilEnd: null,
                },
              })),
        };
        const totals = new RunningTotals(ledger, () => now);
        let [sum, last] = [0, 0];
        for (const { waitS, recorded, lateS, asks } of steps) {
          now += waitS * 1_000;
          const at = Math.max(BEGAN, now - lateS * 1_000);
          const minute = at - (at % MINUTE);
          minutes.set(minute, (minutes.get(minute) ?? 0) + recorded);
          sum += recorded;
          if (!asks) continue;
          const asked = await totals.ask();
          assert.ok(asked.recorded >= last);
          last = asked.recorded;
          assert.equal(asked.recorded, sum);
          assert.equal(asked.failed, sum);
        }
      }),
    );
  });
});
