// Sends what the outbox holds: whatever is due, while it is started, and what a run has just queued and waits for.
// Invariants: nothing is handed over whose `handOver` could not be stored; what was taken is settled, returned, or lapses by its
// lease; a slow receiver holds up no other; a ledger that is away delays an entry and never loses it; after `close` nothing begins.
import type { Entry, SettledEntry } from '../ledger/outbox';
import { errorText } from '../runtime/log';
import { Carrier } from './carrier';
import { DueLanes } from './due-lanes';
import { KnownLimits } from './lane';
import { NamedLanes } from './named-lanes';
import { Outage } from './outage';
import type { OutboxPorts } from './ports';
import { wakeOutbox } from './wake';
import { isOpen, Waiters, type Waiting } from './waiters';

interface OutboxSettings {
  /** Lanes that are sent side by side. */
  readonly mostLanes?: number;
}

export class OutboxWorker {
  readonly #ports: OutboxPorts;
  readonly #outage = new Outage();
  readonly #carrier: Carrier;
  readonly #due: DueLanes;
  readonly #named: NamedLanes;
  readonly #waiters: Waiters;
  #closed: Promise<void> | undefined;

  constructor(ports: OutboxPorts, { mostLanes = 50 }: OutboxSettings = {}) {
    this.#ports = ports;
    this.#waiters = new Waiters(ports.ledger, ports.log);
    const limits = new KnownLimits(ports);
    this.#carrier = new Carrier(ports, this.#outage, (settled) => this.#settled(settled));
    this.#due = new DueLanes(ports, this.#carrier, limits, this.#outage, mostLanes);
    this.#named = new NamedLanes(ports.log, this.#carrier, limits);
  }

  /** From now on this process sends whatever is due, until `stop`. For processes that listen. */
  start(): void {
    if (!this.#closed) this.#due.start();
  }

  /** Nothing is begun any more but what runs wait for; what is on its way goes on. */
  stop(): Promise<void> {
    return this.#due.stop();
  }

  /** Nothing is on its way from here, and nobody waits. */
  get isIdle(): boolean {
    return this.#carrier.isIdle && this.#waiters.isEmpty;
  }

  /** After something was queued, or hurried by a person: whoever sends, in whatever process, looks at once. */
  queued(): void {
    wakeOutbox(this.#ports.wake);
  }

  /**
   * Sends these itself, whether it is started or not, as far as nobody else has them, and waits until each is settled, as
   * `waitFor` does. What is not settled when the time is over goes on by itself.
   * @returns those that are there, as they stand, in the order asked
   * @throws LedgerFault when the time is over and the ledger has not answered once
   */
  async sendNow(ids: readonly string[], waiting: Waiting): Promise<readonly Entry[]> {
    const wish = this.#named.wish();
    try {
      const entries = await this.#waiters.wait(ids, waiting, (open) => {
        if (!this.#closed) wish.want(open);
      });
      // Whoever is started goes on with what is left.
      if (entries.some(isOpen)) this.queued();
      return entries;
    } finally {
      wish.end();
    }
  }

  /**
   * Waits until each is settled: neither QUEUED nor SENDING, nor UNKNOWN and still to be looked for; or the time is over, or
   * the signal aborts.
   * @returns those that are there, as they stand, in the order asked
   * @throws LedgerFault when the time is over and the ledger has not answered once
   */
  waitFor(ids: readonly string[], waiting: Waiting): Promise<readonly Entry[]> {
    return this.#waiters.wait(ids, waiting);
  }

  /**
   * Nothing is begun any more. What was not handed over is given back; what was is waited for, ten seconds at most, and stored.
   * Those who send are closed with it.
   */
  close(): Promise<void> {
    return (this.#closed ??= this.#close());
  }

  async #close(): Promise<void> {
    const stopped = Promise.all([this.#due.stop(), this.#named.stop()]);
    await this.#carrier.close();
    await stopped;
    for (const sender of new Set(this.#ports.senders.values())) {
      await sender
        .close?.()
        .catch((error: unknown) => this.#ports.log.debug(`A sender did not close: ${errorText(error)}`));
    }
  }

  #settled(settled: readonly SettledEntry[]): void {
    this.#waiters.ring(settled.map(({ id }) => id));
    this.#due.look();
    // The feed hears of it; and where it is to be tried again, whoever is started.
    const isAgain = settled.some(({ outcome }) => 'delayMs' in outcome || 'lookAfterMs' in outcome);
    if (isAgain && !this.#due.isStarted) this.queued();
    else this.#ports.wake.notify([]);
  }
}
