// This process among those that would read the same sources: it says which ones it wants, hears how those are doing that others
// read, and is told what to give to whom, so that all have equally many (spread.ts), and nobody has what only others reach
// (out-of-reach.ts).
// Invariants: nothing here gives or takes a lease: whoever watches a source does, when nothing of it is open; what cannot be asked
// now is asked again, and meanwhile everybody goes on as before; what it says it wants no more it does not take until the ledger
// has heard that, since what was passed on to it is freed then.
import type { Members, SourceStanding } from '../ledger/members';
import type { SourceHold } from '../ledger/source-holds';
import { errorText, type Log } from '../runtime/log';
import type { Wake } from '../signal/wake';
import type { SourceLeases } from './leases';
import { lookKey } from './notices';
import { OutOfReach } from './out-of-reach';
import { movesOf } from './spread';

/** So many that are read well are given away in one turn: whoever is given them has to log in for each. */
const MOST_GIVEN = 10;
const MOST_LOOK_MS = 5_000;
/** What comes together is told together. */
const SOON_MS = 100;

/** One who watches a source in this process. */
export interface Watcher {
  readonly sourceId: number;
  /** Whether it would read it: also others may; only while nobody else does; never. */
  readonly wants: 'always' | 'reserve' | 'never';
  readonly isHeld: boolean;
  /** It is to be given to another member; null: it is to be kept. */
  passTo(heir: string | null): void;
  /** How it is doing in another process, or that nobody has it. */
  stands(standing: SourceStanding): void;
}

export class Membership {
  readonly #ledger: Members;
  readonly #leases: SourceLeases;
  readonly #wake: Wake;
  readonly #log: Log;
  readonly #watchers = new Map<number, Watcher>();
  readonly #standings = new Map<number, SourceStanding>();
  readonly #outOfReach: OutOfReach;
  readonly #timers: NodeJS.Timeout[] = [];
  #soon: NodeJS.Timeout | undefined;
  /** What was told last. */
  #told = '';
  /** By source: wanted first of all, as the ledger knows it, or may know it. */
  #wanted = new Set<number>();
  /** What the ledger is being told to be wanted no more, or as a reserve. */
  #dropping: ReadonlySet<number> = new Set();
  #attending: Promise<void> | undefined;
  #looking: Promise<void> | undefined;
  #isAlone = true;
  #ending: Promise<void> = Promise.resolve();

  constructor(ledger: Members, leases: SourceLeases, wake: Wake, log: Log) {
    this.#ledger = ledger;
    this.#leases = leases;
    this.#wake = wake;
    this.#log = log;
    this.#outOfReach = new OutOfReach(ledger, leases, log, () => this.changed());
  }

  /** @returns it watches no more */
  join(watcher: Watcher): () => void {
    const { sourceId } = watcher;
    this.#watchers.set(sourceId, watcher);
    if (this.#timers.length === 0) this.#begin();
    this.changed();
    return () => {
      if (this.#watchers.get(sourceId) !== watcher) return;
      this.#watchers.delete(sourceId);
      this.#standings.delete(sourceId);
      this.#outOfReach.forget(sourceId);
      if (this.#watchers.size === 0) this.#end();
      else this.changed();
    };
  }

  /** Somebody wants another source, or the same in another way. */
  changed(): void {
    this.#soon ??= setTimeout(() => {
      this.#soon = undefined;
      void this.#turn();
    }, SOON_MS).unref();
  }

  /** How it was last seen to stand; undefined: nobody has looked, or it has changed since. */
  standingOf(sourceId: number): SourceStanding | undefined {
    return this.#standings.get(sourceId);
  }

  /** What was seen of it may not be so any more. */
  forget(sourceId: number): void {
    this.#standings.delete(sourceId);
  }

  /** Whether its lease can be had, as far as is known. */
  mayTake({ sourceId, wants }: Pick<Watcher, 'sourceId' | 'wants'>): boolean {
    if (wants === 'never' || this.#dropping.has(sourceId)) return false;
    const standing = this.#standings.get(sourceId);
    const isOwn = standing?.holder === this.#leases.holder;
    if (wants === 'reserve' && !isOwn && (standing?.others ?? 1) > 0) return false;
    const isFree = !standing || standing.isFree || isOwn;
    return isFree || this.#leases.isUnrenewed(sourceId);
  }

  /** There are others that would read the same, as far as is known. */
  get hasOthers(): boolean {
    return !this.#isAlone;
  }

  /** It was tried, and could not be reached. Never rejects. */
  async cannotReach(sourceId: number): Promise<void> {
    if (!this.#isAlone) await this.#outOfReach.lost(sourceId);
  }

  /** It was read, or its server is heard again. */
  reached(sourceId: number): void {
    if (this.#outOfReach.found(sourceId)) this.#watchers.get(sourceId)?.passTo(null);
  }

  /** Nobody reads it here until it is given away. */
  isOutOfReach(sourceId: number): boolean {
    return this.#outOfReach.has(sourceId);
  }

  /** Others who stand by ask for it at once. */
  isFree(sourceId: number): void {
    this.forget(sourceId);
    // Not all of what is out of reach may be given away in one turn.
    if (this.#outOfReach.has(sourceId)) this.changed();
    if (!this.#isAlone) this.#wake.notify([lookKey(sourceId)]);
  }

  /** Resolves when the ledger knows that it left, if it has: it may be closed then. Never rejects. */
  async left(): Promise<void> {
    await this.#ending;
  }

  #begin(): void {
    const { renewMs, leaseMs } = this.#leases;
    const lookMs = Math.min(MOST_LOOK_MS, leaseMs / 4);
    this.#timers.push(
      setInterval(() => void this.#attend(), renewMs).unref(),
      setInterval(() => void this.#look(), lookMs).unref(),
    );
  }

  #end(): void {
    for (const timer of this.#timers.splice(0)) clearInterval(timer);
    clearTimeout(this.#soon);
    this.#soon = undefined;
    this.#outOfReach.end();
    this.#ending = Promise.resolve(this.#attending)
      .then(() => (this.#watchers.size === 0 ? this.#withdraw() : undefined))
      .catch((error: unknown) =>
        this.#log.debug(`That this process left was not stored: ${errorText(error)}`),
      );
  }

  async #withdraw(): Promise<void> {
    await this.#want(new Set(), [], () => this.#ledger.withdraw(this.#leases.holder));
  }

  async #turn(): Promise<void> {
    // One that is under way may have begun before the change.
    await this.#attending;
    await this.#attend();
    await this.#look();
  }

  /** One at a time. */
  #attend(): Promise<void> {
    return (this.#attending ??= this.#attendOnce()
      .catch((error: unknown) =>
        this.#log.debug(`Other processes were not told what this one reads: ${errorText(error)}`),
      )
      .finally(() => (this.#attending = undefined)));
  }

  async #attendOnce(): Promise<void> {
    // One that begins again is not to be taken for the one that leaves.
    await this.#ending;
    if (this.#watchers.size === 0) return;
    const { holder, leaseMs } = this.#leases;
    const wants = [...this.#watchers.values()]
      .filter((watcher) => watcher.wants !== 'never')
      .map((watcher) => ({ sourceId: watcher.sourceId, reserve: watcher.wants === 'reserve' }));
    const told = JSON.stringify(wants);
    const wanted = new Set(wants.filter(({ reserve }) => !reserve).map(({ sourceId }) => sourceId));
    const reserves = wants.filter(({ reserve }) => reserve).map(({ sourceId }) => sourceId);
    let others = told === this.#told ? await this.#ledger.attend(holder, leaseMs) : null;
    // What it wants has changed, or was forgotten while this machine slept.
    others ??= await this.#want(wanted, reserves, (has) => this.#ledger.attend(holder, leaseMs, wants, has));
    this.#told = told;
    await this.#outOfReach.told();
    this.#isAlone = others === 0;
    // What another one records is for a dispatcher that may be here, and the other way round.
    this.#wake.share?.(!this.#isAlone);
    const shares = this.#isAlone ? [] : await this.#ledger.shares();
    this.#outOfReach.keep(shares);
    this.#spread(movesOf(shares));
  }

  /** @param tell tells the ledger what is wanted from now on, and what this process has taken of what is not */
  async #want<T>(
    wanted: Set<number>,
    reserves: readonly number[],
    tell: (has: readonly SourceHold[]) => Promise<T>,
  ): Promise<T> {
    const dropped = new Set([...this.#wanted].filter((id) => !wanted.has(id)));
    // Of what it is a reserve for, what was passed on to it and not taken is freed as well.
    this.#dropping = new Set([...dropped, ...reserves]);
    // Whether the ledger has heard it is not known while it does not answer.
    this.#told = '';
    for (const id of wanted) this.#wanted.add(id);
    try {
      const answer = await tell(await this.#leases.taken([...dropped, ...reserves]));
      this.#wanted = wanted;
      // What was passed on meanwhile is free by now.
      if (!this.#isAlone && dropped.size > 0) this.#wake.notify([...dropped].map(lookKey));
      return answer;
    } finally {
      this.#dropping = new Set();
    }
  }

  #spread(moves: ReturnType<typeof movesOf>): void {
    const { holder } = this.#leases;
    const heirs = new Map<number, string>();
    let left = MOST_GIVEN;
    for (const { from, to, share, count } of moves) {
      if (from !== holder) continue;
      const mine = share.sourceIds.filter(
        (id) => !heirs.has(id) && this.#watchers.get(id)?.isHeld && !this.#outOfReach.isKept(id),
      );
      for (const id of mine.slice(0, count)) {
        const isRead = !this.#outOfReach.has(id);
        if (isRead && left === 0) continue;
        if (isRead) left--;
        heirs.set(id, to);
      }
    }
    for (const watcher of this.#watchers.values()) watcher.passTo(heirs.get(watcher.sourceId) ?? null);
  }

  /** One at a time. */
  #look(): Promise<void> {
    return (this.#looking ??= this.#lookOnce()
      .catch((error: unknown) =>
        this.#log.debug(`It was not seen what other processes read: ${errorText(error)}`),
      )
      .finally(() => (this.#looking = undefined)));
  }

  async #lookOnce(): Promise<void> {
    const ids = [...this.#watchers.values()].filter(({ isHeld }) => !isHeld).map(({ sourceId }) => sourceId);
    if (ids.length === 0) return;
    for (const standing of await this.#ledger.standings(this.#leases.holder, ids)) {
      const watcher = this.#watchers.get(standing.sourceId);
      if (!watcher || watcher.isHeld) continue;
      this.#standings.set(standing.sourceId, standing);
      this.#leases.saw(standing.sourceId, standing.until);
      watcher.stands(standing);
    }
  }
}
