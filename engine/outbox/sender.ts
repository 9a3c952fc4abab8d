// What the outbox asks of whoever sends entries of a kind.
// Invariant: a sender decides what its own answer means; when, how often, and what happens in between is the outbox's.
import type { DueEntry } from '../ledger/outbox';

/** What became of one try, before the schedule. */
export type TryEnd =
  | { readonly end: 'sent'; readonly answer: string }
  /** Nothing arrived, and it may later. */
  | {
      readonly end: 'failed';
      readonly error: string;
      readonly answer?: string;
      /** `connection`: the receiver was not reached; `refused`: it said "not now". Each has its own delays. */
      readonly why: 'connection' | 'refused';
      /** What the receiver asked for (Retry-After), ms. */
      readonly afterMs?: number;
      /** It concerns all that goes there: nothing of the lane is begun before that, ms. */
      readonly laneRestsMs?: number;
    }
  /** It never will. */
  | { readonly end: 'refused'; readonly error: string; readonly answer?: string }
  /** It may have arrived. @property heard what the receiver said before; goes behind an answer, where it turns out that it has */
  | { readonly end: 'unknown'; readonly error: string; readonly heard?: string }
  /** It was not begun: what it takes is not here (a credential), or this process ends. */
  | {
      readonly end: 'returned';
      readonly error: string;
      readonly afterMs: number;
      /** What it takes is not here until a person has seen to it: after a day of that it has failed (tries.ts), which is told. */
      readonly isLacking?: true;
    };

/** Before it is seen again whether what a try takes is here by now, ms. */
export const LACKING_MS = 60_000;

/** Characters. */
export const MOST_HEARD = 900;

/**
 * Delays before the second try, the third and so on, ms; when none is left it has failed for good. Where failures of both kinds come,
 * see delay.ts.
 */
export interface TrySchedule {
  readonly connection: readonly number[];
  readonly refused: readonly number[];
}

export interface LaneLimits {
  readonly mostAtOnce: number;
  readonly mostAMinute: number | null;
}

export interface Trying {
  /**
   * To be called right before what cannot be taken back. @returns false: the entry is another's by now, and nothing may be
   * handed over (the try ends as `returned`)
   */
  handOver(): Promise<boolean>;
  /** The process ends, or the lease was lost: what has not been handed over is let go. */
  readonly signal: AbortSignal;
}

export type InDoubt = 'aside' | 'again' | 'againIfNotThere';

export interface Sender {
  readonly kind: string;
  limits(entry: Pick<DueEntry, 'request'>): LaneLimits;
  schedule(entry: Pick<DueEntry, 'request'>): TrySchedule;
  /** Never rejects for what a receiver does; what it rejects with is a fault of ours, and counts as `returned`. */
  send(entry: DueEntry, trying: Trying): Promise<TryEnd>;
  /**
   * Whether one in doubt arrived. Undefined: this kind cannot be looked for.
   * @returns null: nobody can say (yet); `cannot`: why it could not be looked for now, for people
   */
  look?(
    entry: DueEntry,
    signal: AbortSignal,
  ): Promise<'sent' | 'notSent' | { readonly cannot: string } | null>;
  /** False: this one cannot be looked for, as where its login has no Sent mailbox; nobody needs to wait for it. Undefined: each can. */
  canLook?(entry: Pick<DueEntry, 'request'>): boolean;
  /**
   * What is done with one in doubt that was not found: set aside for a person, or sent again as it was; `againIfNotThere`: only if it
   * could be looked for, and was not there.
   */
  inDoubt(entry: Pick<DueEntry, 'request'>): InDoubt;
  close?(): Promise<void>;
}
