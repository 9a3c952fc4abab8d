// The runs that this process holds: their claims, the renewal of their leases, and their settlement.
// Invariant: a run is settled once, by whoever learns its end first, and its lease is renewed until then.
import type { Claim, EventState, Ledger, Outcome, Pointer } from '../ledger/ledger';
import { pointerName } from '../ledger/keys';
import { backoffDelay } from '../runtime/backoff';
import { errorText, type Log } from '../runtime/log';
import { monotonicNow, pause } from '../runtime/time';
import type { Wake } from '../signal/wake';

/** A run's lease: a process that dies delays the next try by at most this much. */
const RUNNING_LEASE_MS = 30_000;
const RENEW_MS = 10_000;
/** A settlement that the ledger does not take (its disk is full) is tried again for this long. */
const SETTLE_TRIES = 12;

interface Run {
  readonly pointer: Pointer;
  readonly subscriptionId: number;
  ending: boolean;
}

export class Runs {
  readonly #ledger: Ledger;
  readonly #wake: Wake;
  readonly #log: Log;
  readonly #held = new Map<string, Run>();
  #renewal: NodeJS.Timeout | undefined;
  /** Monotonic. A run that began since has a fresh lease of its own. */
  #renewedAt = -Infinity;

  constructor(ledger: Ledger, wake: Wake, log: Log) {
    this.#ledger = ledger;
    this.#wake = wake;
    this.#log = log;
  }

  /** Claims the pointer for the execution, or null: the run has nothing to do. */
  async begin(pointer: Pointer, executionId: string): Promise<Claim | null> {
    const claim = await this.#ledger.claim(pointer, executionId, RUNNING_LEASE_MS);
    if (!claim) return null;
    this.#held.set(pointerName(pointer), { pointer, subscriptionId: claim.subscriptionId, ending: false });
    this.#renewal ??= setInterval(() => void this.#renewOnTime(), RENEW_MS).unref();
    return claim;
  }

  /**
   * The run ended. Does nothing for a pointer that this process does not hold.
   * @returns the event's new state; null: it was not ours to settle any more
   */
  async end(pointer: Pointer, outcome: Outcome): Promise<EventState | null> {
    const run = this.#held.get(pointerName(pointer));
    if (!run || run.ending) return null;
    run.ending = true;
    try {
      return await this.#settle(pointer, outcome);
    } finally {
      // Held, and its lease renewed, until its end is stored.
      this.#held.delete(pointerName(pointer));
      if (this.#held.size === 0) {
        clearInterval(this.#renewal);
        this.#renewal = undefined;
      }
      this.#wake.notify([run.subscriptionId]);
    }
  }

  /** Renews every lease that is held here, unless that was done a moment ago. */
  async renewAll(): Promise<void> {
    const now = monotonicNow();
    if (now - this.#renewedAt < RENEW_MS / 2) return;
    this.#renewedAt = now;
    const pointers = [...this.#held.values()].map(({ pointer }) => pointer);
    const renewed = await this.#ledger.renew(pointers, 'RUNNING', RUNNING_LEASE_MS);
    if (renewed.length < pointers.length) {
      this.#log.debug('Some runs no longer hold their event', { lost: pointers.length - renewed.length });
    }
  }

  async #settle(pointer: Pointer, outcome: Outcome): Promise<EventState | null> {
    for (let failures = 1; ; failures++) {
      try {
        return await this.#ledger.settle(pointer, outcome);
      } catch (error) {
        this.#log.error(`The end of a run cannot be stored: ${errorText(error)}`, {
          event: pointer.event,
          failures,
        });
        if (failures >= SETTLE_TRIES) return null;
        await pause(backoffDelay(failures, { firstMs: 100, mostMs: 10_000 }), new AbortController().signal);
      }
    }
  }

  async #renewOnTime(): Promise<void> {
    try {
      await this.renewAll();
    } catch (error) {
      this.#log.warn(`The leases of running mails could not be renewed: ${errorText(error)}`);
    }
  }
}
