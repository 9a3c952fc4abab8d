// Where the mails of jobs are handed over: one dispatcher at a time, whatever changes while another change is under way.
import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { Delivering } from '../../cli/collect/delivering';
import type { Destination } from '../../cli/collect/destination';
import type { Dispatcher } from '../../engine/delivery/dispatcher';
import type { Engine } from '../../engine/instance/engine';
import type { OfferedRun } from '../../engine/ledger/offers';
import type { Claim } from '../../engine/ledger/pointer';
import { silentLog } from '../support/log';

interface Begun {
  readonly serves: Set<number>;
  readonly emit: (run: OfferedRun) => Promise<unknown>;
  isStopped: boolean;
}

describe('the handing over of mails', () => {
  let begun: Begun[];
  let settled: string[];
  /** Resolves the stop of a dispatcher. */
  let stops: (() => void)[];
  let delivering: Delivering;

  beforeEach(() => {
    [begun, settled, stops] = [[], [], []];
    const engine = {
      deliver: (_: unknown, { emit }: Pick<Begun, 'emit'>) => {
        const made: Begun = { serves: new Set(), emit, isStopped: false };
        begun.push(made);
        const dispatcher: Pick<Dispatcher, 'serve' | 'stop'> = {
          serve: (ids) => ids.forEach((id) => made.serves.add(id)),
          stop: () =>
            new Promise((resolve) =>
              stops.push(() => {
                made.isStopped = true;
                resolve();
              }),
            ),
        };
        return dispatcher;
      },
      runs: {
        begin: async (_: unknown, id: string) => [{ event: id, subscriptionId: Number(id) } as Claim],
        end: async (id: string, { kind }: { readonly kind: string }) => void settled.push(`${id} ${kind}`),
      },
    };
    delivering = new Delivering(engine as unknown as Engine, silentLog);
  });

  const taking = (): Destination & { readonly taken: string[] } => {
    const taken: string[] = [];
    return { taken, take: async ({ event }) => void taken.push(event) };
  };
  const living = (): Begun[] => begun.filter(({ isStopped }) => !isStopped);
  /** All that was begun is done, but for a stop that nobody lets end. */
  const settle = async (): Promise<void> => {
    for (let turns = 0; turns < 5; turns++) await setImmediate();
  };
  const letStop = async (): Promise<void> => {
    await settle();
    stops.shift()?.();
    await settle();
  };
  const run = (id: number): OfferedRun => ({ id: String(id), pointers: [] });

  it('has one dispatcher, for all that is left, after jobs that left while another one did', async () => {
    delivering.serve([1, 2, 3], taking());
    void delivering.leave([1]);
    void delivering.leave([2]);
    for (let times = 0; times < 3; times++) await letStop();
    assert.deepEqual(
      living().map(({ serves }) => [...serves]),
      [[3]],
    );
  });

  it('serves what came while a job left, and what came back', async () => {
    delivering.serve([1], taking());
    void delivering.leave([1]);
    delivering.serve([2], taking());
    delivering.serve([1], taking());
    for (let times = 0; times < 2; times++) await letStop();
    assert.deepEqual(
      living().map(({ serves }) => [...serves].toSorted()),
      [[1, 2]],
    );
  });

  it('lets what was handed out before its job left come to where it was to go, and forgets the place', async () => {
    const place = taking();
    delivering.serve([1, 2], place);
    await settle();
    const before = begun[0]!;
    void delivering.leave([1]);
    await letStop();
    await before.emit(run(1));
    await begun[1]!.emit(run(1));
    assert.deepEqual([place.taken, settled], [['1'], ['1 success', '1 failure']]);
  });

  it('leaves nothing behind that was begun after it was to stop', async () => {
    delivering.serve([1, 2], taking());
    void delivering.leave([1]);
    let isOver = false;
    void delivering.stop().then(() => (isOver = true));
    await letStop();
    assert.equal(isOver, false, 'it waits for the one that the change has begun');
    delivering.serve([3], taking());
    for (let times = 0; times < 2; times++) await letStop();
    assert.deepEqual([isOver, living().length, begun.length], [true, 0, 2]);
  });
});
