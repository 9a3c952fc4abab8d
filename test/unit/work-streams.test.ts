// What becomes of an entry of a stream of work: the whole table.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Decision, decide } from '../../engine/work/decision';
import type { Standing } from '../../engine/work/entry';
import type { EventState } from '../../engine/ledger/states';

const PATIENCE = { mostDeliveries: 5, mostHeldMs: 60_000 };

type Row = readonly [
  event: EventState | null,
  attempt: number,
  standing: Standing,
  deliveries: number,
  idleMs: number,
  isOrphaned: boolean,
  kind: Decision['kind'],
];

/** The event's state and attempt (the entry's is 2), how the entry stands, and what becomes of it. */
const TABLE: readonly Row[] = [
  ['QUEUED', 2, 'waiting', 0, 0, false, 'keep'],
  ['QUEUED', 2, 'held', 1, 59_000, false, 'keep'],
  ['QUEUED', 2, 'held', 5, 59_000, false, 'keep'],
  // Claimed for its end, by one who died before it was settled.
  ['RUNNING', 2, 'held', 1, 0, false, 'keep'],
  ['QUEUED', 2, 'held', 6, 0, false, 'fail'],
  ['QUEUED', 2, 'held', 1, 61_000, false, 'fail'],
  ['RUNNING', 2, 'held', 6, 0, false, 'fail'],
  ['QUEUED', 2, 'acknowledged', 0, 0, false, 'done'],
  ['RUNNING', 2, 'acknowledged', 0, 0, false, 'done'],
  // Its consumer was removed: Redis forgets what that one held, as if it were acknowledged.
  ['QUEUED', 2, 'acknowledged', 0, 0, true, 'again'],
  // Claimed by another one meanwhile.
  ['QUEUED', 2, 'held', 2, 0, true, 'keep'],
  // Handed out again since: the older entry is nobody's work any more, whatever was said of it.
  ['QUEUED', 3, 'waiting', 0, 0, false, 'drop'],
  ['QUEUED', 3, 'held', 1, 0, false, 'drop'],
  ['QUEUED', 3, 'acknowledged', 0, 0, false, 'drop'],
  ['RUNNING', 3, 'acknowledged', 0, 0, true, 'drop'],
  // Settled over HTTP, or by a person.
  ...(['DONE', 'RETRY', 'DEAD', 'GONE', 'UNKNOWN', 'PENDING'] as const).flatMap((state): Row[] => [
    [state, 2, 'waiting', 0, 0, false, 'drop'],
    [state, 2, 'held', 9, 99_000, false, 'drop'],
    [state, 2, 'acknowledged', 0, 0, true, 'drop'],
  ]),
  // The ledger does not have it any more.
  [null, 2, 'held', 1, 0, false, 'drop'],
];

describe('an entry of a stream of work', () => {
  for (const [state, attempt, standing, deliveries, idleMs, isOrphaned, kind] of TABLE) {
    const title = `${standing}, ${deliveries} times, for ${idleMs} ms${isOrphaned ? ', its consumer gone' : ''}`;
    it(`${title}: ${state ?? 'nowhere'} at attempt ${attempt} is ${kind}`, () => {
      const event = state === null ? undefined : { state, attempt };
      const entry = { attempt: 2, standing, deliveries, idleMs };
      assert.equal(decide(entry, event, isOrphaned, PATIENCE).kind, kind);
    });
  }
});
