// The part of the ledger's port that takes mails in.
// Invariants: messages, their content, events and the cursor past them commit in one transaction; one event for one mail
// and one subscription, by identity and by soft identity, also after retention.
import type { NewContent, PackedContent } from './content';
import type { NotedBounce } from './outbox';
import type { SourceHold } from './source-holds';
import type { Cursor } from './subscriptions';

export interface NewMessage {
  readonly identity: string;
  readonly softIdentity: string | null;
  /** The identity is the account's own: in another mailbox it is the same mail, and a node runs it once. */
  readonly accountWide: boolean;
  /** Of a mail without Message-ID: a digest of its header. Others may have the same; see `Candidate.seemsLike`. */
  readonly weakIdentity: string | null;
  /** The Message-ID field, for people to search by. */
  readonly messageId: string | null;
  /** The sender's address, lower case, and the subject, decoded: for people to search by. */
  readonly sender: string | null;
  readonly subject: string | null;
  readonly uid: number | null;
  readonly uidValidity: string | null;
  /** When the server received it, ms since 1970. */
  readonly receivedAt: number | null;
  /** Octets on the server. */
  readonly size: number;
  /**
   * The raw message; null: too large to be stored, it is read again from the server when it runs. One in several pieces is the
   * ledger's from here on: they are empty once it has them.
   */
  readonly content: NewContent | null;
  /** It says that a mail came back, perhaps one of ours: whoever records it notes that before (Outbox.noteBounces). */
  readonly bounce?: NotedBounce | null;
  /** The subscriptions it is due to. */
  readonly due: readonly number[];
  /** It was deleted before it could be read: its events are GONE from the first. */
  readonly gone?: boolean;
}

/** As it is stored. */
export type PackedMessage = Omit<NewMessage, 'content'> & { readonly content: PackedContent | null };

export interface Candidate {
  readonly identity: string;
  readonly softIdentity: string | null;
  readonly accountWide: boolean;
  /** A weak identity: a mail recorded under it counts as this one. Only of a mailbox that was renumbered. */
  readonly seemsLike?: string | null;
  readonly due: readonly number[];
}

export interface RecordBatch {
  readonly hold: SourceHold;
  readonly messages: readonly NewMessage[];
  readonly cursors: readonly { readonly subscriptionId: number; readonly cursor: Cursor }[];
}

export interface Recording {
  /**
   * Which of the candidates are not recorded yet: the same candidates in the same order, each with only
   * those subscriptions that have and had no event for it. One query for the whole batch.
   */
  unrecorded<T extends Candidate>(candidates: readonly T[]): Promise<T[]>;

  /**
   * Records messages, makes an event for each subscription they are due to, and moves cursors, in one
   * transaction. What is recorded already is left as it is.
   * @returns the subscriptions that have new events to be run
   * @throws LedgerFault `taken`, with nothing recorded, if another process holds the source by now
   */
  record(batch: RecordBatch): Promise<readonly number[]>;
}
