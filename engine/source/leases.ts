// The sources that this process holds: taken one by one, renewed all in one statement, given back at the end.
// Invariants: what was lost is never taken back by itself: whoever uses the lease is told, and asks anew; so is what could not
// be renewed for as long as it lasts, by this process's own clock, since another one may have it by now; who stands by takes
// over only what it saw not to be renewed, by its own clock: the database's may have jumped. Two engines of one process on one
// ledger, as after a credential was edited, are two holders.
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { SourceHold, SourceHolds } from '../ledger/source-holds';
import { errorText, type Log } from '../runtime/log';
import { processWide } from '../runtime/process-wide';
import { monotonicNow } from '../runtime/time';

/** Another process has a source that much after its holder fell silent: its lease ran out, and that was seen. */
export const TAKEOVER_MS = 30_000;

/** A holder that was silent for so long is replaced. */
export const leaseMsOf = (takeoverMs: number): number => (takeoverMs * 2) / 3;

/** Those of this process, whichever copy of this package made them. */
const living = (): Set<string> => processWide('holders/1', () => new Set<string>());

/** A name from which others, also in another process, learn whether its holder is dead (`isDead`). */
export function newHolder(): string {
  const name = `${hostname()}:${process.pid}:${randomUUID()}`;
  living().add(name);
  return name;
}

export interface SourceLease {
  readonly hold: SourceHold;
  /** Another process has the source now. */
  readonly lost: boolean;
  /** Gives it back, for the next process. */
  release(): Promise<void>;
  /** It was found out that another process has it. */
  drop(): void;
  /** It was given to another process. */
  forget(): void;
}

export class SourceLeases {
  readonly #ledger: SourceHolds;
  readonly #log: Log;
  readonly holder: string;
  readonly leaseMs: number;
  readonly #held = new Map<number, Lease>();
  /** What is being asked for, one at a time for each source. */
  readonly #asking = new Map<number, Promise<unknown>>();
  /**
   * What others were seen to hold, by source. A dead holder's name is looked at only the first time, and what had run
   * out by then is taken at once: as after a crash.
   */
  readonly #seen = new Map<number, SeenHold | null>();
  #renewal: NodeJS.Timeout | undefined;
  /** Monotonic: what is held now counts from then on, as far as this process knows. */
  #renewedAt = -Infinity;

  constructor(
    ledger: SourceHolds,
    log: Log,
    { holder = newHolder(), leaseMs = leaseMsOf(TAKEOVER_MS) } = {},
  ) {
    this.#ledger = ledger;
    this.#log = log;
    this.holder = holder;
    this.leaseMs = leaseMs;
  }

  /** @param lost called when it does not count any more @returns null: another process holds the source @throws LedgerFault */
  async take(sourceId: number, lost: () => void = () => undefined): Promise<SourceLease | null> {
    const taking = this.#take(sourceId, lost);
    this.#asking.set(sourceId, taking);
    try {
      return await taking;
    } finally {
      if (this.#asking.get(sourceId) === taking) this.#asking.delete(sourceId);
    }
  }

  async #take(sourceId: number, lost: () => void): Promise<SourceLease | null> {
    const askedAt = monotonicNow();
    const isFirst = !this.#seen.has(sourceId);
    const request = {
      ...{ sourceId, holder: this.holder, leaseMs: this.leaseMs },
      ...(!isFirst && { unrenewed: this.#unrenewed(sourceId) }),
    };
    let answer = await this.#ledger.holdSource(request);
    if ('heldBy' in answer && isFirst && isDead(answer.heldBy, this.holder)) {
      answer = await this.#ledger.holdSource({ ...request, replacing: answer.heldBy });
    }
    if ('heldBy' in answer) {
      this.#see(sourceId, answer.until ?? 0);
      return null;
    }
    this.#seen.set(sourceId, null);
    const lease = new Lease(answer.hold, lost, async (mine, isGiven) => {
      this.#forget(mine);
      if (!mine.lost && !isGiven) await this.#ledger.releaseHolds([mine.hold]);
    });
    if (this.#held.size === 0) this.#renewedAt = askedAt;
    this.#held.set(sourceId, lease);
    this.#renewal ??= setInterval(() => void this.#renew(), this.renewMs).unref();
    return lease;
  }

  /** What this process has taken, once it is known of these, too. Never rejects. */
  async taken(sourceIds: Iterable<number>): Promise<SourceHold[]> {
    await Promise.allSettled([...sourceIds].flatMap((id) => this.#asking.get(id) ?? []));
    return [...this.#held.values()].map(({ hold }) => hold);
  }

  /** Nothing is held or asked for by it any more. */
  close(): void {
    living().delete(this.holder);
  }

  get renewMs(): number {
    return this.leaseMs / 3;
  }

  /** The lease of another process was looked at. @param until ms since 1970, the database's clock */
  saw(sourceId: number, until: number | null): void {
    // A dead holder's name is looked at when it is first asked for.
    if (this.#seen.has(sourceId)) this.#see(sourceId, until ?? 0);
  }

  /** That of another process was not renewed for longer than a living one takes. */
  isUnrenewed(sourceId: number): boolean {
    return this.#unrenewed(sourceId) !== null;
  }

  /**
   * The lease of another process that was seen not to be renewed, if there is one. Seen when it was asked for last: in
   * the gap since then, as of processes that stood still, nobody may have been able to renew.
   */
  #unrenewed(sourceId: number): number | null {
    const seen = this.#seen.get(sourceId);
    return seen && seen.lastAt - seen.firstAt >= this.renewMs * 1.5 ? seen.until : null;
  }

  #see(sourceId: number, until: number): void {
    const now = monotonicNow();
    const before = this.#seen.get(sourceId);
    const firstAt = before?.until === until ? before.firstAt : now;
    this.#seen.set(sourceId, { until, firstAt, lastAt: now });
  }

  #forget(lease: Lease): void {
    if (this.#held.get(lease.hold.sourceId) === lease) this.#held.delete(lease.hold.sourceId);
    if (this.#held.size > 0) return;
    clearInterval(this.#renewal);
    this.#renewal = undefined;
  }

  async #renew(): Promise<void> {
    const askedAt = monotonicNow();
    if (askedAt - this.#renewedAt >= this.leaseMs) {
      this.#lapse();
      return;
    }
    const leases = [...this.#held.values()];
    try {
      const renewed = await this.#ledger.renewHolds(
        leases.map(({ hold }) => hold),
        this.leaseMs,
      );
      this.#renewedAt = Math.max(this.#renewedAt, askedAt);
      const still = new Set(renewed.map(({ sourceId }) => sourceId));
      for (const lease of leases) {
        if (still.has(lease.hold.sourceId)) continue;
        this.#forget(lease);
        lease.drop();
      }
    } catch (error) {
      this.#log.warn(`The leases of watched mailboxes could not be renewed yet: ${errorText(error)}`);
    }
  }

  /** Nothing was renewed for as long as a lease lasts: this process stood still, or does not reach the database. */
  #lapse(): void {
    const leases = [...this.#held.values()];
    this.#log.warn(
      `The leases of ${leases.length} watched mailboxes ran out: they could not be renewed for ` +
        `${Math.round(this.leaseMs / 1000)} s. Nothing is read until they are asked for anew.`,
    );
    for (const lease of leases) {
      this.#forget(lease);
      lease.drop();
    }
  }
}

/** A lease of another process, and for how long it was seen as it is. Monotonic. */
interface SeenHold {
  readonly until: number;
  readonly firstAt: number;
  readonly lastAt: number;
}

class Lease implements SourceLease {
  lost = false;
  readonly hold: SourceHold;
  readonly #lost: () => void;
  readonly #release: (lease: Lease, isGiven: boolean) => Promise<void>;

  constructor(
    hold: SourceHold,
    lost: () => void,
    release: (lease: Lease, isGiven: boolean) => Promise<void>,
  ) {
    this.hold = hold;
    this.#lost = lost;
    this.#release = release;
  }

  drop(): void {
    if (this.lost) return;
    this.lost = true;
    this.#lost();
  }

  release(): Promise<void> {
    return this.#release(this, false);
  }

  forget(): void {
    this.lost = true;
    void this.#release(this, true);
  }
}

/**
 * A process of this machine that is no more, as before a crash and a restart: its lease need not run out.
 * Two machines may have one name: so it is only asked once for each source, and nobody is replaced time and again.
 */
export function isDead(holder: string, self: string): boolean {
  const [, host, pid] = /^(.*):(\d+):[^:]*$/.exec(holder) ?? [];
  const [, ownHost, ownPid] = /^(.*):(\d+):[^:]*$/.exec(self) ?? [];
  if (host === undefined || host !== ownHost) return false;
  // In a container, a restarted process often has the number of the one before.
  if (pid === ownPid) return !living().has(holder);
  try {
    process.kill(Number(pid), 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}
