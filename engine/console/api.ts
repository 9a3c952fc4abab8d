// What the console's addresses answer and are asked, as JSON; docs/console.md has an example of each. Types only: the page
// shares them.
// Invariants: times are ISO 8601 in UTC; whatever fails answers `Refused` with 400, 401, 403, 404, 405, 409, 413, 415, 429 or
// 503; text of mails, servers and models is data, to be shown as text only. A field may be added, and none changes its meaning.
import type { ActionRecord, Deed, Try } from '../ledger/life';
import type { Annotation } from '../ledger/annotations';
import type { EventRecord, SourceHealth } from '../ledger/inspection';
import type { SeriesPoint } from '../ledger/series';
import type { Backfill, EventState } from '../ledger/states';
import type { TriggerHealth } from '../ledger/trigger-health';

/** *read* sees everything; *operate* acts, too. */
export type Right = 'read' | 'operate';

/** The same, with ISO 8601 in place of ms since 1970. */
export type AsTold<Told, Times extends keyof Told> = Omit<Told, Times> & {
  readonly [Time in Times]: Told[Time] extends number ? string : string | null;
};

/** Of every answer that is no success. One plain sentence, for people. */
export interface Refused {
  readonly error: string;
}

/** For `Authorization: Bearer`, in place of what one has logged in with; another one is in each answer of `/api/me`. */
export interface Session {
  readonly token: string;
  readonly expires: string;
}

/**
 * What the page is told within itself, as the JSON of `<meta name="mail-console" content="…">`. The built document has
 * that element once, with an empty content: `<meta name="mail-console" content="">`.
 *
 * The page asks for everything below its own address: `location.pathname` without a slash at its end, then `/api/…`. A proxy
 * may have put anything before it.
 */
export interface PageSettings {
  /** Ask by `/api/view` and `/api/batch`: each hit costs a lot here, and only fixed addresses are there (no `/api/mails/<id>`). */
  readonly bundled: boolean;
  /** It is logged in already; null: ask for a token. */
  readonly session: Session | null;
  /** It has an origin of its own, and so a sessionStorage. Without one it keeps what it has in memory. */
  readonly hasStorage: boolean;
  /** The digest, as in the page's policy, of the script that it draws plots with. */
  readonly plots: string;
}

/** `GET /api/plots?digest=`: the page's own, and only where it is of this version (else 404). */
export interface PlotsAnswer {
  readonly script: string;
}

/** `GET /api/me` */
export interface Me {
  readonly right: Right;
  /** Of this package. */
  readonly version: string;
  /** Where the ledger is, for people. */
  readonly ledger: string;
  /** The feed tells sender and subject. */
  readonly showMail: boolean;
  /** n8n's editor, without a slash at its end: `<editor>/workflow/<id>/executions/<execution>`. */
  readonly editor: string | null;
  /** For the feed and for everything else. */
  readonly stream: Session;
}

/**
 * - `well`: it is read, and mail comes; `quiet`: it is read, and none has come for a day or more
 * - `busy`: it is read for the first time, or again after a gap
 * - `off`: nobody listens, so it is not read, as people chose
 * - `troubled`: something is wrong that is being tried again, or that holds up only a part
 * - `broken`: its mail has not run for a while, or will not until somebody does something
 */
export type Standing = 'well' | 'quiet' | 'busy' | 'off' | 'troubled' | 'broken';

/** Of `GET /api/sources`. What is null is not known, or is not so. */
export interface SourceTold extends AsTold<
  Omit<SourceHealth, 'lastSuccessAt' | 'failingSince'>,
  'since' | 'lastMailAt' | 'nextTryAt' | 'unreadSince' | 'lastErrorAt' | 'recoveredAt' | 'notifiedUntil'
> {
  readonly standing: Standing;
  /** How it is, and what to do: one or two plain sentences. */
  readonly says: string;
  /** When it was last read to its end. */
  readonly lastLookAt: string | null;
  readonly backfill: Backfill | null;
}

/** `GET /api/sources` */
export interface SourcesAnswer {
  readonly sources: readonly SourceTold[];
  /** How many are in each standing that any is in: the page's title. */
  readonly standings: Readonly<Partial<Record<Standing, number>>>;
}

export type TriggerTold = AsTold<TriggerHealth, 'oldestWaitingAt' | 'lastDoneAt' | 'lastFailedAt'>;

/** `GET /api/triggers` */
export interface TriggersAnswer {
  readonly triggers: readonly TriggerTold[];
}

/** `GET /api/statistics?workflow=` */
export interface StatisticsAnswer {
  readonly counts: Readonly<Record<EventState, number>>;
  /** How many wait for a trigger that does not listen. */
  readonly unserved: number;
}

export type AnnotationTold = AsTold<Annotation, 'at'>;

/** One event: one mail for one trigger. */
export interface MailTold extends AsTold<
  Omit<EventRecord, 'annotations'>,
  'recordedAt' | 'beganAt' | 'dueAt' | 'settledAt' | 'receivedAt'
> {
  readonly annotations: readonly AnnotationTold[];
}

/** `GET /api/mails?<filter>&after=&limit=`: the newest first. */
export interface MailsAnswer {
  readonly mails: readonly MailTold[];
  /** For `after`; null: these are the last. There may be fewer than `limit`, or none, and more after them. */
  readonly next: number | null;
}

/** `GET /api/mails/<id>` */
export interface MailAnswer {
  readonly mail: MailTold;
  readonly life: LifeTold;
}

export interface LifeTold {
  readonly tries: readonly AsTold<Try, 'beganAt' | 'endedAt'>[];
  readonly deeds: readonly AsTold<Deed, 'at'>[];
  readonly actions: readonly AsTold<ActionRecord, 'askedAt' | 'endedAt'>[];
}

/** `GET /api/count?<filter>` */
export interface CountAnswer {
  readonly count: number;
  /** There are more: nobody counted them. */
  readonly isMore: boolean;
}

/** `GET /api/series?from=&until=&step=minute|hour&source=&workflow=`: the oldest first, steps without anything left out. */
export interface SeriesAnswer {
  readonly from: string;
  readonly until: string;
  readonly step: 'minute' | 'hour';
  /** How many mails waited or ran when the first step began. */
  readonly waitingBefore: number;
  /** `waiting`: how many waited or ran at its end. */
  readonly points: readonly (Omit<AsTold<SeriesPoint, 'at'>, 'growth'> & { readonly waiting: number })[];
}

/**
 * The filter of mails, as in the query of `/api/mails`. What is left out, or empty, lets everything through.
 * - `state`: one or several, with commas; `failures`: whose runs failed so often, or more
 * - `sender`, `subject`: a part of it, in any case
 * - `annotation`: `name:category:priority`; what is empty lets any through; `%3A` is a colon within
 * - `since`, `until`: recorded at or after, and before; ISO 8601
 */
export interface MailQuery {
  readonly state?: string;
  readonly workflow?: string;
  readonly source?: string;
  readonly sender?: string;
  readonly subject?: string;
  readonly failures?: string;
  readonly annotation?: string;
  readonly since?: string;
  readonly until?: string;
}

/**
 * The filter of entries, as in the query of `/api/outbox`. What is left out, or empty, lets everything through.
 * - `state`: one or several, with commas; `kind`: `mail`, `webhook`; `event`: the id of the mail that they answer
 * - `recipient`, `subject`: a part of it, in any case; refused where the console does not show them
 * - `lane`: as it is told of an entry; `messageId`: with its angle brackets
 * - `since`, `until`: queued at or after, and before; ISO 8601
 */
export interface OutboxQuery {
  readonly state?: string;
  readonly kind?: string;
  readonly workflow?: string;
  readonly event?: string;
  readonly recipient?: string;
  readonly subject?: string;
  readonly lane?: string;
  readonly messageId?: string;
  readonly since?: string;
  readonly until?: string;
}

export type OutboxActName = 'retry' | 'cancel' | 'markSent' | 'forget';

export type ActName = 'replay' | 'retryNow' | 'markDone' | 'forget';

/** `POST /api/act` */
export type ActRequest =
  /** 200 at most. `state`: one or several, with commas: those that are in another one by now are left as they are. */
  | { readonly action: ActName; readonly ids: readonly string[]; readonly state?: string }
  /** All that the filter finds of what was recorded until now; `count`: how many the person was told of, as in `/api/count`. */
  | { readonly action: ActName; readonly filter: MailQuery; readonly count: number };

/** Of `/api/outbox/act`, too. */
export type ActAnswer = Acted | { readonly job: JobTold };

export interface Acted {
  /** How many were changed; the others were in no state for it, or had nothing to be changed. */
  readonly changed: number;
  /** How many of the changed belong to a trigger that does not listen; of the outbox none do. */
  readonly unserved: number;
}

/** An action on all that a filter finds, under way or over. */
export type JobTold = JobOf<'mails', ActName, MailQuery> | JobOf<'outbox', OutboxActName, OutboxQuery>;

interface JobOf<Of, Action, Query> {
  readonly id: string;
  /** What it is done to. */
  readonly of: Of;
  readonly action: Action;
  readonly filter: Query;
  /** Who asked: `console (operate)`. */
  readonly by: string;
  readonly askedAt: string;
  readonly endedAt: string | null;
  /** `failed`: see `error`; what was done before stays done. */
  readonly state: 'running' | 'done' | 'stopped' | 'failed';
  /** How many the person was told of, and how many of them were gone through. */
  readonly count: number;
  readonly seen: number;
  readonly changed: number;
  readonly unserved: number;
  readonly error: string | null;
}

/** `GET /api/jobs`: the newest first; kept in memory until an hour after their end. */
export interface JobsAnswer {
  readonly jobs: readonly JobTold[];
}

/** `POST /api/jobs/stop`: it ends after the page that it is at. */
export interface StopRequest {
  readonly job: string;
}

/** `POST /api/jobs/stop` */
export interface JobAnswer {
  readonly job: JobTold;
}

/** `POST /api/look`: *Look now*, and *Try again now*. */
export interface LookRequest {
  readonly source: number;
}

export interface LookAnswer {
  /** A hint was sent to the process that reads it. */
  readonly asked: true;
}

/** `POST /api/batch`, with either right: up to 16 paths of `GET /api/…`, without the prefix, in one request. */
export interface BatchRequest {
  readonly asks: readonly string[];
}

/**
 * `POST /api/view`, with either right: the feed as of `/events`, asked for as there, and on it what the page shows. Answered is
 * the feed, with the event `answers` (its data: `BatchAnswer`) when it is known where the feed begins; a `reset` after it says
 * that they have a hole.
 */
export interface ViewRequest {
  readonly source?: string;
  readonly workflow?: string;
  readonly type?: string;
  /** An id, to go on after, or a time. */
  readonly since?: string;
  /** As of `/api/batch`; may be empty or left out: then there is no `answers`. */
  readonly asks?: readonly string[];
}

/** In the order in which they were asked. */
export interface BatchAnswer {
  readonly answers: readonly { readonly status: number; readonly body: unknown }[];
}

/** `GET /healthz`: 200, or 503 when `ok` is false. */
export interface HealthAnswer {
  readonly ok: boolean;
  /** What is wrong, and what to do; empty when nothing is. */
  readonly broken: readonly BrokenTold[];
}

export interface BrokenTold {
  /** A source's id; null: the ledger. */
  readonly source: number | null;
  /** `INBOX of ada@example.com`; the ledger's place. */
  readonly what: string;
  readonly says: string;
}
