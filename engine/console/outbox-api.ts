// What the console's addresses of the outbox answer and are asked, as JSON: entries, templates, endpoints; as api.ts says for
// all of them. Types only: the page shares them.
// Invariants: no secret is told, and nothing of what a sender needs (`request`); where the console does not show mails neither
// recipient nor subject is.
import type { Template, TemplateTexts } from '../ledger/templates';
import type { AsTold, MailTold, OutboxActName, OutboxQuery } from './api';

/** As engine/ledger/outbox.ts says. */
export type EntryState = 'QUEUED' | 'SENDING' | 'SENT' | 'FAILED' | 'UNKNOWN' | 'BOUNCED' | 'CANCELLED';

/** One mail or webhook that is to go out, or went. */
export interface EntryTold {
  readonly id: string;
  /** A digest: who asks again under it is told what became of this one. */
  readonly key: string;
  /** `mail`, `webhook` */
  readonly kind: string;
  /** What is sent side by side with others': a login (`smtp:…`), a receiver (`host:…`). */
  readonly lane: string;
  readonly state: EntryState;
  /** Null: forgotten, or not shown. */
  readonly recipient: string | null;
  readonly subject: string | null;
  readonly messageId: string | null;
  readonly workflowId: string | null;
  readonly nodeId: string | null;
  readonly nodeName: string | null;
  /** The id of the mail that it answers. */
  readonly event: string | null;
  /** How often it was begun, since it was queued last. */
  readonly tries: number;
  /** When it is tried next; of one that is UNKNOWN, when it is looked for next. Null: by itself never. */
  readonly dueAt: string | null;
  readonly queuedAt: string;
  /** Its last try. */
  readonly begunAt: string | null;
  readonly settledAt: string | null;
  /** What the last try failed with; of BOUNCED, why. In the receiver's words, who may name an address. */
  readonly lastError: string | null;
  readonly lastAnswer: string | null;
  /** Its content is there: it can be sent (again). */
  readonly hasContent: boolean;
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
export interface OutboxCounts {
  readonly waiting: number;
  /** They wait for a time. */
  readonly delayed: number;
  readonly active: number;
  readonly completed: number;
  readonly failed: number;
  readonly unknown: number;
  readonly bounced: number;
  readonly cancelled: number;
}

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
export interface EndpointTold {
  readonly id: number;
  readonly name: string;
  readonly url: string;
  /** As of the feed. */
  readonly types: readonly string[];
  /** Null: of all. */
  readonly workflowId: string | null;
  readonly sourceId: number | null;
  readonly createdBy: string;
  readonly createdAt: string;
  /** Since when it was set aside, and why: nothing is sent there until a person takes it back. */
  readonly asideSince: string | null;
  readonly asideReason: string | null;
  /** When something was left out because it was set aside, or away for longer than changes are kept. */
  readonly missedAt: string | null;
}

/** `GET /api/endpoints` */
export interface EndpointsAnswer {
  readonly endpoints: readonly EndpointTold[];
}

/** `POST /api/endpoints/takeBack` */
export interface EndpointAnswer {
  readonly endpoint: EndpointTold;
}
