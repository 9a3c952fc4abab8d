// What this process cannot reach, though it would read it: others, who may, are told so, and given it.
// Invariants: what is found out is told in order, and again where it could not be; nothing is given away before others could find
// out that they do not reach it either; where nobody does, it stays where it is, and for as long again once the first of them does.
import type { Members, Share } from '../ledger/members';
import { errorText, type Log } from '../runtime/log';
import { monotonicNow } from '../runtime/time';
import type { SourceLeases } from './leases';

/** What could not be reached from here is better read by others for so long. */
const UNREACHABLE_MS = 5 * 60_000;
/** So much of a lease others have to find out that they do not reach it either. */
const KEPT_OF_LEASE = 0.4;

interface Lost {
  /** Monotonic: it counts until then. */
  readonly until: number;
  /** Monotonic: it is given away from then on; Infinity: nobody reaches it. */
  giveAt: number;
}

export class OutOfReach {
  readonly #ledger: Pick<Members, 'cannotReach'>;
  readonly #leases: Pick<SourceLeases, 'holder' | 'leaseMs'>;
  readonly #log: Log;
  readonly #due: () => void;
  /** By source. */
  readonly #lost = new Map<number, Lost>();
  /** Of which the ledger is to be told whether it is out of reach. */
  readonly #untold = new Set<number>();
  #telling: Promise<void> | undefined;
  #giving: NodeJS.Timeout | undefined;

  /** @param due something may be given away now */
  constructor(
    ledger: Pick<Members, 'cannotReach'>,
    leases: Pick<SourceLeases, 'holder' | 'leaseMs'>,
    log: Log,
    due: () => void,
  ) {
    this.#ledger = ledger;
    this.#leases = leases;
    this.#log = log;
    this.#due = due;
  }

  has(sourceId: number): boolean {
    return this.#of(sourceId) !== undefined;
  }

  /** It is out of reach, and not given away yet. */
  isKept(sourceId: number): boolean {
    return (this.#of(sourceId)?.giveAt ?? -Infinity) > monotonicNow();
  }

  /** Resolves when the ledger was told, or could not be. Never rejects. */
  lost(sourceId: number): Promise<void> {
    const now = monotonicNow();
    const giveAt = this.#of(sourceId)?.giveAt ?? now + this.#keptMs;
    this.#lost.set(sourceId, { until: now + UNREACHABLE_MS, giveAt });
    this.#giveAfter(this.#keptMs);
    this.#untold.add(sourceId);
    return this.#tell();
  }

  /** @returns it was out of reach until now */
  found(sourceId: number): boolean {
    if (!this.#lost.delete(sourceId)) return false;
    this.#untold.add(sourceId);
    void this.#tell();
    return true;
  }

  /** Nobody here would read it any more. */
  forget(sourceId: number): void {
    this.#lost.delete(sourceId);
    this.#untold.delete(sourceId);
  }

  /** Resolves when the ledger was told of what it does not know yet, or could not be. Never rejects. */
  async told(): Promise<void> {
    if (this.#untold.size > 0 || this.#telling) await this.#tell();
  }

  /** @param shares as they are now: who of all could reach what */
  keep(shares: readonly Share[]): void {
    const mine = shares.filter(({ holder }) => holder === this.#leases.holder);
    const named = new Map(
      mine.flatMap((share) => share.sourceIds.map((id) => [id, share.wanters.length > 0])),
    );
    // One that is not named is of one of those that name not all.
    const others = mine.filter(({ count, sourceIds }) => count > sourceIds.length);
    const anybody = others.length === 0 ? undefined : others.some(({ wanters }) => wanters.length > 0);
    for (const [id, lost] of this.#lost) {
      const isReached = named.get(id) ?? anybody;
      if (isReached === false) lost.giveAt = Infinity;
      if (isReached !== true || lost.giveAt < Infinity) continue;
      lost.giveAt = monotonicNow() + this.#keptMs;
      this.#giveAfter(this.#keptMs);
    }
  }

  end(): void {
    clearTimeout(this.#giving);
    this.#giving = undefined;
  }

  get #keptMs(): number {
    return this.#leases.leaseMs * KEPT_OF_LEASE;
  }

  #of(sourceId: number): Lost | undefined {
    const lost = this.#lost.get(sourceId);
    if (!lost || lost.until > monotonicNow()) return lost;
    this.#lost.delete(sourceId);
    return undefined;
  }

  #giveAfter(ms: number): void {
    this.#giving ??= setTimeout(() => {
      this.#giving = undefined;
      this.#due();
      const waits = [...this.#lost.values()].map(({ giveAt }) => giveAt - monotonicNow());
      const next = Math.min(Infinity, ...waits.filter((wait) => wait > 0 && wait < Infinity));
      if (next < Infinity) this.#giveAfter(next);
    }, ms).unref();
  }

  /** One at a time, so that the last word counts. Never rejects. */
  #tell(): Promise<void> {
    return (this.#telling ??= this.#tellAll().finally(() => (this.#telling = undefined)));
  }

  /** What is found out at once is told at once: they may be all mailboxes of a server. */
  async #tellAll(): Promise<void> {
    const { holder } = this.#leases;
    while (this.#untold.size > 0) {
      await new Promise(setImmediate);
      const told = [...this.#untold];
      this.#untold.clear();
      const lost = told.filter((id) => this.has(id));
      const found = told.filter((id) => !this.has(id));
      try {
        if (lost.length > 0) await this.#ledger.cannotReach(holder, lost, UNREACHABLE_MS);
        if (found.length > 0) await this.#ledger.cannotReach(holder, found, 0);
      } catch (error) {
        this.#log.debug(`Which sources are out of reach was not stored: ${errorText(error)}`);
        // With the next turn.
        for (const id of told) this.#untold.add(id);
        return;
      }
    }
  }
}
