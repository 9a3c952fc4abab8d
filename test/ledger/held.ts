// A source that a test holds, as the process that reads it would.
// Invariant: the same ledger and source give the same hold again.
import assert from 'node:assert/strict';
import type { HoldRequest, SourceHold, SourceHolds } from '../../engine/ledger/source-holds';

export const HOLDER = 'this process';

/** Takes a source that is free, or that this holder has already. */
export async function held(
  ledger: SourceHolds,
  sourceId: number,
  more: Partial<HoldRequest> = {},
): Promise<SourceHold> {
  const answer = await ledger.holdSource({ sourceId, holder: HOLDER, leaseMs: 600_000, ...more });
  assert.ok('hold' in answer, JSON.stringify(answer));
  return answer.hold;
}
