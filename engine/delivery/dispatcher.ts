// Turns the due events of one trigger into runs that n8n is handed, and keeps them from being offered again while
// n8n may still start them.
// Invariants: what is in flight is counted in the ledger, never here, so a limit holds across restarts; nothing is handed
// out without a slot among the runs of the process; a fault of the ledger or of n8n delays an event and never loses it;
// only `stop` ends the loop.
import type { Ended, Ledger, Offer, OfferedRun, Pointer } from '../ledger/ledger';
import { pointerName } from '../ledger/keys';
import { backoffDelay } from '../runtime/backoff';
import { errorText, type Log } from '../runtime/log';
import { monotonicNow, pause } from '../runtime/time';
import type { Wake } from '../signal/wake';
import type { RunShare, RunSlots } from './run-slots';
import { RENEW_MS } from './runs';
import { type ToldEnd, ToldEnds } from './told-ends';
import { UnclaimedRuns } from './unclaimed-runs';
import { LEASES_SUFFER_MS, Unrenewed } from './unrenewed';

/** The lease of what was handed out: a process that dies then delays its mails by this much. */
const QUEUED_LEASE_MS = 30_000;
/** A look without a wake-up: no wake-up is relied on. */
const LOOK_MS = 30_000;
/** How often the patience with n8n doubles at most. */
const MOST_DOUBLINGS = 6;
/** How many ended events are reported at a time. */
const MOST_REPORTS = 20;

export interface DispatcherPorts {
  readonly ledger: Ledger;
  readonly wake: Wake;
  readonly log: Log;
  /** Of all who hand out runs in this process. */
  readonly slots: RunSlots;
  /**
   * Hands the run to n8n; resolves when n8n is done with it, with how it says that the run ended; undefined: it does
   * not say, or has started nothing. Pointers of a run for which this throws lapse and are offered again.
   */
  readonly emit: (run: OfferedRun) => Promise<ToldEnd | undefined>;
  /** Tells a person of an event that ended without success. */
  readonly report: (ended: Ended) => void;
  /** Tells a person that runs end before they can take their mails, with what n8n says of the last one. */
  readonly reportUnclaimed: (error: string, runs: number) => void;
  /** Renews the leases of runs in this process, so that a process that was stalled does not lapse its own. */
  readonly renewRuns: () => Promise<void>;
}

export interface DispatcherSettings {
  readonly mostRuns: number;
  readonly mailsPerRun: number;
  /** While few mails wait, each has a run of its own. */
  readonly fewAlone?: boolean;
  /**
   * n8n can lose a queued run and tell nobody: a pointer that no run has claimed after this many ms is offered
   * again, under a new attempt. With each attempt it is given twice as long: an n8n that is only slow to start
   * what it has would otherwise never come to the newest one.
   */
  readonly mostQueuedMs: number;
}

interface Queued {
  readonly run: OfferedRun;
  /** Monotonic. */
  readonly until: number;
}

interface Dispatched {
  readonly offer: Offer;
  /** More is due, and has no slot. */
  readonly isShort: boolean;
}

export class Dispatcher {
  readonly #ports: DispatcherPorts;
  readonly #settings: DispatcherSettings;
  readonly #stopping = new AbortController();
  readonly #ended: Promise<void>;
  /** Whose events are handed out, and what ends the listening for each. */
  readonly #listening = new Map<number, () => void>();
  /** Handed out, and not seen yet to be claimed or given up by n8n. */
  #queued: Queued[] = [];
  readonly #share: RunShare;
  readonly #told: ToldEnds;
  readonly #unclaimed: UnclaimedRuns;
  #woken = true;
  #onWake: (() => void) | undefined;
  /** Whoever runs mails, here or in another process, has the time to renew before a lease is held against it. */
  readonly #unrenewed = new Unrenewed();
  /** Monotonic; when the ledger last answered. */
  #reachedAt = monotonicNow();

  constructor(subscriptionIds: readonly number[], settings: DispatcherSettings, ports: DispatcherPorts) {
    this.#settings = settings;
    this.#ports = ports;
    this.#share = ports.slots.share(() => this.#wake());
    this.#told = new ToldEnds(ports.ledger);
    this.#unclaimed = new UnclaimedRuns(ports.reportUnclaimed);
    this.serve(subscriptionIds);
    this.#ended = this.#run().finally(() => {
      this.#listening.forEach((stop) => stop());
      this.#share.leave();
    });
  }

  /** From now on the events of these subscriptions are handed out, too. */
  serve(subscriptionIds: readonly number[]): void {
    if (this.#stopping.signal.aborted) return;
    for (const id of subscriptionIds) {
      if (!this.#listening.has(id))
        this.#listening.set(
          id,
          this.#ports.wake.listen(id, () => this.#wake()),
        );
    }
    this.#wake();
  }

  get #subscriptionIds(): readonly number[] {
    return [...this.#listening.keys()];
  }

  /** Nothing is handed out after it. What was handed out goes on. */
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
        const { offer, isShort } = await this.#dispatch(signal, failures).finally(() =>
          this.#share.giveBack(),
        );
        if (isShort) this.#share.wait();
        failures = 0;
        this.#reachedAt = monotonicNow();
        const lapses = this.#unrenewed.see(offer.running ?? []) ?? LOOK_MS;
        const pauses = this.#unclaimed.waitMs || LOOK_MS;
        // What waits for a slot is woken when it has one.
        const next = isShort ? LOOK_MS : (offer.nextInMs ?? LOOK_MS);
        const due = Math.max(Math.min(next, lapses, pauses), 10);
        const isWatching = this.#queued.length > 0 || !this.#told.isEmpty;
        const ms = Math.min(due, isWatching ? RENEW_MS : LOOK_MS);
        this.#unrenewed.looksAgainIn(ms);
        await this.#sleep(ms, signal);
      } catch (error) {
        failures++;
        this.#ports.log.error(`Due mail cannot be handed to n8n for now: ${errorText(error)}`, { failures });
        await pause(backoffDelay(failures, { firstMs: 500, mostMs: 10_000 }), signal);
      }
    }
  }

  /**
   * The ledger was away: whoever runs mails gets the time to renew the leases or to tell how the runs ended, before
   * leases that ran out meanwhile are held against them.
   */
  #spareIfAway(failures: number): void {
    const wasAway = failures > 0 && monotonicNow() - this.#reachedAt > LEASES_SUFFER_MS;
    if (wasAway) this.#unrenewed.forget();
  }

  async #dispatch(signal: AbortSignal, failures: number): Promise<Dispatched> {
    const { ledger, log, slots, renewRuns } = this.#ports;
    const { mailsPerRun, fewAlone = false } = this.#settings;
    const subscriptionIds = this.#subscriptionIds;
    this.#spareIfAway(failures);
    await this.#renewQueued();
    await renewRuns();
    // Before leases are looked at: what is known of a run counts more than that its lease ran out.
    await this.#settleTold();
    if (subscriptionIds.length === 0)
      return { offer: { runs: [], lapsed: 0, nextInMs: null }, isShort: false };
    const mostRuns = Math.min(this.#unclaimed.limit(this.#settings.mostRuns), slots.most);
    // A ledger that may not answer keeps no slot from others.
    const mostNew = failures > 0 ? 0 : this.#share.take(mostRuns);
    const offer = await ledger.offer({
      subscriptionIds,
      mostRuns,
      mostNew,
      mailsPerRun,
      fewAlone,
      leaseMs: QUEUED_LEASE_MS,
      unrenewed: this.#unrenewed.leases(),
    });
    if (offer.lapsed > 0) log.warn('Runs were found that did not end', { lapsed: offer.lapsed });
    this.#see(offer);
    const isShort = offer.runs.length === mostNew && offer.nextInMs === 0;
    for (const run of offer.runs) {
      // Stopped in between: the run's pointers lapse and the next start offers them again.
      if (signal.aborted) return { offer, isShort };
      this.#emit(run);
    }
    const ended = await ledger.takeEnded(subscriptionIds, MOST_REPORTS);
    for (const event of ended) this.#ports.report(event);
    if (ended.length === MOST_REPORTS) this.#woken = true;
    return { offer, isShort };
  }

  /** What n8n does not say of its runs, the ledger shows. */
  #see({ running = [] }: Offer): void {
    const inFlight = [...running.map(({ run }) => run), ...this.#queued.map(({ run }) => run.id)];
    this.#share.see(new Set(inFlight));
  }

  #emit(run: OfferedRun): void {
    const emitted = this.#ports.emit(run);
    this.#share.hold(run.id, emitted);
    const done = emitted.then((end) => end && this.#told.tell(run.pointers, end));
    const attempt = Math.max(...run.pointers.map((pointer) => pointer.attempt));
    const patience = this.#settings.mostQueuedMs * 2 ** Math.min(attempt - 1, MOST_DOUBLINGS);
    const queued = { run, until: monotonicNow() + patience };
    this.#queued.push(queued);
    const forget = (): void => {
      this.#queued = this.#queued.filter((other) => other !== queued);
      // It may have ended in another process, whose wake-ups do not come here.
      this.#wake();
    };
    done.then(forget, forget);
  }

  async #renewQueued(): Promise<void> {
    const now = monotonicNow();
    const young = this.#queued.filter(({ until }) => now < until);
    if (young.length < this.#queued.length) {
      const lost = this.#queued.length - young.length;
      this.#ports.log.warn('n8n has not started runs in time; their mails are offered again', { lost });
    }
    const renewed = await this.#ports.ledger.renew(
      young.flatMap(({ run }) => run.pointers),
      'QUEUED',
      QUEUED_LEASE_MS,
    );
    const still = new Set(renewed.map(pointerName));
    const waits = ({ run }: Queued): boolean =>
      run.pointers.some((pointer) => still.has(pointerName(pointer)));
    // What was emitted or given up meanwhile keeps its place.
    const over = new Set(young.filter((queued) => !waits(queued)));
    this.#queued = this.#queued.filter((queued) => now < queued.until && !over.has(queued));
    if (this.#unclaimed.areMany) await this.#lookForClaims([...over].map(({ run }) => run));
  }

  async #settleTold(): Promise<void> {
    const unrenewed = new Set(this.#unrenewed.leases().map(({ run }) => run));
    const { unclaimed, claimed } = await this.#told.settle(unrenewed);
    if (claimed > 0) await this.#claimed();
    this.#unclaimed.ended(unclaimed);
  }

  /** Runs whose end is not told yet, and whose pointers do not wait any more. */
  async #lookForClaims(runs: readonly OfferedRun[]): Promise<void> {
    const pointers = runs.flatMap((run) => run.pointers);
    if (pointers.length === 0) return;
    const found = await this.#ports.ledger.whereabouts(pointers.map(({ event }) => event));
    const isRun = ({ event, attempt }: Pointer): boolean =>
      found.get(event)?.attempt === attempt && found.get(event)?.state === 'RUNNING';
    if (pointers.some(isRun)) await this.#claimed();
  }

  /** What ended unclaimed need not wait any longer. */
  async #claimed(): Promise<void> {
    if (this.#unclaimed.claimed()) await this.#ports.ledger.hurryReleased(this.#subscriptionIds);
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
