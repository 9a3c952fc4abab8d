// What sending takes of the house around it.
import type { Outbox } from '../ledger/outbox';
import type { Log } from '../runtime/log';
import type { Wake } from '../signal/wake';
import type { Sender } from './sender';

export type OutboxLedger = Pick<
  Outbox,
  | 'dueLanes'
  | 'nextDue'
  | 'firstOf'
  | 'takeEntries'
  | 'renewEntries'
  | 'handOver'
  | 'settleEntries'
  | 'noteArrived'
  | 'restLane'
  | 'entriesOf'
>;

export interface OutboxPorts {
  readonly ledger: OutboxLedger;
  readonly wake: Wake;
  readonly log: Log;
  /** By kind. It may grow: what has no sender here waits. */
  readonly senders: ReadonlyMap<string, Sender>;
}
