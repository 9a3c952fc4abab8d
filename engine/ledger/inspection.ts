// The part of the ledger's port that serves people: look at events and sources, and act on events by hand.
import type { Annotation, AnnotationFilter } from './annotations';
import type { Backfill, ConnectionState, EventState, SourceState } from './states';

/** What no database could look for is refused (askable.ts). */
export interface EventFilter {
  readonly states?: readonly EventState[];
  readonly workflowId?: string;
  readonly sourceId?: number;
  /** A sender's address, in any case; or a part of it. */
  readonly sender?: string;
  /** A part of it, in any case. */
  readonly subject?: string;
  /** Whose runs failed so often, or more. */
  readonly leastFailures?: number;
  readonly annotation?: AnnotationFilter;
  /** Recorded at or after, and before; ms since 1970. */
  readonly since?: number;
  readonly until?: number;
}

/** Events by their ids, those in other states than `states` left out; or all that a filter lets through. */
export type Selection =
  | { readonly ids: readonly string[]; readonly states?: readonly EventState[] }
  | { readonly filter: EventFilter };

/** One event, as people see it. Times in ms since 1970. */
export interface EventRecord {
  readonly id: string;
  readonly state: EventState;
  readonly attempt: number;
  readonly failures: number;
  readonly workflowId: string;
  readonly nodeId: string;
  /** As it was named when it was published; null: a version before this did not note it. */
  readonly nodeName: string | null;
  readonly sourceId: number;
  /** A trigger listens that runs it. */
  readonly served: boolean;
  readonly executionId: string | null;
  readonly lastError: string | null;
  readonly idempotencyKey: string;
  readonly recordedAt: number;
  /** When the run that had it last claimed it; null: none has, or a version before this did not note it. */
  readonly beganAt: number | null;
  /** When it is due again; null where it is not waiting. */
  readonly dueAt: number | null;
  readonly settledAt: number | null;
  readonly account: string;
  readonly mailbox: string;
  readonly uid: number | null;
  readonly messageId: string | null;
  readonly sender: string | null;
  readonly subject: string | null;
  readonly receivedAt: number | null;
  /** Octets. */
  readonly size: number;
  /** Whether the mail's content is in the ledger. */
  readonly hasContent: boolean;
  /** By name. */
  readonly annotations: readonly Annotation[];
}

export interface EventPage {
  /** The newest first. */
  readonly events: readonly EventRecord[];
  /**
   * Hand it in as `after` for the next page; null: this is the last. A filter that finds few among many is looked for for a
   * moment only: a page that is not full, even an empty one, may have a next one.
   */
  readonly next: number | null;
}

/** How a source is doing. Times in ms since 1970. */
export interface SourceHealth {
  readonly id: number;
  readonly kind: string;
  readonly account: string;
  readonly mailbox: string;
  readonly state: SourceState;
  readonly connection: ConnectionState;
  /** Since when it is read, or cannot be read; null: it was neither yet, or is not watched. */
  readonly since: number | null;
  /** Since when it cannot be read; null: it can be, or was not tried. */
  readonly failingSince: number | null;
  /** When it is tried again; null: nothing has failed. */
  readonly nextTryAt: number | null;
  /** The process that reads it; null: none does. */
  readonly holder: string | null;
  /**
   * Since when no process reads it, though a trigger listens: since the last one gave it back, or died, or since somebody
   * listens at all; null: one does, or nobody listens.
   */
  readonly unreadSince: number | null;
  /** When the newest of its mails came that was recorded; null: none was. */
  readonly lastMailAt: number | null;
  readonly lastSuccessAt: number | null;
  readonly lastErrorAt: number | null;
  readonly lastError: string | null;
  /** How far older mail was read; null: there is none to read. */
  readonly backfill: Backfill | null;
  /**
   * How many mails the last recovery found that the source did not announce by itself any more, and when; null: there
   * was none.
   */
  readonly recovered: number | null;
  readonly recoveredAt: number | null;
  /** Until when the source's server sends notifications; null: it does not. */
  readonly notifiedUntil: number | null;
  /** What waits to be done with mails on the server, and the newest error of these. */
  readonly actionsWaiting: number;
  readonly actionError: string | null;
  /** The workflows that listen to it, or did. */
  readonly workflowIds: readonly string[];
  /** A trigger listens to it. */
  readonly served: boolean;
}

/** What people are shown of an event's mail; null: it was forgotten, or the mail has none. */
export interface EventMail {
  readonly event: string;
  readonly sender: string | null;
  readonly subject: string | null;
}

/** What an action by hand changed. */
export interface Changed {
  readonly count: number;
  /** How many of them belong to a trigger that does not listen. */
  readonly unserved: number;
  /** Their subscriptions, to be woken. */
  readonly subscriptionIds: readonly number[];
}

export interface Looks {
  events(filter: EventFilter, page: { readonly after?: number; readonly limit: number }): Promise<EventPage>;

  event(id: string): Promise<EventRecord | null>;

  /** Those of these events that are there, with what people are shown of their mail. One query for all. */
  mailsOf(events: readonly string[]): Promise<EventMail[]>;

  /** How many events are in each state; a state without events is 0. */
  statistics(filter: Pick<EventFilter, 'workflowId'>): Promise<Readonly<Record<EventState, number>>>;

  /** How many events wait (PENDING, RETRY) for a trigger that does not listen. */
  unserved(filter: Pick<EventFilter, 'workflowId'>): Promise<number>;

  /** By kind, account and mailbox. */
  sources(): Promise<SourceHealth[]>;
}

export interface Counts {
  /** How many events a filter lets through, counted up to `most`. */
  count(filter: EventFilter, most: number): Promise<number>;
}

/**
 * What is done is noted with each event that it changed, and told with who did it. `by`: who, as the one who asks names them
 * (life.ts); left out: nobody says.
 */
export interface Acts {
  /**
   * Makes settled events (DONE, DEAD, GONE, UNKNOWN) PENDING again, with all their tries. `attempt` goes on.
   * A mail whose content is not stored any more is read again from its server. What was to be done with the mail there,
   * and was not begun, is not done; its new end decides.
   */
  replay(selection: Selection, by?: string): Promise<Changed>;

  /** Makes events in RETRY due at once. */
  retryNow(selection: Selection, by?: string): Promise<Changed>;

  /** Makes events that nobody is running (PENDING, RETRY, DEAD, GONE, UNKNOWN) DONE, without a run. */
  markDone(selection: Selection, by?: string): Promise<Changed>;

  /**
   * Deletes content, sender and subject of mails whose selected events and all others are settled. One that has none of these
   * any more is not changed.
   */
  forget(selection: Selection, by?: string): Promise<Changed>;
}

export type Inspection = Looks & Acts;
