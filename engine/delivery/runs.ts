// The runs that this process holds: their claims, the renewal of their leases, and their settlement.
// Invariants: a run is settled once, by whoever learns its end first, and its leases are renewed until then; but never
// those of an execution that is no more.
import type { Ledger } from '../ledger/ledger';
import type { Claim, Pointer } from '../ledger/pointer';
import type { Outcome } from '../ledger/runs';
import { pointerName } from '../ledger/keys';
import { errorText, type Log } from '../runtime/log';
import { persist } from '../runtime/persist';
import { monotonicNow } from '../runtime/time';
import type { Wake } from '../signal/wake';

/** A run's lease: a process that dies delays the next try by at most this much. */
export const RUNNING_LEASE_MS = 30_000;
export const RENEW_MS = 10_000;
/** After a renewal that failed: a lease is to outlast a short outage. */
const RENEW_AGAIN_MS = 1_000;
/** The most settled pointers that are remembered: more than are emitted and not yet asked for. */
const MOST_SETTLED = 2_000;

/** A claim that is under way, and how its execution has ended meanwhile: n8n tells that once. */
interface Claiming {
  readonly pointers: readonly Pointer[];
  ended?: Outcome;
}

/** What is known of an execution, besides its id. */
export interface Execution {
  /** Whether it is still there: n8n may not say how it ended, and then nobody waits for it. */
  readonly isAlive: () => boolean;
  /** Whether its end will be told here. */
  readonly endIsTold: boolean;
}

const TOLD: Execution = { isAlive: () => true, endIsTold: true };

interface Run {
  readonly executionId: string;
  readonly isAlive: () => boolean;
  /** What it holds; those found gone are taken out. */
  claims: readonly Claim[];
  ending: boolean;
}

export class Runs {
  readonly #ledger: Ledger;
  readonly #wake: Wake;
  readonly #log: Log;
  readonly #claiming = new Map<string, Claiming>();
  readonly #runs = new Map<string, Run>();
  /** Pointers that were settled here, by name, the oldest first. */
  readonly #settled = new Set<string>();
  /** Runs that hold keys of Run Once, by holder, and whether they are still there; one may hold keys in several nodes. */
  readonly #keyHolders = new Map<string, () => boolean>();
  #renewal: NodeJS.Timeout | undefined;
  #renewAgain: NodeJS.Timeout | undefined;
  /** Monotonic. A run that began since has a fresh lease of its own. */
  #renewedAt = -Infinity;

  constructor(ledger: Ledger, wake: Wake, log: Log) {
    this.#ledger = ledger;
    this.#wake = wake;
    this.#log = log;
  }

  /**
   * Claims the pointers for the execution. @returns what it won, also when it asks again, as n8n does for a node
   * that is to be tried again within its run, then without the contents; none: the run has nothing to do
   */
  begin(
    pointers: readonly Pointer[],
    executionId: string,
    execution: Execution = TOLD,
  ): Promise<readonly Claim[]> {
    return this.#begin(pointers, executionId, execution, () =>
      this.#ledger.claim(pointers, executionId, RUNNING_LEASE_MS, execution.endIsTold),
    );
  }

  /** The same for a run that a person has asked for: it takes what nobody runs, whatever was offered before. */
  beginByHand(
    events: readonly string[],
    executionId: string,
    execution: Execution = TOLD,
  ): Promise<readonly Claim[]> {
    return this.#begin([], executionId, execution, () =>
      this.#ledger.takeByHand(events, executionId, RUNNING_LEASE_MS),
    );
  }

  async #begin(
    pointers: readonly Pointer[],
    executionId: string,
    { isAlive }: Execution,
    claim: () => Promise<readonly Claim[]>,
  ): Promise<readonly Claim[]> {
    const running = this.#runs.get(executionId);
    if (running) return running.ending ? [] : running.claims;
    const claiming: Claiming = { pointers };
    this.#claiming.set(executionId, claiming);
    let claims: readonly Claim[];
    try {
      claims = await claim();
    } finally {
      this.#claiming.delete(executionId);
    }
    if (claims.length === 0) return [];
    // Their contents are the caller's: a run may last for days.
    const held = claims.map((claim) => ({ ...claim, content: null }));
    const run = { executionId, isAlive, claims: held, ending: false };
    this.#runs.set(executionId, run);
    this.#keepRenewing();
    if (!claiming.ended) return claims;
    await this.#end(run, claiming.ended);
    return [];
  }

  /** Mails of a run that are nowhere any more: they leave it, and the run goes on with the others. */
  async gone(executionId: string, claims: readonly Claim[]): Promise<void> {
    const run = this.#runs.get(executionId);
    if (!run || claims.length === 0) return;
    await this.#ledger.settle(claims, { kind: 'gone' });
    const gone = new Set(claims.map(pointerName));
    run.claims = run.claims.filter((claim) => !gone.has(pointerName(claim)));
  }

  /**
   * The execution ended. Does nothing for one that this process does not hold.
   * @returns whether all of its mails were settled by this
   */
  async end(executionId: string, outcome: Outcome): Promise<boolean> {
    const claiming = this.#claiming.get(executionId);
    if (claiming) claiming.ended ??= outcome;
    const run = this.#runs.get(executionId);
    return run ? this.#end(run, outcome) : false;
  }

  /** The same, by what the execution was started for: for those who do not know its id. */
  async endOf(pointers: readonly Pointer[], outcome: Outcome): Promise<void> {
    const names = new Set(pointers.map(pointerName));
    for (const claiming of this.#claiming.values()) {
      if (claiming.pointers.some((pointer) => names.has(pointerName(pointer)))) claiming.ended ??= outcome;
    }
    for (const run of [...this.#runs.values()]) {
      if (run.claims.some((claim) => names.has(pointerName(claim)))) await this.#end(run, outcome);
    }
  }

  /**
   * Whether all of these were settled here: then nothing is left to be found out of their run. False: nobody knows, or
   * it was asked before.
   */
  wereSettled(pointers: readonly Pointer[]): boolean {
    const known = pointers.filter((pointer) => this.#settled.delete(pointerName(pointer)));
    return known.length === pointers.length;
  }

  /** The idempotency keys of the mails that the execution holds here, in the order of its items. */
  mailKeys(executionId: string): readonly string[] {
    return (this.#runs.get(executionId)?.claims ?? []).map(({ idempotencyKey }) => idempotencyKey);
  }

  /** The events of the mails that the execution holds here, in the order of its items. */
  mailEvents(executionId: string): readonly string[] {
    return (this.#runs.get(executionId)?.claims ?? []).map(({ event }) => event);
  }

  /** From now on the leases of the holder's keys are renewed, too. */
  hold(holder: string, isAlive: () => boolean = () => true): void {
    this.#keyHolders.set(holder, isAlive);
    this.#keepRenewing();
  }

  release(holder: string): void {
    this.#keyHolders.delete(holder);
    this.#restIfIdle();
  }

  /** Nothing is held here. */
  get isIdle(): boolean {
    return this.#claiming.size === 0 && this.#runs.size === 0 && this.#keyHolders.size === 0;
  }

  /** Renews every lease that is held here, unless that was done a moment ago. */
  async renewAll(): Promise<void> {
    const now = monotonicNow();
    if (now - this.#renewedAt < RENEW_MS / 2) return;
    this.#letGoOfTheDead();
    const claims = [...this.#runs.values()].flatMap((run) => run.claims);
    const pointers = claims.map(({ event, attempt }) => ({ event, attempt }));
    const holders = [...this.#keyHolders.keys()];
    // Side by side: one that waits for an answer in vain does not hold up the other.
    const [renewed] = await Promise.all([
      pointers.length > 0 ? this.#ledger.renew(pointers, 'RUNNING', RUNNING_LEASE_MS) : [],
      holders.length > 0 && this.#ledger.renewKeys(holders, RUNNING_LEASE_MS),
    ]);
    if (renewed.length < pointers.length) {
      this.#log.debug('Some runs no longer hold their event', { lost: pointers.length - renewed.length });
    }
    this.#renewedAt = now;
  }

  /** Who emitted them may know how they ended; else their leases run out. */
  #letGoOfTheDead(): void {
    for (const run of this.#runs.values()) {
      if (run.ending || run.isAlive()) continue;
      this.#log.warn('A run has ended, and nobody has said how', { executionId: run.executionId });
      this.#runs.delete(run.executionId);
    }
    for (const [holder, isAlive] of this.#keyHolders) if (!isAlive()) this.#keyHolders.delete(holder);
    this.#restIfIdle();
  }

  async #end(run: Run, outcome: Outcome): Promise<boolean> {
    if (run.ending) return false;
    run.ending = true;
    const subscriptions = run.claims.map(({ subscriptionId }) => subscriptionId);
    try {
      return await this.#settle(run.claims, outcome);
    } finally {
      // Held, and its leases renewed, until its end is stored.
      this.#runs.delete(run.executionId);
      this.#restIfIdle();
      this.#wake.notify(subscriptions);
    }
  }

  async #settle(claims: readonly Claim[], outcome: Outcome): Promise<boolean> {
    if (claims.length === 0) return false;
    let isSettled = false;
    const settle = async (): Promise<void> => {
      const settled = await this.#ledger.settle(claims, outcome);
      this.#remember(settled);
      const lost = claims.length - settled.length;
      isSettled = lost === 0;
      if (lost > 0)
        this.#log.warn('A run ended after its mails were taken from it: it had stalled', { lost });
    };
    await persist('The end of a run', settle, this.#log, { event: claims[0]!.event });
    return isSettled;
  }

  #remember(settled: readonly Pointer[]): void {
    for (const pointer of settled) this.#settled.add(pointerName(pointer));
    for (const oldest of this.#settled) {
      if (this.#settled.size <= MOST_SETTLED) return;
      this.#settled.delete(oldest);
    }
  }

  #keepRenewing(): void {
    this.#renewal ??= setInterval(() => void this.#renewOnTime(), RENEW_MS).unref();
  }

  #restIfIdle(): void {
    if (this.#runs.size > 0 || this.#keyHolders.size > 0) return;
    clearInterval(this.#renewal);
    clearTimeout(this.#renewAgain);
    this.#renewal = undefined;
    this.#renewAgain = undefined;
  }

  async #renewOnTime(): Promise<void> {
    try {
      await this.renewAll();
    } catch (error) {
      this.#log.warn(`The leases of running mails could not be renewed yet: ${errorText(error)}`);
      this.#renewAgain ??= setTimeout(() => {
        this.#renewAgain = undefined;
        void this.#renewOnTime();
      }, RENEW_AGAIN_MS).unref();
    }
  }
}
