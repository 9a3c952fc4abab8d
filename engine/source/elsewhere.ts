// A source as this process sees it while another one reads it, or nobody: whether it is its turn, and what its subscribers are
// told meanwhile.
// Invariants: whose trigger listens here is told here, whoever reads: of an outage as of its own, what is wrong for it alone, and
// that its place is found;
// where a source is left to collectors, that none has it.
import type { Ledger } from '../ledger/ledger';
import type { SourceStanding } from '../ledger/members';
import type { Cursor } from '../ledger/subscriptions';
import { monotonicNow } from '../runtime/time';
import type { Membership, Watcher } from './membership';
import { TELL_AGAIN_MS } from './complaints';
import type { Outage } from './outage';
import type { Subscriber } from './source';

export interface ElsewhereParts<S> {
  readonly sourceId: number;
  /** For people, to go after "the". */
  readonly name: string;
  readonly subscribers: () => readonly S[];
  readonly ledger: Pick<Ledger, 'cursors'>;
  readonly outage: Outage;
  readonly leaseMs: number;
  readonly membership: Membership | undefined;
  readonly isHeld: () => boolean;
  readonly passTo: (heir: string | null) => void;
  /** It may be this process's turn. */
  readonly called: () => void;
  readonly tell: (tell: () => void) => void;
  /** It was read for it. @returns it had not been known */
  readonly placed: (subscriber: S) => boolean;
}

export class Elsewhere<S extends Subscriber<unknown, unknown>> {
  readonly #parts: ElsewhereParts<S>;
  readonly #watcher: Watcher;
  readonly #leave: (() => void) | undefined;
  /** Monotonic: since when nobody has had it. */
  #freeSince: number | undefined;
  #hasFailed = false;

  constructor(parts: ElsewhereParts<S>) {
    this.#parts = parts;
    const own = (): readonly S[] => this.#own;
    this.#watcher = {
      sourceId: parts.sourceId,
      get wants() {
        return wantsOf(own());
      },
      get isHeld() {
        return parts.isHeld();
      },
      passTo: (heir) => parts.passTo(heir),
      stands: (standing) => void this.#stands(standing),
    };
    this.#leave = parts.membership?.join(this.#watcher);
  }

  get mayTake(): boolean {
    const { membership } = this.#parts;
    return membership ? membership.mayTake(this.#watcher) : this.#watcher.wants !== 'never';
  }

  /** Whoever has it reads it for all its subscriptions. */
  get isCollectedFor(): boolean {
    return this.#standing?.isMembers ?? false;
  }

  /** What was seen of it may not be so any more. */
  forget(): void {
    this.#parts.membership?.forget(this.#parts.sourceId);
    this.#parts.membership?.changed();
  }

  isFree(): void {
    this.#parts.membership?.isFree(this.#parts.sourceId);
  }

  async cannotReach(): Promise<void> {
    await this.#parts.membership?.cannotReach(this.#parts.sourceId);
  }

  get isOutOfReach(): boolean {
    return this.#parts.membership?.isOutOfReach(this.#parts.sourceId) ?? false;
  }

  /** Whoever had it could not read it, when it was looked last. */
  get hasFailed(): boolean {
    return this.#hasFailed;
  }

  wasRead(): void {
    this.#hasFailed = false;
    this.reached();
  }

  reached(): void {
    this.#parts.membership?.reached(this.#parts.sourceId);
  }

  /** It is left as soon as nothing of it is open: nobody wants it here any more. */
  leaving(): void {
    this.#parts.membership?.changed();
  }

  leave(): void {
    this.#leave?.();
  }

  get #standing(): SourceStanding | undefined {
    return this.#parts.membership?.standingOf(this.#parts.sourceId);
  }

  get #own(): readonly S[] {
    return this.#parts.subscribers().filter(({ isGuest }) => !isGuest);
  }

  async #stands(standing: SourceStanding): Promise<void> {
    const { called, tell } = this.#parts;
    if (this.mayTake) called();
    this.#freeSince = standing.isFree ? (this.#freeSince ?? monotonicNow()) : undefined;
    tell(() => this.#tellOf(standing));
    this.#tellComplaints(standing);
    if (standing.lastSuccessAt !== null) await this.#findPlaces();
  }

  #tellOf({ failingSince, lastError, readSince }: SourceStanding): void {
    const { outage, name, leaseMs } = this.#parts;
    this.#hasFailed = failingSince !== null;
    if (this.#freeSince !== undefined) {
      const isLeft = this.#watcher.wants === 'never';
      if (isLeft && monotonicNow() - this.#freeSince >= 2 * leaseMs)
        outage.failed(nobodyReads(name), true, this.#own);
    } else if (failingSince !== null) {
      outage.failed(new Error(lastError ?? `The ${name} cannot be read`), false, this.#own);
    } else if (readSince !== null) {
      outage.over(this.#own);
    }
  }

  /** Whoever reads it says them again and again. */
  #tellComplaints({ complaints }: SourceStanding): void {
    const now = monotonicNow();
    const told = new Map<string, number>();
    for (const { subscriptionId, said } of complaints) {
      const key = `${subscriptionId} ${said}`;
      const own = this.#own.filter(({ subscription }) => subscription.id === subscriptionId);
      const toldAt = this.#complaintsTold.get(key);
      const isDue = own.length > 0 && (toldAt === undefined || now - toldAt >= TELL_AGAIN_MS);
      if (isDue) for (const { warn } of own) this.#parts.tell(() => warn(new Error(said)));
      const at = isDue ? now : toldAt;
      if (at !== undefined) told.set(key, at);
    }
    this.#complaintsTold = told;
  }

  /** Who waits until its place is known need not wait any more. */
  async #findPlaces(): Promise<void> {
    const { ledger, placed, tell } = this.#parts;
    const waiting = this.#own.filter((subscriber) => !this.#found.has(subscriber));
    if (waiting.length === 0) return;
    const ids = waiting.map(({ subscription }) => subscription.id);
    const cursors = await ledger.cursors(ids).catch(() => new Map<number, Cursor | null>());
    for (const subscriber of waiting) {
      if (!hasBegun(subscriber, cursors.get(subscriber.subscription.id))) continue;
      this.#found.add(subscriber);
      if (placed(subscriber)) tell(() => subscriber.synced());
    }
  }

  readonly #found = new WeakSet<S>();
  /** When (monotonic), of those that the ledger has. */
  #complaintsTold: ReadonlyMap<string, number> = new Map();
}

function wantsOf(subscribers: readonly Pick<Subscriber<unknown, unknown>, 'readBy'>[]): Watcher['wants'] {
  const ways = subscribers.map(({ readBy }) => readBy ?? 'here');
  return ways.includes('here') ? 'always' : ways.includes('reserve') ? 'reserve' : 'never';
}

/** Its place is known, and what came while it was switched off is passed over: cursors say it as `on` (IMAP) or `from` (Gmail). */
const hasBegun = (
  { passesOverUntil }: Pick<Subscriber<unknown, unknown>, 'passesOverUntil'>,
  cursor: Cursor | null | undefined,
): boolean =>
  Boolean(cursor) &&
  (passesOverUntil === undefined || Number(cursor!['on'] ?? cursor!['from'] ?? 0) >= passesOverUntil);

const nobodyReads = (name: string): Error =>
  new Error(
    `No collector reads the ${name}, and this trigger is set to leave that to one. Start "durable-mail collect" with a login ` +
      'for this account and this mail ledger, or look at its log; or set "Collecting" to Here, and publish again.',
  );
