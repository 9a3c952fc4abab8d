// What becomes of an entry of a stream, by how it stands there and by how its event stands in the ledger: the whole of it, as a
// function.
// Invariants: the ledger decides what is over; only what a group has let go of by itself counts as acknowledged; what is in
// doubt is done again.
import type { Whereabouts } from '../ledger/run-ends';
import type { Found, Stand } from './entry';

/**
 * - `keep`: it stands there: its event's lease is renewed;
 * - `done`: it was acknowledged, and that is all that is said of it;
 * - `again`: nobody knows whether it was acknowledged: it is added again, and no try is used up;
 * - `fail`: a try is used up;
 * - `drop`: its event is settled, or was handed out again since: it goes.
 */
export type Decision =
  { readonly kind: 'keep' | 'done' | 'drop' } | { readonly kind: 'again' | 'fail'; readonly error: string };

export interface Patience {
  /** Handed out more often than that, and never acknowledged: the mail may be what ends its consumers. */
  readonly mostDeliveries: number;
  /** Held for longer by one consumer, and claimed by no other, ms. */
  readonly mostHeldMs: number;
}

/** @param isOrphaned its consumer held it when it was looked at last, and is not there any more */
export function decide(
  entry: Pick<Found, 'attempt'> & Stand,
  event: Pick<Whereabouts, 'state' | 'attempt'> | undefined,
  isOrphaned: boolean,
  { mostDeliveries, mostHeldMs }: Patience,
): Decision {
  const isOpen = event?.state === 'QUEUED' || event?.state === 'RUNNING';
  if (!isOpen || event.attempt !== entry.attempt) return { kind: 'drop' };
  if (entry.standing === 'waiting') return { kind: 'keep' };
  if (entry.standing === 'acknowledged') {
    return isOrphaned
      ? { kind: 'again', error: 'Its consumer was removed from the group while it held the mail' }
      : { kind: 'done' };
  }
  if (entry.deliveries > mostDeliveries) {
    const times = `${mostDeliveries} ${mostDeliveries === 1 ? 'time' : 'times'}`;
    return { kind: 'fail', error: `It was handed to consumers ${times}, and none has acknowledged it` };
  }
  if (entry.idleMs > mostHeldMs) {
    const minutes = Math.round(mostHeldMs / 6_000) / 10;
    return {
      kind: 'fail',
      error: `A consumer has held it for ${minutes} min without an answer, and no other has claimed it`,
    };
  }
  return { kind: 'keep' };
}
