// The sources that this process holds: taken one by one, renewed all in one statement, given back at the end.
// Invariants: what was lost is never taken back by itself: whoever uses the lease sees its signal abort, and asks anew;
// who stands by takes over only what it saw not to be renewed, by its own clock: the database's may have jumped.
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { SourceHold, SourceHolds } from '../ledger/source-holds';
import { errorText, type Log } from '../runtime/log';
import { monotonicNow } from '../runtime/time';

/** Another process takes over a source when its holder has been silent for so long. */
const LEASE_MS = 30_000;
const RENEW_MS = 10_000;

/** A name for this process, from which another one learns whether it is dead (`isDead`). */
export const newHolder = (): string => `${hostname()}:${process.pid}:${randomUUID()}`;

/** The same for all that it holds. */
const PROCESS = newHolder();

export interface SourceLease {
  readonly hold: SourceHold;
  /** Another process has the source now. */
  readonly lost: boolean;
  /** Gives it back, for the next process. */
  release(): Promise<void>;
  /** It was found out that another process has it. */
  drop(): void;
}

export class SourceLeases {
  readonly #ledger: SourceHolds;
  readonly #log: Log;
  readonly #holder: string;
  readonly #leaseMs: number;
  readonly #held = new Map<number, Lease>();
  /**
   * What others were seen to hold, by source. A dead holder's name is looked at only the first time, and what had run
   * out by then is taken at once: as after a crash.
   */
  readonly #seen = new Map<number, SeenHold | null>();
  #renewal: NodeJS.Timeout | undefined;

  constructor(ledger: SourceHolds, log: Log, { holder = PROCESS, leaseMs = LEASE_MS } = {}) {
    this.#ledger = ledger;
    this.#log = log;
    this.#holder = holder;
    this.#leaseMs = leaseMs;
  }

  /** @returns null: another process holds the source @throws LedgerFault */
  async take(sourceId: number): Promise<SourceLease | null> {
    const isFirst = !this.#seen.has(sourceId);
    const request = {
      ...{ sourceId, holder: this.#holder, leaseMs: this.#leaseMs },
      ...(!isFirst && { unrenewed: this.#unrenewed(sourceId) }),
    };
    let answer = await this.#ledger.holdSource(request);
    if ('heldBy' in answer && isFirst && isDead(answer.heldBy, this.#holder)) {
      answer = await this.#ledger.holdSource({ ...request, replacing: answer.heldBy });
    }
    if ('heldBy' in answer) {
      this.#see(sourceId, answer.until ?? 0);
      return null;
    }
    this.#seen.set(sourceId, null);
    const lease = new Lease(answer.hold, async (mine) => {
      this.#forget(mine);
      if (!mine.lost) await this.#ledger.releaseHolds([mine.hold]);
    });
    this.#held.set(sourceId, lease);
    this.#renewal ??= setInterval(() => void this.#renew(), this.#renewMs).unref();
    return lease;
  }

  get #renewMs(): number {
    return Math.min(RENEW_MS, this.#leaseMs / 3);
  }

  /**
   * The lease of another process that was seen not to be renewed, if there is one. Seen when it was asked for last: in
   * the gap since then, as of processes that stood still, nobody may have been able to renew.
   */
  #unrenewed(sourceId: number): number | null {
    const seen = this.#seen.get(sourceId);
    return seen && seen.lastAt - seen.firstAt >= this.#renewMs * 1.5 ? seen.until : null;
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
    const leases = [...this.#held.values()];
    try {
      const renewed = await this.#ledger.renewHolds(
        leases.map(({ hold }) => hold),
        this.#leaseMs,
      );
      const still = new Set(renewed.map(({ sourceId }) => sourceId));
      for (const lease of leases) {
        if (still.has(lease.hold.sourceId)) continue;
        lease.drop();
        this.#forget(lease);
      }
    } catch (error) {
      // A lease that ran out still counts, while nobody else takes the source.
      this.#log.warn(`The leases of watched mailboxes could not be renewed yet: ${errorText(error)}`);
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
  readonly #release: (lease: Lease) => Promise<void>;

  constructor(hold: SourceHold, release: (lease: Lease) => Promise<void>) {
    this.hold = hold;
    this.#release = release;
  }

  drop(): void {
    this.lost = true;
  }

  release(): Promise<void> {
    return this.#release(this);
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
  if (pid === ownPid) return true;
  try {
    process.kill(Number(pid), 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}
