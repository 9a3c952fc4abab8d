// Sends what the outbox holds: whatever is due, once it is started, and what a run has just queued and waits for.
// Invariants: nothing is handed over whose `handOver` could not be stored; what was taken is settled, returned, or lapses by its
// lease; a slow receiver holds up no other; a ledger that is away delays an entry and never loses it; only `close` ends it.
import type { Entry, Outbox } from '../ledger/outbox';
import type { Log } from '../runtime/log';
import type { Wake } from '../signal/wake';
import type { Sender } from './sender';

/** What sending takes of the ledger. */
export type OutboxLedger = Pick<
  Outbox,
  | 'dueLanes'
  | 'nextDue'
  | 'takeEntries'
  | 'renewEntries'
  | 'handOver'
  | 'settleEntries'
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

export interface Waiting {
  /** ms from now. */
  readonly untilMs: number;
  /** Who waits does not wait any more. What is on its way goes on. */
  readonly signal: AbortSignal;
}

export class OutboxWorker {
  readonly #ports: OutboxPorts;

  constructor(ports: OutboxPorts) {
    this.#ports = ports;
  }

  /** From now on this process sends whatever is due. For processes that listen; a second call does nothing. */
  start(): void {
    throw new Error('To come');
  }

  /** After something was queued: whoever sends, in whatever process, looks at once. */
  queued(): void {
    throw new Error('To come');
  }

  /**
   * Sends these itself, whether it is started or not, as far as nobody else has them, and waits until each is settled, as
   * `waitFor` does. What is not settled when the time is over goes on by itself.
   * @returns those that are there, as they stand, in the order asked
   */
  async sendNow(ids: readonly string[], waiting: Waiting): Promise<readonly Entry[]> {
    return this.waitFor(ids, waiting);
  }

  /**
   * Waits until each is settled: neither QUEUED nor SENDING, nor UNKNOWN and still to be looked for; or the time is over, or
   * the signal aborts.
   * @returns those that are there, as they stand, in the order asked
   * @throws LedgerFault when the time is over and the ledger has not answered
   */
  async waitFor(ids: readonly string[], _: Waiting): Promise<readonly Entry[]> {
    return this.#ports.ledger.entriesOf({ ids });
  }

  /**
   * Nothing is begun any more. What was not handed over is given back, what was is waited for, ten seconds at most.
   */
  async close(): Promise<void> {
    throw new Error('To come');
  }
}
