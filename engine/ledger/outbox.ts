// The part of the ledger's port that keeps the outbox: what is to go out (a mail, a webhook), and the log of what did.
// Invariants:
// - one entry for one key, as long as the entry is kept: who asks again is told what became of it;
// - only `takeEntries` makes SENDING, and only who took an entry, by its fence, says what became of it;
// - before what cannot be taken back is handed over, who sends says so (`handOver`). One whose lease ran out is QUEUED again
//   where that was not said, since nothing can have arrived; else it is UNKNOWN, unless its receiver knows it again (`repeats`);
// - what is UNKNOWN is never sent again by itself: only where it was looked for and is not there, where whoever asked for it has
//   chosen so, or by a person's word;
// - that one may have arrived is known until it was looked for and is not there, or came back, whatever became of the tries after it;
// - no password and no token is in a row; what it says is gone with `forgetEntries`, and with the entry;
// - states change with a row of `change` (`outbox.*`), in the same transaction, whoever writes.
import type { Endpoint } from './endpoint';

/**
 * - QUEUED: it waits, perhaps for its next try (`dueAt`);
 * - SENDING: somebody has it, under a lease;
 * - SENT: the receiver has taken it;
 * - FAILED: its tries are used up, or the receiver has refused it for good;
 * - UNKNOWN: nobody knows whether the receiver has it;
 * - BOUNCED: it was taken, and came back;
 * - CANCELLED: a person did not want it any more.
 */
export type EntryState = 'QUEUED' | 'SENDING' | 'SENT' | 'FAILED' | 'UNKNOWN' | 'BOUNCED' | 'CANCELLED';

export const ENTRY_STATES: readonly EntryState[] = [
  'QUEUED',
  'SENDING',
  'SENT',
  'FAILED',
  'UNKNOWN',
  'BOUNCED',
  'CANCELLED',
];

/** Who asked for it. */
export interface EntryOrigin {
  readonly workflowId: string | null;
  readonly nodeId: string | null;
  readonly nodeName: string | null;
  /** The mail that it answers. */
  readonly event: string | null;
}

export interface NewEntry {
  /** A digest of what the user named; nothing of a mail is in it. */
  readonly key: string;
  /** `mail`, `webhook`: only who sends it knows the kinds. */
  readonly kind: string;
  /** What is sent side by side with others' but not before its own: `smtp:…` a login, `host:…` a receiver. */
  readonly lane: string;
  /** What its sender needs beside the content, JSON. No secret: a credential by its id. */
  readonly request: Readonly<Record<string, unknown>>;
  /** Packed: nothing here reads it. */
  readonly content: Uint8Array;
  /** For people, and for the search: addresses, or a URL without what is secret in it. */
  readonly recipient: string;
  readonly subject: string | null;
  /** With angle brackets, of a mail: a bounce finds it by this. */
  readonly messageId: string | null;
  /** Its receiver knows it again: sent twice, it counts once. So one that was cut off is sent again. */
  readonly repeats: boolean;
  readonly origin: EntryOrigin;
  /** How long it stays in the log once it is settled, ms. */
  readonly keepMs: number;
}

/** Of the log. Times are ms since 1970, the database's clock. */
export interface Entry {
  /** As an event's id: the newest is the greatest. */
  readonly id: string;
  readonly key: string;
  readonly kind: string;
  readonly lane: string;
  readonly state: EntryState;
  readonly request: Readonly<Record<string, unknown>>;
  /** Null: forgotten. */
  readonly recipient: string | null;
  readonly subject: string | null;
  readonly messageId: string | null;
  readonly origin: EntryOrigin;
  /** How often it was begun, since it was queued last. */
  readonly tries: number;
  /**
   * When it is tried next; of one that is UNKNOWN, when it is looked for next, also while somebody looks. Null: by itself never, or
   * somebody has it (SENDING).
   */
  readonly dueAt: number | null;
  readonly queuedAt: number;
  /** Its last try. */
  readonly begunAt: number | null;
  readonly settledAt: number | null;
  /** What the last try failed with; of BOUNCED, why. */
  readonly lastError: string | null;
  /** What the receiver said last, up to a kilobyte. */
  readonly lastAnswer: string | null;
  /** Its content is there: it can be sent (again). */
  readonly hasContent: boolean;
  /** Of one that is not SENT: a try may have arrived, and nobody has found out. Never of one whose receiver knows it again. */
  readonly mayHaveArrived: boolean;
  /** It is QUEUED, and nothing of its lane is begun before that: its receiver has asked for a rest. Null: its lane does not rest. */
  readonly restsUntil: number | null;
}

/** One that was taken. */
export interface EntryRef {
  readonly id: string;
  /** Grows each time it is taken. */
  readonly fence: number;
}

export interface DueEntry extends EntryRef {
  readonly key: string;
  readonly kind: string;
  readonly lane: string;
  /** UNKNOWN: it is to be looked for, not to be sent. */
  readonly state: 'SENDING' | 'UNKNOWN';
  readonly request: Readonly<Record<string, unknown>>;
  readonly content: Buffer;
  readonly recipient: string | null;
  readonly subject: string | null;
  readonly messageId: string | null;
  readonly origin: EntryOrigin;
  /** This try, from 1; how often it was looked for, of one that is UNKNOWN. */
  readonly tries: number;
  /** How many of the tries before it the receiver has refused for now. */
  readonly refusals: number;
  /** An earlier try may have arrived: this one may fail, and the entry has not failed. Never of one whose receiver knows it again. */
  readonly mayHaveArrived: boolean;
  /** ms since it was queued, the database's clock. */
  readonly ageMs: number;
  /** That it tells, as it stood when this was taken; null: it is there no more. Left out: it tells none. */
  readonly endpoint?: Endpoint | null;
}

export interface TakeEntries {
  /** Of this lane; or these, whatever their lanes: by whoever has just queued them. */
  readonly of: { readonly lane: string } | { readonly ids: readonly string[] };
  readonly limit: number;
  readonly leaseMs: number;
  /** No more of a lane are SENDING at once, in all processes. */
  readonly mostAtOnce: number;
  /** No more of a lane are begun within a minute, in all processes. Null: as many as there are. */
  readonly mostAMinute: number | null;
  /**
   * Their contents together have no more bytes than this, but for the first one: what is taken lies in memory. Left out: as
   * many as they have.
   */
  readonly mostBytes?: number;
}

/** What became of one that was taken. Errors and answers are cut (MOST_ENTRY_TEXT). */
export type EntryOutcome =
  | { readonly became: 'SENT'; readonly answer: string }
  /** It is tried again; a person may hurry it. */
  | {
      readonly became: 'QUEUED';
      readonly error: string;
      readonly answer?: string;
      readonly delayMs: number;
      /** It was not its fault (no credential here, this process ends): no try is counted. */
      readonly isReturned?: boolean;
      /** The receiver was reached, and said "not now": counted, since it has delays of its own. */
      readonly isRefusal?: boolean;
      /** True: this try may have; false: no try has. Left out: as it was before. */
      readonly mayHaveArrived?: boolean;
    }
  | { readonly became: 'FAILED'; readonly error: string; readonly answer?: string }
  /** @param lookAfterMs it is looked for then; null: a person decides */
  | {
      readonly became: 'UNKNOWN';
      readonly error: string;
      readonly answer?: string;
      readonly lookAfterMs: number | null;
    };

export interface SettledEntry extends EntryRef {
  readonly outcome: EntryOutcome;
}

/** A lane that has something to do now. */
export interface DueLane {
  readonly lane: string;
  readonly kind: string;
}

export interface EntryFilter {
  readonly states?: readonly EntryState[];
  readonly kind?: string;
  readonly lane?: string;
  readonly workflowId?: string;
  readonly event?: string;
  /** A part of it, in whatever case. */
  readonly recipient?: string;
  readonly subject?: string;
  readonly messageId?: string;
  /** Queued at or after, and before. */
  readonly from?: number;
  readonly until?: number;
}

interface EntryPage {
  /** The newest first. */
  readonly entries: readonly Entry[];
  /** To go on after. Null: that is all. */
  readonly next: number | null;
}

/** As queues are counted elsewhere: `delayed` wait for a time, `waiting` for whoever sends. */
export interface EntryCounts {
  readonly waiting: number;
  readonly delayed: number;
  readonly active: number;
  readonly completed: number;
  readonly failed: number;
  readonly unknown: number;
  readonly bounced: number;
  readonly cancelled: number;
}

/** What a person may do with entries: those that it does not fit are left as they are. */
export type EntryAct =
  /** QUEUED: now. FAILED, UNKNOWN, CANCELLED, BOUNCED, where the content is there: from its first try on. No lane of theirs rests. */
  | 'retry'
  /** QUEUED, UNKNOWN, FAILED: CANCELLED. */
  | 'cancel'
  /** UNKNOWN: SENT. */
  | 'markSent'
  /** What is not QUEUED or SENDING: what it says, and to whom. */
  | 'forget';

/** A mail of ours that came back. */
export interface NotedBounce {
  /** With its angle brackets. */
  readonly messageId: string;
  /** For people; cut (MOST_ENTRY_TEXT). */
  readonly reason: string;
  /** When who says so wrote it, ms since 1970, by their clock. Null: they do not say. */
  readonly at?: number | null;
}

export interface Outbox {
  /** Stores those whose keys are new; each is answered as it stands now, in the order asked. */
  enqueue(entries: readonly NewEntry[]): Promise<readonly Entry[]>;

  /** Lanes that have something due, or whose leases ran out, and none that rests; those first that have waited longest. */
  dueLanes(limit: number): Promise<readonly DueLane[]>;

  /** When a lane has something to do next, ms from now; null: nothing waits for a time. At most an hour. */
  nextDue(): Promise<number | null>;

  /** Of the lane, the one that is due first, for what it says of its lane; null: nothing waits there. */
  firstOf(lane: string): Promise<Pick<Entry, 'lane' | 'kind' | 'request'> | null>;

  /** Takes what is due, the oldest first. What is handed out is nobody else's until its lease runs out. */
  takeEntries(request: TakeEntries): Promise<readonly DueEntry[]>;

  /** @returns those that are still theirs */
  renewEntries(refs: readonly EntryRef[], leaseMs: number): Promise<readonly EntryRef[]>;

  /** Now it may arrive. @returns whether it is still theirs: else nothing may be handed over */
  handOver(ref: EntryRef): Promise<boolean>;

  /** @returns those that were still theirs; of the others nothing changed */
  settleEntries(settled: readonly SettledEntry[]): Promise<readonly EntryRef[]>;

  /**
   * The receiver has taken one after its lease was lost: it is SENT, if it is in doubt or waits again, and nobody has begun it since.
   * @returns whether it is
   */
  noteArrived(ref: EntryRef, answer: string): Promise<boolean>;

  /** Nothing of the lane is begun before that, or before a person's `retry`; the later of two counts. @param delayMs at most a day */
  restLane(lane: string, delayMs: number): Promise<void>;

  /** Of those ids, or keys, that are there; in no order. */
  entriesOf(
    names: { readonly ids: readonly string[] } | { readonly keys: readonly string[] },
  ): Promise<readonly Entry[]>;

  entries(
    filter: EntryFilter,
    page: { readonly after?: number | null; readonly limit: number },
  ): Promise<EntryPage>;

  countEntries(): Promise<EntryCounts>;

  /** How many a filter finds. @param most more than these are not counted */
  entriesFound(filter: EntryFilter, most: number): Promise<number>;

  /** When the one of those that are QUEUED was queued that was queued first; null: none is. */
  oldestQueuedAt(): Promise<number | null>;

  /**
   * @param states those in others are left as they are, whatever they were when they were chosen. Left out: all that it fits
   * @returns which were changed
   */
  actOnEntries(
    ids: readonly string[],
    act: EntryAct,
    by: string,
    states?: readonly EntryState[],
  ): Promise<readonly string[]>;

  /**
   * They came back: what is SENT, UNKNOWN or handed over of such a Message-ID is BOUNCED, for the reasons that are given. What has
   * just been handed over may come back before its sender has heard that it was taken. What is BOUNCED already is told once more
   * (`outbox.updated`) for a reason that it does not have yet: each of several receivers may send a report of their own. A report of
   * a time before the last sending began is none of it. @returns those that changed
   */
  noteBounces(bounces: readonly NotedBounce[]): Promise<readonly string[]>;
}

/** A lapsed entry is found by `dueLanes` and `takeEntries`: nobody else sees to it. */
export const ENTRY_LEASE_MS = 60_000;
/** No try, and no look for what is in doubt, is put off for longer, ms: the clock was set back, else. */
export const MOST_ENTRY_DELAY_MS = 14 * 86_400_000;
/** Errors and answers, in characters: a kilobyte, and the status before it. */
export const MOST_ENTRY_TEXT = 1_100;
