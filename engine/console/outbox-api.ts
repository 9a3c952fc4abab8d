// What the console's addresses of the outbox answer and are asked, as JSON: entries, templates, endpoints; as api.ts says for
// all of them. Types only: the page shares them.
// Invariants: no secret is told, and nothing of what a sender needs (`request`); where the console does not show mails neither
// recipient nor subject is.
import type { Endpoint } from '../ledger/endpoints';
import type { Entry, EntryAct, EntryCounts, EntryOrigin, EntryState } from '../ledger/outbox';
import type { Template, TemplateTexts } from '../ledger/templates';
import type { AsTold, MailTold } from './api';

export type EntryStateTold = EntryState;

/** One mail or webhook that is to go out, or went. */
export interface EntryTold
  extends AsTold<Omit<Entry, 'request' | 'origin'>, 'dueAt' | 'queuedAt' | 'begunAt' | 'settledAt'>, EntryOrigin {}

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

/** `GET /api/outbox?<filter>&after=&limit=`: the newest first. */
export interface OutboxAnswer {
  readonly entries: readonly EntryTold[];
  /** For `after`; null: these are the last. There may be fewer than `limit`, or none, and more after them. */
  readonly next: number | null;
}

/** `GET /api/outbox/<id>` */
export interface EntryAnswer {
  readonly entry: EntryTold;
  /** What it answers; null: it answers none, or that is not kept any more. */
  readonly mail: MailTold | null;
}

/** `GET /api/outbox/count`: all of them, as queues are counted elsewhere. */
export type OutboxCounts = EntryCounts;

export type OutboxActName = EntryAct;

/** `POST /api/outbox/act` */
export type OutboxActRequest =
  /** 200 at most. */
  | { readonly action: OutboxActName; readonly ids: readonly string[] }
  /** All that the filter finds of what was queued until now; `count`: how many the person was told of, as in `/api/outbox/found`. */
  | { readonly action: OutboxActName; readonly filter: OutboxQuery; readonly count: number };

/** `GET /api/templates`: without their text and HTML, in the order of their names. */
export interface TemplatesAnswer {
  readonly templates: readonly (AsTold<Omit<Template, 'text' | 'html'>, 'changedAt'> & {
    readonly hasText: boolean;
    readonly hasHtml: boolean;
  })[];
}

export type TemplateTold = AsTold<Template, 'changedAt'>;

/** `GET /api/template?name=`, `POST /api/templates/save` */
export interface TemplateAnswer {
  readonly template: TemplateTold;
  /** Names of the values that it takes. */
  readonly values: readonly string[];
}

/** `POST /api/templates/save`: new, or in the place of the one of that name. */
export interface TemplateRequest extends TemplateTexts {
  readonly name: string;
}

/** `POST /api/templates/remove`, `/api/endpoints/takeBack`, `/api/endpoints/remove` */
export interface NameRequest {
  readonly name: string;
}

/** What `POST /api/templates/remove` and `/api/endpoints/remove` answer. */
export interface RemovedAnswer {
  readonly removed: true;
}

/** `POST /api/templates/preview`, with either right: a mail as it would be, by these texts or those of the template of that name. */
export type PreviewRequest = { readonly values: Readonly<Record<string, unknown>> } & (
  TemplateTexts | { readonly name: string }
);

/** `POST /api/templates/preview`: what is HTML is to be shown where it can do nothing. */
export interface PreviewAnswer extends TemplateTexts {
  /** Names of the values that it takes. */
  readonly values: readonly string[];
}

/** A URL that wants to hear of changes. What may be secret in its URL is left out. */
export interface EndpointTold extends AsTold<
  Omit<Endpoint, 'request' | 'wish' | 'position'>,
  'createdAt' | 'asideSince' | 'missedAt'
> {
  readonly types: readonly string[];
  readonly workflowId: string | null;
  readonly sourceId: number | null;
}

/** `GET /api/endpoints` */
export interface EndpointsAnswer {
  readonly endpoints: readonly EndpointTold[];
}

/** `POST /api/endpoints/takeBack` */
export interface EndpointAnswer {
  readonly endpoint: EndpointTold;
}
