// The part of the ledger's port that keeps side effects from repeating: keys, each taken by one run at a time and
// finished once. A key is a digest of what the user named; nothing of a mail is in it.
//
// A key is free, held under a lease, or finished for its time. When a lease ran out, its holder may be dead, or may
// have slept, or the database's clock was set: so nothing changes by that alone. Whoever asks then, and has seen that
// nobody renews it, finds a key of `onSuccess` free, and takes it; finds one of `anyway` finished, for its time from
// then on, and free after that. A lease that lies further ahead than any can counts as run out, too (common/clock.ts).
// A holder that comes back before anybody took the key renews it, finishes it or frees it as if its lease had not run
// out. No sweep lets the key go until a day after the lease, nor unless it was seen that nobody renews it.
//
// With a key that is finished may stand what its step answered, for the retry. That is mail content: it belongs to an event,
// or to none, and is gone when the event is DONE or forgotten, or the run that has it ended well, and always with the key.

/** A holder whose lease ran out so long ago, ms, does not come back: its keys need not be kept for it. */
export const COMES_BACK_MS = 86_400_000;

export interface KeyRequest {
  /** Distinct. */
  readonly keys: readonly string[];
  /** Who asks: names one run among all that ever were. */
  readonly holder: string;
  /** How long it is held unless renewed. */
  readonly leaseMs: number;
  /**
   * - `atOnce`: taking it finishes it;
   * - `onSuccess`: finished when its holder ends well; freed when it fails, or when nobody renews its lease;
   * - `anyway`: finished when its holder ends, however it does, or when nobody renews its lease.
   */
  readonly finish: 'atOnce' | 'onSuccess' | 'anyway';
  /** How long it stays finished, ms; null: for good. */
  readonly keepMs: number | null;
  /**
   * What of the keys was seen not to be renewed, for longer than who lives takes to renew: other leases that ran out are
   * not held against their holders. Undefined: every lease that ran out is.
   */
  readonly unrenewed?: readonly SeenKey[];
}

/** A held key, as it was seen. */
export interface SeenKey {
  readonly key: string;
  /** Until when it is held, ms since 1970, the database's clock. */
  readonly until: number;
}

/**
 * - `taken`: by this request, just now;
 * - `mine`: this holder took it before;
 * - `held`: another run holds it;
 * - `lapsed`: another run held it, and its lease has run out: it is free to who has seen that nobody renews it;
 * - `finished`: it was done before.
 */
export type KeyAnswer = 'taken' | 'mine' | 'held' | 'lapsed' | 'finished';

/** What a step answered, of one key that it was guarded by. */
export interface StepAnswer {
  readonly key: string;
  /** Whose mail it comes from; null: from none. Of an event that is not there, or has ended, nothing is kept. */
  readonly event: string | null;
  /** Packed: nothing here reads it. */
  readonly packed: Uint8Array;
}

export interface OnceKeys {
  /** Takes the keys that are free. One statement or two for them all. */
  takeKeys(request: KeyRequest): Promise<ReadonlyMap<string, KeyAnswer>>;

  /** Those of the keys that are held, under leases that have run out or not. */
  heldKeys(keys: readonly string[]): Promise<readonly SeenKey[]>;

  /** Held keys whose holders do not come back, if nobody renews them: those that `sweep` is to let go. */
  leftKeys(limit: number): Promise<readonly SeenKey[]>;

  /** Renews the leases of all keys that the holders hold. */
  renewKeys(holders: readonly string[], leaseMs: number): Promise<void>;

  /**
   * Finishes keys that the holder holds: what they stand for was done, whatever becomes of its run. What was answered is
   * stored in the same transaction: a key that the holder no longer holds gets none.
   */
  finishKeys(holder: string, keys: readonly string[], answers?: readonly StepAnswer[]): Promise<void>;

  /**
   * What stands with those of the keys that are finished, packed; by key, up to so many bytes, but one at least, so that who
   * asks for many has them bit by bit.
   */
  keyAnswers(keys: readonly string[], mostBytes: number): Promise<ReadonlyMap<string, Buffer>>;

  /**
   * The holder's run ended: finishes or frees all that it holds, as each was taken. After a success nobody needs its answers,
   * but those that the events they belong to still wait with.
   * @param given keys whose answers it was given: of those that belong to no event, the same holds
   */
  endKeys(holder: string, ended: 'success' | 'failure', given?: readonly string[]): Promise<void>;

  /** Gives back keys that the holder took and did not use, also those finished `atOnce`. */
  returnKeys(holder: string, keys: readonly string[]): Promise<void>;
}
