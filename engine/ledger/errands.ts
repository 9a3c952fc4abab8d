// The part of the ledger's port that keeps errands: what is still to be done outside, a queue of many lanes. A lane is
// what is done in order and by one worker; here, a source's, whose holder does with its mails what is to be done after
// their run succeeded or their tries were used up.
// Invariants: an errand is written in the transaction that asks for it, once for that end of its event, and stays until it
// was done, however long that takes. It goes if its event is replayed before it was begun. What was refused becomes what
// the settings say when they are changed (`subscribe`), and goes if they say nothing.
import type { MailTraits } from './mail-traits';
import type { SourceHold } from './source-holds';

/** What is to be done: JSON. Only the lane's worker knows the kinds, and reads more than what stands here. */
export interface Errand {
  readonly kind: string;
  /** It takes its mail away from where others look for it: it comes last. */
  readonly takesAway?: boolean;
  readonly [more: string]: unknown;
}

/** The lane of a source. */
export const laneOf = (sourceId: number): string => `source:${sourceId}`;

/** What was refused so often holds up nothing else that is to be done with its mail: some are refused for good. */
export const HELD_UP_TRIES = 5;

/** No errand waits longer after it was refused, ms. */
export const MOST_POSTPONED_MS = 3_600_000;

/** So long it can be seen what was done, ms. It refers to nothing any more then, and keeps nothing. */
export const KEEP_ENDED_MS = 3_600_000;

/** Something to be done now, with what is known of its mail. */
export interface DueErrand<Action extends Errand = Errand> extends MailTraits {
  readonly id: number;
  readonly subscriptionId: number;
  readonly action: Action;
  /** How often it was begun before: then it may have been done already, and only not been noted. */
  readonly tries: number;
  readonly event: string;
  readonly messageId: string | null;
}

export interface Errands {
  /**
   * Hands out errands that are due in the source's lane, the oldest first, and notes that they are begun: they are not
   * handed out again before `leaseMs` are over. No mail is taken away while another workflow still needs it from the
   * server: its content is not in the ledger, and it has an event that has not settled. Nor is it before all else that
   * waits to be done with it is done, or was refused `HELD_UP_TRIES` times.
   * One that waits for a time further ahead than an errand can is due: the clock was set back.
   * @returns none, if the source is held by another process
   */
  takeErrands(hold: SourceHold, limit: number, leaseMs: number): Promise<DueErrand[]>;

  /** They are done. */
  finishErrands(ids: readonly number[]): Promise<void>;

  /** They could not be done; they are due again after `delayMs`. */
  postponeErrands(ids: readonly number[], error: string, delayMs: number): Promise<void>;
}
