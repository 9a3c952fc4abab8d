// One round of reading a Gmail account: newcomers begin, gaps are closed, what the history tells is recorded, and at
// last one page of older mail. Whoever calls comes again while there is more.
// Invariants: cursors move only with what is recorded; what is new goes before what is old.
import type { RoundEnd } from '../../polled/kind';
import { readOlder } from './backfill';
import { beginningCursors } from './begin';
import { readDelta } from './delta';
import { closeGaps, openGaps } from './gap';
import type { GmailSyncJob } from './job';
import { Round } from './round';

/** Ends early, without harm, when the signal aborts. @throws GmailFault, LedgerFault */
export async function syncAccount(job: GmailSyncJob, signal: AbortSignal): Promise<RoundEnd> {
  const round = await begin(job, signal);
  let recovered = await closeGaps(round);
  let delta = await readDelta(round);
  if (delta.expired.length > 0 && !signal.aborted) {
    await openGaps(round, delta.expired);
    recovered = (recovered ?? 0) + ((await closeGaps(round)) ?? 0);
    const news = delta.news || recovered > 0;
    // What has expired since is found by the next round.
    delta = await readDelta(round);
    delta = { ...delta, news: delta.news || news };
  }
  const older = await readOlder(round);
  return { older, recovered, againInMs: round.againInMs, news: delta.news };
}

async function begin(job: GmailSyncJob, signal: AbortSignal): Promise<Round> {
  const { cursors, begun } = await beginningCursors(job);
  const isStart = job.subscriptions.some(({ switchedOnAt, subscription: { id } }) => {
    return switchedOnAt !== undefined && cursors.has(id) && !begun.has(id);
  });
  if (isStart) await job.doing('gap_checking');
  return Round.begin(job, cursors, begun, signal);
}
