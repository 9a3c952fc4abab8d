// The ledger's port: what the product may ask of its truth, in the domain's words. One adapter for each
// database; test/ledger/contract holds them to this text.
//
// Invariants (docs/architecture.md has all of them):
// - messages, their content, events and the cursor past them commit in one transaction (`record`);
// - one event for one mail and one subscription, by identity and by soft identity, also after retention;
// - only the holder of a source's lease, by its fence, records for it;
// - only `offer` makes QUEUED, only `claim` makes RUNNING, only the holder of (event, attempt) leaves RUNNING;
// - `record`, `offer`, `claim`, `holdSource`, `takeEnded`, `takeKeys` and `sweep` do nothing for an n8n that does not
//   own the ledger (ownership.ts);
// - all times are the database's; every call that takes several things is a few statements, never one for each.
// Every method rejects with a LedgerFault (fault.ts) when the database cannot do its part.
import type { Inspection } from './inspection';
import type { MailAction, MailActions } from './mail-actions';
import type { OnceKeys, SeenKey } from './once-keys';
import type { Claim, Pointer } from './pointer';
import type { RunEnds } from './run-ends';
import type { Serving, TriggerNode } from './serving';
import type { LedgerOwnership } from './ownership';
import type { SourceHold, SourceHolds } from './source-holds';
import type { SourceNotes } from './source-notes';
import type { Backfill, ConnectionState, EventState, SourceState } from './states';

export type { Claim, Pointer } from './pointer';

/**
 * What is watched: a mailbox of an account. `account` names the login, without secrets; `kind` says who watches it: it
 * is a part of the name, and nothing here asks what it is.
 */
export interface SourceKey {
  readonly kind: string;
  readonly account: string;
  readonly mailbox: string;
}

/** Where a subscription stands in its source. Only the collector that wrote it can read it. */
export type Cursor = Readonly<Record<string, string | number>>;

/**
 * - `atLeastOnce`: a run that failed, or whose end nobody knows, is run again;
 * - `atMostOnce`: a mail whose run has begun is never run again by itself: DEAD if it failed, UNKNOWN if
 *   nobody knows.
 */
export type Guarantee = 'atLeastOnce' | 'atMostOnce';

/** What a trigger's settings say about its events. A change holds for events that are there already, too. */
export interface SubscriptionSettings {
  /**
   * Waits before the second, third, … try, in ms; up to a tenth is added at random. A run that fails after the
   * last one makes its event DEAD.
   */
  readonly retryDelaysMs: readonly number[];
  readonly guarantee: Guarantee;
  /** How long a mail's content is kept after its last event is DONE, ms; 0: not at all. */
  readonly keepContentMs: number;
  /** How long settled events are kept, ms. What identifies their mails is kept for good. */
  readonly retentionMs: number;
  /** What is done with a mail on its server when its run has succeeded; null: nothing. */
  readonly afterSuccess: MailAction | null;
  /** What is done with it when its tries are used up (DEAD); null: nothing. */
  readonly whenDead: MailAction | null;
}

export interface NewSubscription extends SubscriptionSettings, TriggerNode {
  readonly source: SourceKey;
}

export interface Subscription {
  readonly id: number;
  readonly sourceId: number;
  readonly cursor: Cursor | null;
  /** When it was first made, ms since 1970, the database's clock. */
  readonly createdAt: number;
  /**
   * It, those of the same node on other sources, and what it took over from triggers that are gone: a trigger that was
   * moved to another mailbox finishes what it took from the old one, also when that is replayed.
   */
  readonly nodeIds: readonly number[];
}

export interface NodeSubscription {
  readonly id: number;
  readonly sourceId: number;
  readonly source: SourceKey;
  /** Its place in the source is known. */
  readonly placed: boolean;
  /** When the source was last read to its end, ms since 1970; null: never. */
  readonly lastSuccessAt: number | null;
}

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
  /** The raw message, gzip; null: too large to be stored, it is read again from the server when it runs. */
  readonly content: Buffer | null;
  /** The subscriptions it is due to. */
  readonly due: readonly number[];
  /** It was deleted before it could be read: its events are GONE from the first. */
  readonly gone?: boolean;
}

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

/** The lease of a run, as it was seen. */
export interface SeenLease {
  /** The offered run's id. */
  readonly run: string;
  /** Until when it holds, ms since 1970, the database's clock. */
  readonly until: number;
}

export interface RunningLease extends SeenLease {
  /** Below 0: it has run out. */
  readonly lapsesInMs: number;
}

export interface OfferRequest {
  readonly subscriptionIds: readonly number[];
  /** The most runs of these subscriptions at once. Counted are those QUEUED or RUNNING under a lease. */
  readonly mostRuns: number;
  /** The most of them that this offer begins; what is due beyond it is due at once (`nextInMs`). Default: all. */
  readonly mostNew?: number;
  /** The most mails in one run. A mail whose run failed before runs alone, so that it spoils no other's. */
  readonly mailsPerRun: number;
  /** While few mails are due each runs alone; the more there are, the more of them go together. Default: false. */
  readonly fewAlone?: boolean;
  /**
   * How long n8n has to start the run before its events are offered again, unless renewed. No lease of an event is
   * longer by more than a minute: one that lies further ahead is from before the clock was set back, and has run out.
   */
  readonly leaseMs: number;
  /**
   * Leases that were seen not to be renewed: only runs that still have these are settled where they ran out.
   * Default: all whose lease ran out. The clock may have jumped, and who lives is to renew before it counts.
   */
  readonly unrenewed?: readonly SeenLease[];
}

/** Pointers that n8n is to run together. */
export interface OfferedRun {
  /** Unique among all runs ever offered. */
  readonly id: string;
  readonly pointers: readonly Pointer[];
}

export interface Offer {
  readonly runs: readonly OfferedRun[];
  /** RUNNING events found whose lease had run out, because their process died or stalled. */
  readonly lapsed: number;
  /** When something may next be due or lapse, in ms from now; null: nothing is waiting. */
  readonly nextInMs: number | null;
  /** What is RUNNING now, for who asks with `unrenewed`; its leases are not in `nextInMs` then. */
  readonly running?: readonly RunningLease[];
}

/** `gone`: the mail is neither in the ledger nor on its server any more. */
export type Outcome =
  | { readonly kind: 'success' }
  | { readonly kind: 'failure'; readonly error: string }
  | { readonly kind: 'gone' };

export interface Settled extends Pointer {
  readonly state: EventState;
}

/** An event that ended without success. */
export interface Ended {
  readonly event: string;
  readonly state: 'DEAD' | 'UNKNOWN';
  readonly failures: number;
  readonly executionId: string | null;
  readonly account: string;
  readonly mailbox: string;
  readonly uid: number | null;
  /** What its last run failed with, the step first; null: it did not say. */
  readonly lastError: string | null;
  readonly sender: string | null;
  readonly subject: string | null;
}

export interface SourceReport {
  readonly state: SourceState;
  readonly connection: ConnectionState;
  /** A fault just seen, without secrets; undefined: none. */
  readonly error?: string;
  /** The source was just read to its end. */
  readonly synced?: boolean;
  /** How far older mail was read; null: there is none to read; undefined: as it was. */
  readonly backfill?: Backfill | null;
  /** How many mails a recovery has just found that the source no longer announces by itself; undefined: as it was. */
  readonly recovered?: number;
  /** Until when the source's server sends notifications, ms since 1970; null: it does not; undefined: as it was. */
  readonly notifiedUntil?: number | null;
}

export interface Ledger
  extends OnceKeys, Inspection, Serving, SourceHolds, SourceNotes, MailActions, RunEnds, LedgerOwnership {
  /** Where it is, for people, without secrets: its file, or its database and schema. */
  readonly place: string;

  /**
   * Makes the subscription and its source, or finds them again and takes over the new settings. It is served from now on.
   * What triggers of the workflow left on this source that are gone is its own then: where it has none there yet, it goes
   * on where the one that was served last stopped. What else was left it serves, too, unless the workflow has a new
   * trigger that may have come for it; of mails that it had itself, those that wait there are DONE without a run.
   */
  subscribe(subscription: NewSubscription): Promise<Subscription>;

  /** The subscriptions that a trigger has, or had. */
  subscriptionsOf(workflowId: string, nodeId: string): Promise<NodeSubscription[]>;

  /**
   * What triggers of the workflow left that are gone, on any source, as far as this one may take it over: it does so
   * when it subscribes to that source. What was left under the name of another that is there is that one's.
   */
  heritage(trigger: TriggerNode): Promise<NodeSubscription[]>;

  /** Where the subscriptions stand now. */
  cursors(subscriptionIds: readonly number[]): Promise<ReadonlyMap<number, Cursor | null>>;

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

  /** How many events of the subscriptions wait to be offered (PENDING, RETRY), counted up to `most`. */
  waiting(subscriptionIds: readonly number[], most: number): Promise<number>;

  /**
   * Settles runs whose lease ran out, then makes due events QUEUED under a new attempt, the oldest first. Due is also
   * what waits for a time further ahead than its longest wait: the clock was set back.
   */
  offer(request: OfferRequest): Promise<Offer>;

  /**
   * Wins pointers for a run: those of them that were not claimed, settled or offered again since, in their
   * order. Late is fine: a lease that ran out still counts while nobody has offered the event again.
   * @param endIsTold whether this process will hear how the run ends; else whoever emitted it settles it
   */
  claim(
    pointers: readonly Pointer[],
    executionId: string,
    leaseMs: number,
    endIsTold?: boolean,
  ): Promise<Claim[]>;

  /** The raw messages (gzip) of events, by event id; one that is not stored is missing. */
  contents(events: readonly string[]): Promise<ReadonlyMap<string, Buffer>>;

  /** Renews the leases of pointers still in that state. @returns those that are */
  renew(pointers: readonly Pointer[], state: 'QUEUED' | 'RUNNING', leaseMs: number): Promise<Pointer[]>;

  /**
   * Ends a run: DONE, GONE, RETRY, or DEAD when the retries are used up or there are none (`atMostOnce`).
   * @returns those that changed; a pointer that no longer held its event is missing
   */
  settle(pointers: readonly Pointer[], outcome: Outcome): Promise<Settled[]>;

  /** DEAD and UNKNOWN events that nobody was told of, the oldest first. Each is handed out once. */
  takeEnded(subscriptionIds: readonly number[], limit: number): Promise<Ended[]>;

  /**
   * Deletes one batch of what need not be kept: content past its time, settled events past their
   * subscription's retention, expired keys. What identifies a mail stays, so that it never runs again. And subscriptions
   * that nobody has served for their retention, and for KEEP_UNSERVED_MS: they go with all that is theirs, and then
   * sources that nobody has.
   * @param unrenewed of `leftKeys`, those that were seen not to be renewed: no other key that is held goes. Undefined:
   *   every one that `leftKeys` tells of
   * @returns whether there may be more
   */
  sweep(limit: number, unrenewed?: readonly SeenKey[]): Promise<boolean>;

  /** Stores how a source is doing, for people; nothing, if another process holds it by now. */
  reportSource(hold: SourceHold, report: SourceReport): Promise<void>;

  close(): Promise<void>;
}
