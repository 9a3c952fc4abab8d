// Tells whoever sends, in whatever process, that the outbox may have something to do: a hint, like every wake-up.
import type { Wake } from '../signal/wake';

/** Among the numbers of subscriptions, which begin at 1. */
export const OUTBOX_CALL = 0;

/** After something was queued, or hurried by a person. */
export const wakeOutbox = (wake: Pick<Wake, 'notify'>): void => wake.notify([OUTBOX_CALL]);
