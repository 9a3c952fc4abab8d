// How sources are spread: it becomes even, and stays as it is then.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { Share } from '../../engine/ledger/members';
import { movesOf } from '../../engine/source/spread';

interface Source {
  holder: string;
  readonly wanters: readonly string[];
}

const NAMES = ['a', 'b', 'c', 'd', 'e'];

/** As the ledger tells them. */
function sharesOf(sources: readonly Source[]): Share[] {
  const shares = new Map<string, Share & { sourceIds: number[]; count: number }>();
  for (const [id, { holder, wanters }] of sources.entries()) {
    const name = JSON.stringify([holder, wanters]);
    const share = shares.get(name) ?? { holder, wanters, count: 0, sourceIds: [] };
    shares.set(name, share);
    share.count++;
    share.sourceIds.push(id);
  }
  return [...shares.values()];
}

/** Every holder does its own part of what it sees. @returns how many moved */
function turn(sources: Source[], most = Infinity): number {
  const taken = new Set<number>();
  const left = new Map<string, number>();
  for (const { from, to, share, count } of movesOf(sharesOf(sources))) {
    const may = Math.min(count, most - (left.get(from) ?? 0));
    for (const id of share.sourceIds.filter((one) => !taken.has(one)).slice(0, may)) {
      assert.equal(sources[id]!.holder, from);
      assert.ok(share.wanters.includes(to), 'nobody is given what it does not want');
      taken.add(id);
      left.set(from, (left.get(from) ?? 0) + 1);
      sources[id]!.holder = to;
    }
  }
  return taken.size;
}

const loadsOf = (sources: readonly Source[], members: readonly string[]): number[] =>
  members.map((name) => sources.filter(({ holder }) => holder === name).length);

const member = fc.constantFrom(...NAMES);
const wanters = fc.subarray(NAMES, { minLength: 0 });
const anySources = fc.array(
  fc.record({ holder: member, wanters }).map((source): Source => source),
  { maxLength: 60 },
);

describe('sources', () => {
  it('that all want are spread with no more than one between any two, and then none moves', () => {
    fc.assert(
      fc.property(
        fc.array(member, { maxLength: 100 }),
        fc.subarray(NAMES, { minLength: 1 }),
        (holders, all) => {
          const sources = holders.map((holder) => ({ holder, wanters: all }));
          turn(sources);
          const loads = loadsOf(sources, all);
          assert.ok(Math.max(...loads) - Math.min(...loads) <= 1, String(loads));
          assert.equal(
            loadsOf(sources, NAMES).reduce((a, b) => a + b),
            loads.reduce((a, b) => a + b),
          );
          assert.equal(turn(sources), 0);
        },
      ),
      // All of one is the hardest, and seldom by chance.
      {
        examples: [4, 8, 60].map((count) => [Array<string>(count).fill('e'), ['b', 'c', 'd', 'e']]),
        numRuns: 500,
      },
    );
  });

  it('of which each has its own set of who wants it end where none can be moved to be more even', () => {
    fc.assert(
      fc.property(anySources, fc.integer({ min: 1, max: 5 }), (sources, most) => {
        let turns = 0;
        while (turn(sources, most) > 0) assert.ok(++turns < 200, 'it ends');
        for (const { holder, wanters: of } of sources) {
          if (of.length === 0) continue;
          assert.ok(of.includes(holder), 'whoever does not want it has given it away');
          const [own, ...others] = loadsOf(sources, [holder, ...of]);
          assert.ok(others.every((load) => own! - load <= 1));
        }
      }),
    );
  });

  it('come to a newcomer from those who have most, one that nobody can take from stays', () => {
    const sources = ['a', 'a', 'a', 'a', 'b', 'b', 'b'].map((holder): Source => ({
      holder,
      wanters: ['a', 'b', 'c'],
    }));
    sources.push({ holder: 'a', wanters: [] });
    turn(sources);
    assert.deepEqual(loadsOf(sources, ['a', 'b', 'c']), [3, 3, 2]);
    assert.equal(sources.at(-1)!.holder, 'a');
  });

  it('go by way of a third where two have none that both want', () => {
    const sources = [
      ...Array.from({ length: 3 }, (): Source => ({ holder: 'a', wanters: ['a', 'b'] })),
      ...Array.from({ length: 2 }, (): Source => ({ holder: 'b', wanters: ['b', 'c'] })),
      { holder: 'c', wanters: ['b', 'c'] },
    ];
    turn(sources);
    assert.deepEqual(loadsOf(sources, ['a', 'b', 'c']), [2, 2, 2]);
  });
});
