// The sources that this process holds: taken one by one, renewed all in one statement, given back at the end.
// Invariant: what was lost is never taken back by itself: whoever uses the lease sees its signal abort, and asks anew.
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { SourceHold, SourceHolds } from '../ledger/source-holds';
import { errorText, type Log } from '../runtime/log';

/** Another process takes over a source when its holder has been silent for so long. */
const LEASE_MS = 30_000;
const RENEW_MS = 10_000;

/** Names this process, the same for all that it holds. */
const PROCESS = `${hostname()}:${process.pid}:${randomUUID()}`;

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
  /** Sources that were asked for before: a dead holder's name is looked at only the first time. */
  readonly #asked = new Set<number>();
  #renewal: NodeJS.Timeout | undefined;

  constructor(ledger: SourceHolds, log: Log, { holder = PROCESS, leaseMs = LEASE_MS } = {}) {
    this.#ledger = ledger;
    this.#log = log;
    this.#holder = holder;
    this.#leaseMs = leaseMs;
  }

  /** @returns null: another process holds the source @throws LedgerFault */
  async take(sourceId: number): Promise<SourceLease | null> {
    const request = { sourceId, holder: this.#holder, leaseMs: this.#leaseMs };
    let answer = await this.#ledger.holdSource(request);
    if ('heldBy' in answer && !this.#asked.has(sourceId) && isDead(answer.heldBy, this.#holder)) {
      answer = await this.#ledger.holdSource({ ...request, replacing: answer.heldBy });
    }
    this.#asked.add(sourceId);
    if ('heldBy' in answer) return null;
    const lease = new Lease(answer.hold, async (mine) => {
      this.#forget(mine);
      if (!mine.lost) await this.#ledger.releaseHolds([mine.hold]);
    });
    this.#held.set(sourceId, lease);
    this.#renewal ??= setInterval(() => void this.#renew(), Math.min(RENEW_MS, this.#leaseMs / 3)).unref();
    return lease;
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
