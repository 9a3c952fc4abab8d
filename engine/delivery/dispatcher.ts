// Turns the due events of one trigger into emitted pointers, and keeps them from being offered again while
// n8n may still start them.
// Invariants: what is in flight is counted in the ledger, never here, so a limit holds across restarts; a
// fault of the ledger or of n8n delays an event and never loses it; only `stop` ends the loop.
import type { Ledger, Offer, Pointer } from '../ledger/ledger';
import { pointerName } from '../ledger/keys';
import { backoffDelay } from '../runtime/backoff';
import { errorText, type Log } from '../runtime/log';
import { monotonicNow, pause } from '../runtime/time';
import type { Wake } from '../signal/wake';

/** A pointer's lease: a process that dies with pointers emitted delays them by this much. */
const QUEUED_LEASE_MS = 30_000;
const RENEW_MS = 10_000;
/** n8n can lose a queued run and tell nobody: a pointer that no run has claimed by then is offered again. */
const QUEUED_AT_MOST_MS = 5 * 60_000;
/** A look without a wake-up: no wake-up is relied on. */
const LOOK_MS = 30_000;

export interface DispatcherPorts {
  readonly ledger: Ledger;
  readonly wake: Wake;
  readonly log: Log;
  /**
   * Hands the pointer to n8n; resolves when n8n is done with it, however that went. A pointer that no run has
   * claimed by then lapses and is offered again, and so does one for which this throws.
   */
  readonly emit: (pointer: Pointer) => Promise<void>;
  /** Renews the leases of runs in this process, so that a process that was stalled does not lapse its own. */
  readonly renewRuns: () => Promise<void>;
}

export interface DispatcherSettings {
  readonly subscriptionIds: readonly number[];
  readonly mostInFlight: number;
}

interface Queued {
  readonly pointer: Pointer;
  /** Monotonic. */
  readonly emittedAt: number;
}

export class Dispatcher {
  readonly #ports: DispatcherPorts;
  readonly #settings: DispatcherSettings;
  readonly #stopping = new AbortController();
  readonly #ended: Promise<void>;
  /** Emitted, and not seen yet to be claimed or given up by n8n. */
  #queued: Queued[] = [];
  #woken = true;
  #onWake: (() => void) | undefined;

  constructor(settings: DispatcherSettings, ports: DispatcherPorts) {
    this.#settings = settings;
    this.#ports = ports;
    const silence = settings.subscriptionIds.map((id) => ports.wake.listen(id, () => this.#wake()));
    this.#ended = this.#run().finally(() => silence.forEach((stop) => stop()));
  }

  /** Nothing is emitted after it. What was emitted goes on. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#ended;
  }

  #wake(): void {
    this.#woken = true;
    this.#onWake?.();
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    let failures = 0;
    while (!signal.aborted) {
      try {
        this.#woken = false;
        const offer = await this.#dispatch(signal);
        failures = 0;
        const due = Math.max(offer.nextInMs ?? LOOK_MS, 10);
        await this.#sleep(Math.min(due, this.#queued.length > 0 ? RENEW_MS : LOOK_MS), signal);
      } catch (error) {
        failures++;
        this.#ports.log.error(`Due mail cannot be handed to n8n for now: ${errorText(error)}`, { failures });
        await pause(backoffDelay(failures, { firstMs: 500, mostMs: 30_000 }), signal);
      }
    }
  }

  async #dispatch(signal: AbortSignal): Promise<Offer> {
    const { ledger, log, renewRuns } = this.#ports;
    const { subscriptionIds, mostInFlight } = this.#settings;
    await this.#renewQueued();
    await renewRuns();
    const lapsed = await ledger.lapse(subscriptionIds);
    if (lapsed > 0) log.warn('Runs that did not end were found; their mails are tried again', { lapsed });
    const offer = await ledger.offer({ subscriptionIds, mostInFlight, leaseMs: QUEUED_LEASE_MS });
    for (const pointer of offer.pointers) {
      // Stopped in between: the pointer lapses and the next start offers it again.
      if (signal.aborted) break;
      this.#emit(pointer);
    }
    return offer;
  }

  #emit(pointer: Pointer): void {
    const done = this.#ports.emit(pointer);
    const queued = { pointer, emittedAt: monotonicNow() };
    this.#queued.push(queued);
    const forget = (): void => {
      this.#queued = this.#queued.filter((other) => other !== queued);
    };
    done.then(forget, forget);
  }

  async #renewQueued(): Promise<void> {
    const now = monotonicNow();
    const young = this.#queued.filter(({ emittedAt }) => now - emittedAt < QUEUED_AT_MOST_MS);
    const renewed = await this.#ports.ledger.renew(
      young.map(({ pointer }) => pointer),
      'QUEUED',
      QUEUED_LEASE_MS,
    );
    const still = new Set(renewed.map(pointerName));
    // What was emitted or given up meanwhile keeps its place.
    const gone = new Set(young.filter(({ pointer }) => !still.has(pointerName(pointer))));
    this.#queued = this.#queued.filter(
      (queued) => now - queued.emittedAt < QUEUED_AT_MOST_MS && !gone.has(queued),
    );
  }

  async #sleep(ms: number, signal: AbortSignal): Promise<void> {
    if (this.#woken || signal.aborted) return;
    const waking = new AbortController();
    this.#onWake = () => waking.abort();
    try {
      await pause(ms, AbortSignal.any([waking.signal, signal]));
    } finally {
      this.#onWake = undefined;
    }
  }
}
