// All lanes that have something due, each for itself, in a process that is started.
// Invariants: no lane waits for another, but for its turn where there are too many; who finds a lane at its limits asks less and
// less often; no wake-up is relied on; a fault of the ledger delays, and ends nothing.
import { backoffDelay } from '../runtime/backoff';
import { Bell } from '../runtime/bell';
import { errorText } from '../runtime/log';
import { monotonicNow, pause } from '../runtime/time';
import type { Carrier } from './carrier';
import { type KnownLimits, Lane } from './lane';
import type { Outage } from './outage';
import type { OutboxPorts } from './ports';
import { OUTBOX_CALL } from './wake';

/** A look without a wake-up. */
const LOOK_MS = 15_000;
/** While something is due that cannot begin yet: its lane is at work here, or at its limits. */
const BUSY_LOOK_MS = 1_000;
/** A lane goes on for so long while others wait. */
const TURN_MS = 5_000;
/** A lane that gave nothing, though something is due there: at its limits. */
const IDLE = { firstMs: 200, mostMs: 5_000 };
const AWAY = { firstMs: 500, mostMs: 10_000 };
const MOST_ASKED = 1_000;

interface Idle {
  readonly times: number;
  /** Monotonic. */
  readonly until: number;
}

export class DueLanes {
  readonly #ports: OutboxPorts;
  readonly #carrier: Carrier;
  readonly #limits: KnownLimits;
  readonly #outage: Outage;
  readonly #mostLanes: number;
  readonly #bell = new Bell<'look'>();
  readonly #lanes = new Map<string, Lane>();
  /** Not begun with before a time. */
  readonly #idle = new Map<string, Idle>();
  readonly #strangeKinds = new Set<string>();
  #others = false;
  /** Lanes of kinds that nobody sends here, as the last look has found them. */
  #strange = 0;
  #stopping: AbortController | undefined;
  #running: Promise<void> = Promise.resolve();

  constructor(ports: OutboxPorts, carrier: Carrier, limits: KnownLimits, outage: Outage, mostLanes: number) {
    this.#ports = ports;
    this.#carrier = carrier;
    this.#limits = limits;
    this.#outage = outage;
    this.#mostLanes = mostLanes;
  }

  get isStarted(): boolean {
    return this.#stopping !== undefined;
  }

  start(): void {
    if (this.#stopping) return;
    const { signal } = (this.#stopping = new AbortController());
    this.#running = this.#running.then(() => this.#run(signal));
  }

  async stop(): Promise<void> {
    this.#stopping?.abort();
    this.#stopping = undefined;
    await this.#running;
  }

  /** Something may be due. */
  look(): void {
    this.#bell.ring('look');
  }

  async #run(signal: AbortSignal): Promise<void> {
    const silence = this.#ports.wake.listen(OUTBOX_CALL, () => this.look());
    let failures = 0;
    while (!signal.aborted) {
      try {
        this.#bell.take('look');
        const ms = await this.#look(signal);
        failures = 0;
        await this.#bell.wait(ms, ['look'], signal);
      } catch (error) {
        failures++;
        this.#outage.failed();
        this.#ports.log.error(`Nothing can be sent from the outbox for now: ${errorText(error)}`, {
          failures,
        });
        await pause(backoffDelay(failures, AWAY), signal);
      }
    }
    silence();
  }

  /** @returns ms until the next look @throws LedgerFault */
  async #look(signal: AbortSignal): Promise<number> {
    const { ledger } = this.#ports;
    const now = monotonicNow();
    this.#forgetIdle(now);
    // Those that cannot begin stand before those that can.
    const cannotBegin = this.#lanes.size + this.#idle.size + this.#strange;
    const due = await ledger.dueLanes(Math.min(this.#mostLanes + cannotBegin, MOST_ASKED));
    this.#outage.answered();
    this.#others = false;
    this.#strange = 0;
    let begun = 0;
    for (const { lane, kind } of due) {
      if (signal.aborted) return 0;
      if (!this.#ports.senders.has(kind)) this.#noteStrange(kind);
      else if (this.#lanes.has(lane)) this.#lanes.get(lane)?.look();
      else if ((this.#idle.get(lane)?.until ?? 0) > now) continue;
      else if (this.#lanes.size >= this.#mostLanes) this.#others = true;
      else {
        this.#begin(lane, signal);
        begun++;
      }
    }
    const next = (await ledger.nextDue()) ?? LOOK_MS;
    const waits = [...this.#idle.values()].map(({ until }) => until - monotonicNow());
    const soonest = Math.min(next, ...waits.filter((ms) => ms > 0), LOOK_MS);
    // A lane that has just begun calls when it has ended.
    return Math.max(soonest, begun > 0 || due.length > 0 ? BUSY_LOOK_MS : 10);
  }

  #begin(lane: string, signal: AbortSignal): void {
    const began = monotonicNow();
    const isOver = (): boolean => this.#others && monotonicNow() - began > TURN_MS;
    const running = new Lane({ lane, of: () => ({ lane }), isOver }, this.#carrier, this.#limits);
    this.#lanes.set(lane, running);
    void running
      .run(signal)
      .catch((error: unknown) => {
        this.#ports.log.warn(`A lane of the outbox cannot go on for now: ${errorText(error)}`);
        return 0;
      })
      .then((count) => {
        this.#lanes.delete(lane);
        if (count > 0) this.#idle.delete(lane);
        else this.#rest(lane);
        this.look();
      });
  }

  #rest(lane: string): void {
    const times = (this.#idle.get(lane)?.times ?? 0) + 1;
    this.#idle.set(lane, { times, until: monotonicNow() + backoffDelay(times, IDLE) });
  }

  /** Long after its time is over: it may give nothing again. */
  #forgetIdle(now: number): void {
    for (const [lane, { until }] of this.#idle) if (now - until > LOOK_MS) this.#idle.delete(lane);
  }

  #noteStrange(kind: string): void {
    this.#strange++;
    if (this.#strangeKinds.has(kind)) return;
    this.#strangeKinds.add(kind);
    this.#ports.log.warn(
      `Something is queued that nothing in this process sends: "${kind}". It waits for one that does.`,
    );
  }
}
