// The part of the ledger's port that lets go of what need not be kept.
// Invariant: what identifies a mail stays, so that it never runs again.
import type { SeenKey } from './once-keys';

export interface Sweeping {
  /**
   * Deletes one batch of what need not be kept: content past its time, settled events past their
   * subscription's retention, expired keys, changes of yesterday. What identifies a mail stays, so that it never runs
   * again. And subscriptions that nobody has served for their retention, and for KEEP_UNSERVED_MS: they go with all that
   * is theirs, and then sources that nobody has.
   * @param unrenewed of `leftKeys`, those that were seen not to be renewed: no other key that is held goes. Undefined:
   *   every one that `leftKeys` tells of
   * @returns whether there may be more
   */
  sweep(limit: number, unrenewed?: readonly SeenKey[]): Promise<boolean>;
}
