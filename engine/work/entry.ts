// What stands in a stream of work: one entry for each offer of an event.
// Invariant: an entry says of which ledger it is: what another one, or another program, has put there is not touched.
import type { Pointer } from '../ledger/pointer';

export interface Work extends Pointer {
  /** The id of the ledger. */
  readonly ledger: string;
  /** What the consumer is told of the mail, as JSON. */
  readonly mail: string;
}

/**
 * - `waiting`: no consumer has read it;
 * - `held`: one has, and has not acknowledged it;
 * - `acknowledged`: the group does not hold it any more.
 */
export type Standing = 'waiting' | 'held' | 'acknowledged';

/** How an entry stands with its group. */
export interface Stand {
  readonly standing: Standing;
  /** How often it was handed to a consumer; 0: never. */
  readonly deliveries: number;
  /** Since its last delivery. */
  readonly idleMs: number;
}

/** An entry as it was found. */
export interface Found extends Pointer, Stand {
  readonly id: string;
  /** Who has it; '': nobody. */
  readonly consumer: string;
}

export const fieldsOf = ({ event, attempt, ledger, mail }: Work): string[] => [
  ...['event', event, 'attempt', String(attempt)],
  ...['ledger', ledger, 'mail', mail],
];
