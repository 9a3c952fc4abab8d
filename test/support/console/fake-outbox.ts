// The outbox of the fake console: its entries, templates and endpoints, as engine/console/outbox-api.ts says.
// Invariant: what an act changes here it changes in a real one, too.
import type { JobTold, OutboxActName } from '../../../engine/console/api';
import type {
  EndpointTold,
  EntryTold,
  NameRequest,
  OutboxActRequest,
  OutboxCounts,
  PreviewRequest,
  TemplateRequest,
  TemplateTold,
} from '../../../engine/console/outbox-api';
import { placeholdersOf, render } from '../../../engine/outbox/mail/render';
import type { FakeFeed } from './fake-feed';
import { endpointTold, entriesTold, outboxJobTold, templateTold } from './told-outbox';

const PAGE_ENTRIES = 50;

const OF: Readonly<Record<OutboxActName, readonly EntryTold['state'][]>> = {
  retry: ['QUEUED', 'FAILED', 'UNKNOWN', 'BOUNCED', 'CANCELLED'],
  cancel: ['QUEUED', 'UNKNOWN', 'FAILED'],
  markSent: ['UNKNOWN'],
  forget: ['SENT', 'FAILED', 'UNKNOWN', 'BOUNCED', 'CANCELLED'],
};

const TYPES: Readonly<
  Partial<Record<EntryTold['state'], 'queued' | 'sent' | 'failed' | 'unknown' | 'bounced'>>
> = {
  ...{ QUEUED: 'queued', SENT: 'sent', FAILED: 'failed', UNKNOWN: 'unknown', BOUNCED: 'bounced' },
};

/** What is refused, with 400 or 404. */
export class Refused extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

export class FakeOutbox {
  /** The oldest first. */
  entries: EntryTold[] = entriesTold(70);
  templates: TemplateTold[] = [
    templateTold(),
    templateTold({ name: 'shipped', subject: 'On its way', html: null, text: 'Hello {{name}}' }),
  ];
  endpoints: EndpointTold[] = [
    endpointTold(),
    endpointTold({
      ...{ id: 2, name: 'old shop', url: 'https://shop.example.net/hook', types: ['email.new'] },
      ...{ asideSince: new Date(Date.now() - 7_200_000).toISOString() },
      asideReason: 'It has failed for 5 days: HTTP 503.',
    }),
  ];
  readonly #feed: FakeFeed;

  constructor(feed: FakeFeed) {
    this.#feed = feed;
  }

  /** Changes an entry, and tells the feed. */
  change(id: string, told: Partial<EntryTold>): void {
    this.entries = this.entries.map((entry) => (entry.id === id ? { ...entry, ...told } : entry));
    this.#tell(this.entries.find((entry) => entry.id === id)!);
  }

  add(entry: EntryTold): void {
    this.entries.push(entry);
    this.#tell(entry);
  }

  /** @param mails those that there are, by id @returns undefined: it is no address of the outbox @throws Refused */
  told(
    path: string,
    query: URLSearchParams,
    body: unknown,
    mailOf: (id: string) => unknown,
    jobs: JobTold[],
  ): unknown {
    switch (path) {
      case '/api/outbox':
        return this.#pageOf(query);
      case '/api/outbox/count':
        return this.#counts();
      case '/api/outbox/found':
        return { count: this.#found(query).length, isMore: false };
      case '/api/outbox/act':
        return this.#act(body as OutboxActRequest, jobs);
      case '/api/templates':
        return {
          templates: this.templates.map(({ text, html, ...template }) => ({
            ...{ ...template, hasText: text !== null, hasHtml: html !== null },
          })),
        };
      case '/api/template':
        return this.#template(query.get('name') ?? '');
      case '/api/templates/save':
        return this.#save(body as TemplateRequest);
      case '/api/templates/remove':
        return this.#removeTemplate((body as NameRequest).name);
      case '/api/templates/preview':
        return this.#preview(body as PreviewRequest);
      case '/api/endpoints':
        return { endpoints: this.endpoints };
      case '/api/endpoints/takeBack':
        return { endpoint: this.#takeBack((body as NameRequest).name) };
      case '/api/endpoints/remove':
        this.endpoints = this.endpoints.filter(({ name }) => name !== (body as NameRequest).name);
        this.#feed.tell({ type: 'endpoint.changed', data: {} });
        return { removed: true };
      default:
        return path.startsWith('/api/outbox/')
          ? this.#one(path.slice('/api/outbox/'.length), mailOf)
          : undefined;
    }
  }

  #tell(entry: EntryTold): void {
    const { id, state, tries, dueAt, kind } = entry;
    this.#feed.tell({
      type: `outbox.${TYPES[state] ?? 'updated'}`,
      event: entry.event,
      workflow: entry.workflowId,
      data: { entry: id, kind, state, tries, ...(dueAt !== null && { dueAt }) },
    });
  }

  #one(id: string, mailOf: (id: string) => unknown): unknown {
    const entry = this.entries.find((one) => one.id === id);
    return entry && { entry, mail: entry.event === null ? null : (mailOf(entry.event) ?? null) };
  }

  #counts(): OutboxCounts {
    const of = (state: EntryTold['state'], isDelayed?: boolean): number =>
      this.entries.filter(
        (entry) =>
          entry.state === state &&
          (isDelayed === undefined || isDelayed === Date.parse(entry.dueAt ?? '') > Date.now()),
      ).length;
    return {
      ...{ waiting: of('QUEUED', false), delayed: of('QUEUED', true), active: of('SENDING') },
      ...{ completed: of('SENT'), failed: of('FAILED'), unknown: of('UNKNOWN') },
      ...{ bounced: of('BOUNCED'), cancelled: of('CANCELLED') },
    };
  }

  #found(query: URLSearchParams): EntryTold[] {
    const states = query.get('state')?.split(',');
    const is = (name: string, value: string | null): boolean => [null, value].includes(query.get(name));
    const has = (name: 'recipient' | 'subject', entry: EntryTold): boolean =>
      (entry[name] ?? '').toLowerCase().includes((query.get(name) ?? '').toLowerCase());
    const at = (name: string): number | null => (query.get(name) ? Date.parse(query.get(name)!) : null);
    return this.entries
      .filter((entry) => !states || states.includes(entry.state))
      .filter(
        (entry) => is('kind', entry.kind) && is('workflow', entry.workflowId) && is('event', entry.event),
      )
      .filter((entry) => is('lane', entry.lane) && is('messageId', entry.messageId))
      .filter((entry) => has('recipient', entry) && has('subject', entry))
      .filter(({ queuedAt }) => Date.parse(queuedAt) >= (at('since') ?? 0))
      .filter(({ queuedAt }) => Date.parse(queuedAt) < (at('until') ?? Infinity))
      .toReversed();
  }

  #pageOf(query: URLSearchParams): { entries: EntryTold[]; next: number | null } {
    const after = Number(query.get('after') ?? Number.POSITIVE_INFINITY);
    const found = this.#found(query).filter((entry) => this.entries.indexOf(entry) < after);
    const entries = found.slice(0, Number(query.get('limit') ?? PAGE_ENTRIES));
    return { entries, next: entries.length < found.length ? this.entries.indexOf(entries.at(-1)!) : null };
  }

  #act(request: OutboxActRequest, jobs: JobTold[]): unknown {
    if ('filter' in request) {
      const { action, filter, count } = request;
      const job = outboxJobTold({ id: `job-${jobs.length + 1}`, action, filter, count });
      jobs.unshift(job);
      return { job };
    }
    const { action, ids } = request;
    const changed = this.entries.filter(({ id, state }) => ids.includes(id) && OF[action].includes(state));
    for (const { id } of changed) this.change(id, after(action));
    return { changed: changed.length, unserved: 0 };
  }

  #template(name: string): unknown {
    const template = this.templates.find((one) => one.name === name);
    if (!template) throw new Refused(404, 'There is no template of this name. /api/templates has them.');
    return { template, values: placeholdersOf(template) };
  }

  #save(request: TemplateRequest): unknown {
    const at = { changedAt: new Date().toISOString(), changedBy: 'console (operate)' };
    this.templates = [
      ...this.templates.filter(({ name }) => name !== request.name),
      { ...request, ...at },
    ].sort((one, other) => (one.name < other.name ? -1 : 1));
    this.#feed.tell({ type: 'template.changed', data: { name: request.name } });
    return this.#template(request.name);
  }

  #removeTemplate(removed: string): unknown {
    this.templates = this.templates.filter(({ name }) => name !== removed);
    this.#feed.tell({ type: 'template.changed', data: { name: removed, removed: true } });
    return { removed: true };
  }

  #preview(request: PreviewRequest): unknown {
    const texts = 'name' in request ? this.templates.find(({ name }) => name === request.name)! : request;
    try {
      return { ...render(texts, request.values), values: placeholdersOf(texts) };
    } catch (error) {
      throw new Refused(400, (error as Error).message);
    }
  }

  #takeBack(taken: string): EndpointTold {
    this.endpoints = this.endpoints.map((endpoint) =>
      endpoint.name === taken
        ? { ...endpoint, asideSince: null, asideReason: null, missedAt: new Date().toISOString() }
        : endpoint,
    );
    this.#feed.tell({ type: 'endpoint.changed', data: {} });
    return this.endpoints.find(({ name }) => name === taken)!;
  }
}

function after(action: OutboxActName): Partial<EntryTold> {
  const at = new Date().toISOString();
  if (action === 'retry') return { state: 'QUEUED', tries: 0, dueAt: at, settledAt: null };
  if (action === 'cancel') return { state: 'CANCELLED', settledAt: at };
  return action === 'markSent'
    ? { state: 'SENT', settledAt: at }
    : { recipient: null, subject: null, lastError: null, lastAnswer: null, dueAt: null, hasContent: false };
}
