// Turns the due events of one trigger into runs that n8n is handed, and keeps them from being offered again while
// n8n may still start them.
// Invariants: what is in flight is counted in the ledger, never here, so a limit holds across restarts; nothing is handed
// out without a slot among the runs of the process; a fault of the ledger or of n8n delays an event and never loses it;
// only `stop` ends the loop.
import { LedgerFault } from '../ledger/fault';
import type { Ledger } from '../ledger/ledger';
import type { Offer, OfferedRun } from '../ledger/offers';
import type { Pointer } from '../ledger/pointer';
import type { Ended } from '../ledger/runs';
import { backoffDelay } from '../runtime/backoff';
import { Bell } from '../runtime/bell';
import { errorText, type Log } from '../runtime/log';
import { monotonicNow, pause } from '../runtime/time';
import type { Wake } from '../signal/wake';
import type { RunShare, RunSlots } from './run-slots';
import { QUEUED_LEASE_MS, QueuedRuns } from './queued-runs';
import { RENEW_MS } from './runs';
import { type ToldEnd, ToldEnds } from './told-ends';
import { UnclaimedRuns } from './unclaimed-runs';
import { LEASES_SUFFER_MS, Unrenewed } from './unrenewed';

/** A look without a wake-up: no wake-up is relied on. */
const LOOK_MS = 30_000;
/** A ledger that could not be reached so often in a row was away; once may be one connection that broke. */
const AWAY = 2;
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
  /** Whether this process has settled all of these itself, and has said so by a wake-up. */
  readonly wereSettled: (pointers: readonly Pointer[]) => boolean;
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

interface Dispatched {
  readonly offer: Offer;
  /** More is due, and has no slot. */
  readonly isShort: boolean;
}

export class Dispatcher {
  readonly #ports: DispatcherPorts;
  readonly #settings: DispatcherSettings;
  readonly #stopping = new AbortController();
  /** Resolves once it was stopped. */
  readonly ended: Promise<void>;
  /** Whose events are handed out, and what ends the listening for each. */
  readonly #listening = new Map<number, () => void>();
  readonly #queued: QueuedRuns;
  readonly #share: RunShare;
  readonly #told: ToldEnds;
  readonly #unclaimed: UnclaimedRuns;
  /** How often in a row it could not be reached. */
  #unreachable = 0;
  /** What is due may have changed. */
  readonly #bell = new Bell<'due'>();
  /** Whoever runs mails, here or in another process, has the time to renew before a lease is held against it. */
  readonly #unrenewed = new Unrenewed();
  /** Runs ended here that had claimed their mails. */
  #hasSettled = false;
  /** Monotonic; when the ledger last answered. */
  #reachedAt = monotonicNow();

  constructor(subscriptionIds: readonly number[], settings: DispatcherSettings, ports: DispatcherPorts) {
    this.#settings = settings;
    this.#ports = ports;
    this.#share = ports.slots.share(() => this.#bell.ring('due'));
    this.#queued = new QueuedRuns(settings.mostQueuedMs, ports.ledger, ports.log);
    this.#told = new ToldEnds(ports.ledger);
    this.#unclaimed = new UnclaimedRuns(ports.reportUnclaimed);
    this.serve(subscriptionIds);
    this.ended = this.#run().finally(() => {
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
          this.#ports.wake.listen(id, () => this.#bell.ring('due')),
        );
    }
    this.#bell.ring('due');
  }

  get #subscriptionIds(): readonly number[] {
    return [...this.#listening.keys()];
  }

  /** Nothing is handed out after it. What was handed out goes on. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.ended;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    let failures = 0;
    while (!signal.aborted) {
      try {
        this.#bell.take('due');
        const { offer, isShort } = await this.#dispatch(signal, failures).finally(() =>
          this.#share.giveBack(),
        );
        if (isShort) this.#share.wait();
        failures = this.#unreachable = 0;
        this.#reachedAt = monotonicNow();
        const lapses = this.#unrenewed.see(offer.running ?? []) ?? LOOK_MS;
        const pauses = this.#unclaimed.waitMs || LOOK_MS;
        // What waits for a slot is woken when it has one.
        const next = isShort ? LOOK_MS : (offer.nextInMs ?? LOOK_MS);
        const due = Math.max(Math.min(next, lapses, pauses), 10);
        const isWatching = !this.#queued.isEmpty || !this.#told.isEmpty;
        const ms = Math.min(due, isWatching ? RENEW_MS : LOOK_MS);
        this.#unrenewed.looksAgainIn(ms);
        await this.#bell.wait(ms, ['due'], signal);
      } catch (error) {
        failures++;
        this.#unreachable = isUnreachable(error) ? this.#unreachable + 1 : 0;
        this.#ports.log.error(`Due mail cannot be handed out for now: ${errorText(error)}`, { failures });
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
      return { offer: { runs: [], lapsed: 0, nextInMs: null, untold: false }, isShort: false };
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
    if (this.#unreachable >= AWAY) this.#queued.wasAway();
    if (offer.lapsed > 0) log.warn('Runs were found that did not end', { lapsed: offer.lapsed });
    this.#see(offer);
    const isShort = offer.runs.length === mostNew && offer.nextInMs === 0;
    for (const run of offer.runs) {
      // Stopped in between: the run's pointers lapse and the next start offers them again.
      if (signal.aborted) return { offer, isShort };
      this.#emit(run);
    }
    if (offer.untold) await this.#report(subscriptionIds);
    return { offer, isShort };
  }

  async #report(subscriptionIds: readonly number[]): Promise<void> {
    const ended = await this.#ports.ledger.takeEnded(subscriptionIds, MOST_REPORTS);
    for (const event of ended) this.#ports.report(event);
    if (ended.length === MOST_REPORTS) this.#bell.ring('due');
  }

  /** What n8n does not say of its runs, the ledger shows. */
  #see({ running = [] }: Offer): void {
    const claimed = new Set(running.map(({ run }) => run));
    // Else `renewQueued` is to find out whether they were claimed.
    if (!this.#unclaimed.areMany) this.#queued.claimed(claimed);
    this.#share.see(new Set([...claimed, ...this.#queued.runs]));
  }

  #emit(run: OfferedRun): void {
    this.#unclaimed.began();
    const emitted = this.#ports.emit(run);
    this.#share.hold(run.id, emitted);
    let isSettled = false;
    const done = emitted.then((end) => {
      isSettled = this.#ports.wereSettled(run.pointers);
      if (isSettled) this.#hasSettled = true;
      else if (end) this.#told.tell(run.pointers, end);
    });
    this.#queued.add(run);
    const forget = (): void => {
      this.#queued.remove(run);
      // It may have ended in another process, whose wake-ups do not come here.
      if (!isSettled || this.#unclaimed.areMany) this.#bell.ring('due');
    };
    done.then(forget, forget);
  }

  async #renewQueued(): Promise<void> {
    const over = await this.#queued.renew(this.#unclaimed.areMany);
    if (this.#unclaimed.areMany) await this.#lookForClaims(over);
  }

  async #settleTold(): Promise<void> {
    const unrenewed = new Set(this.#unrenewed.leases().map(({ run }) => run));
    const { unclaimed, claimed } = await this.#told.settle(unrenewed);
    if (claimed > 0 || this.#hasSettled) await this.#claimed();
    this.#hasSettled = false;
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
}

const isUnreachable = (error: unknown): boolean =>
  error instanceof LedgerFault && error.kind === 'unreachable';
