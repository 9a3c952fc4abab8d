// How a collector goes about the queue of what is still to be done with mails: how much it takes, and when what was
// refused is due again.
import { type DueErrand, type Errands, MOST_POSTPONED_MS } from '../ledger/errands';
import { backoffDelay, type BackoffRange } from '../runtime/backoff';

/** So many are taken at once. */
export const MOST_AT_ONCE = 100;
/** What a connection that broke, or an outage, leaves behind is due again after this. */
export const LEASE_MS = 60_000;
const POSTPONED: BackoffRange = { firstMs: 60_000, mostMs: MOST_POSTPONED_MS };

/** They are due again later, the later the more often they were begun. @param text what stood in the way, for people */
export async function postpone(
  ledger: Pick<Errands, 'postponeErrands'>,
  dues: readonly Pick<DueErrand, 'id' | 'tries'>[],
  text: string,
): Promise<void> {
  for (const tries of new Set(dues.map((due) => due.tries))) {
    const ids = dues.filter((due) => due.tries === tries).map(({ id }) => id);
    await ledger.postponeErrands(ids, text, backoffDelay(tries + 1, POSTPONED));
  }
}
