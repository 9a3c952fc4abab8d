// The part of the ledger's port that keeps what is still to be done with mails on their server, after their run
// succeeded or their tries were used up: a queue, written with the end of the run, worked off by the source's holder.
// Invariants: an action is there only if its event ended so, and once for that end; it stays until it was done, however
// long that takes. It goes if its event is replayed before it was begun. What the server has refused becomes what the
// settings say when they are changed (`subscribe`), and goes if they say nothing.
import type { MailTraits } from './mail-traits';
import type { SourceHold } from './source-holds';

/** What is to be done, as its trigger's settings say it: JSON. Only whoever does it reads more than it writes. */
export interface MailAction {
  readonly kind: string;
  readonly [more: string]: unknown;
}

/** What was refused so often holds up nothing else that is to be done with its mail: some are refused for good. */
export const HELD_UP_TRIES = 5;

/** No action waits longer after it was refused, ms. */
export const MOST_POSTPONED_MS = 3_600_000;

/** Something to be done now, with what is known of its mail. */
export interface DueAction<Action extends MailAction = MailAction> extends MailTraits {
  readonly id: number;
  readonly subscriptionId: number;
  readonly action: Action;
  /** How often it was begun before: then it may have been done already, and only not been noted. */
  readonly begun: number;
  readonly event: string;
  readonly messageId: string | null;
}

export interface MailActions {
  /**
   * Hands out actions that are due in the source, the oldest first, and notes that they are begun: they are not
   * handed out again before `leaseMs` are over. A mail is not moved or deleted while another workflow still needs
   * it from the server: its content is not in the ledger, and it has an event that has not settled. Nor is it before
   * all else that waits to be done with it is done, or was refused `HELD_UP_TRIES` times.
   * One that waits for a time further ahead than an action can is due: the clock was set back.
   * @returns none, if the source is held by another process
   */
  takeActions(hold: SourceHold, limit: number, leaseMs: number): Promise<DueAction[]>;

  /** They are done. */
  finishActions(ids: readonly number[]): Promise<void>;

  /** They could not be done; they are due again after `delayMs`. */
  postponeActions(ids: readonly number[], error: string, delayMs: number): Promise<void>;
}
