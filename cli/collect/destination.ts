// Where the mails of a job go: one file for each kind of place.
// Invariant: what was taken is durable, once for its key: the same mail handed over again changes nothing.
import type { Claim } from '../../engine/ledger/pointer';

export interface Destination {
  /** Resolves when the place has it for good; rejects: it is tried again later. */
  take(claim: Claim): Promise<void>;
}
