// What this process has taken of the outbox: its leases, renewed until each is settled, and whether it may be handed over.
// Invariants: what another has by now is let go at once (its signal aborts), and is never handed over; nothing is handed over of
// which the ledger could not note it; before anything is taken, what is held was renewed of late, so that a process that stood
// still, or whose ledger was away, does not lapse its own.
import { ENTRY_LEASE_MS, type EntryRef } from '../ledger/outbox';
import { errorText, type Log } from '../runtime/log';
import { monotonicNow } from '../runtime/time';
import type { OutboxLedger } from './ports';

const RENEW_MS = 15_000;
/** After a renewal that failed. */
const RENEW_AGAIN_MS = 2_000;
/** The clock of the machine has moved by more than this while the monotonic one has not: it slept, or was set. */
const JUMP_MS = 5_000;

/** One that was taken. */
export interface Held {
  readonly ref: EntryRef;
  /** It was lost, or this process ends, or its try takes too long. */
  readonly signal: AbortSignal;
  /** Another has it by now, or a person: nothing is settled any more. */
  readonly isLost: boolean;
  /** It may have arrived. */
  readonly isHandedOver: boolean;
  handOver(): Promise<boolean>;
  /** Lets go what has not been handed over. */
  abort(): void;
}

export class HeldEntries {
  readonly #ledger: Pick<OutboxLedger, 'renewEntries' | 'handOver'>;
  readonly #log: Log;
  readonly #held = new Map<string, HeldEntry>();
  #timer: NodeJS.Timeout | undefined;
  #renewing: Promise<void> | undefined;
  #renewedAt = monotonicNow();
  #drift = Date.now() - monotonicNow();

  constructor(ledger: Pick<OutboxLedger, 'renewEntries' | 'handOver'>, log: Log) {
    this.#ledger = ledger;
    this.#log = log;
  }

  has(id: string): boolean {
    return this.#held.has(id);
  }

  hold({ id, fence }: EntryRef): Held {
    if (this.#held.size === 0) this.#renewed();
    const held = new HeldEntry({ id, fence }, this.#ledger, this.#log);
    // Lapsed here, and taken again here: the older one is lost.
    this.#held.get(id)?.lose();
    this.#held.set(id, held);
    this.#renewIn(RENEW_MS);
    return held;
  }

  /** It was settled, or never will be. */
  drop(held: Held): void {
    if (this.#held.get(held.ref.id) === held) this.#held.delete(held.ref.id);
    if (this.#held.size > 0) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  abortAll(): void {
    for (const held of this.#held.values()) held.abort();
  }

  /** Before anything is taken. @throws LedgerFault what is held could not be renewed */
  async freshen(): Promise<void> {
    const hasJumped = Math.abs(Date.now() - monotonicNow() - this.#drift) > JUMP_MS;
    const isLate = monotonicNow() - this.#renewedAt > RENEW_MS * 1.5;
    if (this.#held.size > 0 && (hasJumped || isLate)) await this.renew();
  }

  /** @throws LedgerFault */
  renew(): Promise<void> {
    return (this.#renewing ??= this.#renew().finally(() => (this.#renewing = undefined)));
  }

  async #renew(): Promise<void> {
    const asked = [...this.#held.values()];
    if (asked.length === 0) return;
    const kept = await this.#ledger.renewEntries(
      asked.map(({ ref }) => ref),
      ENTRY_LEASE_MS,
    );
    this.#renewed();
    const still = new Set(kept.map(({ id }) => id));
    for (const held of asked) {
      // What was settled meanwhile is nobody's, and lost nothing.
      if (still.has(held.ref.id) || this.#held.get(held.ref.id) !== held) continue;
      held.lose();
      this.drop(held);
    }
  }

  #renewed(): void {
    this.#renewedAt = monotonicNow();
    this.#drift = Date.now() - monotonicNow();
  }

  #renewIn(ms: number): void {
    this.#timer ??= setTimeout(() => void this.#renewByTime(), ms).unref();
  }

  async #renewByTime(): Promise<void> {
    let nextMs = RENEW_MS;
    try {
      await this.renew();
    } catch (error) {
      this.#log.warn(`What is being sent could not be renewed yet: ${errorText(error)}`);
      nextMs = RENEW_AGAIN_MS;
    }
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#held.size > 0) this.#renewIn(nextMs);
  }
}

class HeldEntry implements Held {
  readonly ref: EntryRef;
  readonly #ledger: Pick<OutboxLedger, 'handOver'>;
  readonly #log: Log;
  readonly #ending = new AbortController();
  isLost = false;
  isHandedOver = false;

  constructor(ref: EntryRef, ledger: Pick<OutboxLedger, 'handOver'>, log: Log) {
    this.ref = ref;
    this.#ledger = ledger;
    this.#log = log;
  }

  get signal(): AbortSignal {
    return this.#ending.signal;
  }

  async handOver(): Promise<boolean> {
    if (this.#hasEnded()) return false;
    try {
      const isOurs = await this.#ledger.handOver(this.ref);
      if (!isOurs) this.lose();
    } catch (error) {
      this.#log.warn(`Nothing is handed over for now, the ledger could not note it: ${errorText(error)}`);
      return false;
    }
    // It may have ended while the ledger was asked.
    if (this.#hasEnded()) return false;
    this.isHandedOver = true;
    return true;
  }

  #hasEnded(): boolean {
    return this.signal.aborted;
  }

  lose(): void {
    this.isLost = true;
    this.#ending.abort();
  }

  abort(): void {
    this.#ending.abort();
  }
}
