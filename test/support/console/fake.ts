// A console without a ledger: it speaks engine/console/api.ts over what a test puts into it, with the policy that a real one
// sends, and a feed that can be spoken into, broken off and resumed.
// Invariant: what the page is given here it is given by the real one, too: this is no place for what only a test needs.
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type {
  ActRequest,
  BatchAnswer,
  BatchRequest,
  JobTold,
  MailTold,
  Me,
  PageSettings,
  Right,
  SeriesAnswer,
  SourceTold,
  Standing,
  TriggerTold,
  ViewRequest,
} from '../../../engine/console/api';
import type { FeedEvent } from '../../../engine/feed/feed-event';
import { FakeFeed } from './fake-feed';
import { FakeOutbox, Refused } from './fake-outbox';
import { digestOf, givePage } from './fake-page';
import { jobTold, lifeTold, mailsTold, sourcesTold, triggersTold } from './told';

export const TOKENS: Readonly<Record<Right, string>> = { read: 'token-to-look', operate: 'token-to-act' };

const PAGE_MAILS = 50;
/** What `/api/me` gives out. */
const NEXT_SESSION = 'the-next-session';

interface Asked {
  readonly path: string;
  readonly body: unknown;
  readonly authorization: string | undefined;
}

interface Refusal {
  readonly status: number;
  readonly error: string;
}

export class FakeConsole {
  sources: SourceTold[] = sourcesTold();
  triggers: TriggerTold[] = triggersTold();
  /** The oldest first. */
  mails: MailTold[] = mailsTold(130);
  jobs: JobTold[] = [];
  /** As where another process takes its place as soon as one was begun. */
  forgetsJobs = false;
  afterAct: () => void = () => undefined;
  points: SeriesAnswer['points'] = [];
  /** Every request but for the page, in order. */
  readonly asked: Asked[] = [];
  readonly feed = new FakeFeed();
  readonly outbox = new FakeOutbox(this.feed);
  editor = 'https://n8n.example.com';
  showMail = true;
  /** Whatever is asked is answered so, until it is null again. */
  refusal: Refusal | null = null;
  /** What is asked along with the feed does not get through. */
  hasBuffer = false;
  /** It answers nothing, as where nobody is. */
  isAway = false;
  settings: PageSettings;
  readonly #server: Server;
  /** The second script, as it is answered. */
  plots: string;
  readonly #page: string;
  readonly #plots: string;

  private constructor(page: string, plots: string) {
    this.#page = page;
    this.#plots = this.plots = plots;
    this.settings = { bundled: false, session: null, hasStorage: true, plots: digestOf(plots) };
    this.#server = createServer((req, res) => void this.#answer(req, res));
  }

  static async start(page: string, plots: string): Promise<FakeConsole> {
    const fake = new FakeConsole(page, plots);
    fake.#server.listen(0, '127.0.0.1');
    await once(fake.#server, 'listening');
    return fake;
  }

  get address(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  stop(): void {
    this.feed.cut();
    this.#server.close();
    this.#server.closeAllConnections();
  }

  /** Changes a mail, and tells the feed. */
  change(id: string, type: FeedEvent['type'], told: Partial<MailTold>): void {
    this.mails = this.mails.map((mail) => (mail.id === id ? { ...mail, ...told } : mail));
    const mail = this.mails.find((one) => one.id === id);
    const data = {
      state: mail?.state,
      attempt: mail?.attempt,
      failures: mail?.failures,
      execution: mail?.executionId,
    };
    this.feed.tell({
      type,
      event: id,
      workflow: mail?.workflowId ?? null,
      source: mail?.sourceId ?? null,
      data,
    });
  }

  add(mail: MailTold): void {
    this.mails.push(mail);
    this.feed.tell({
      type: 'email.new',
      event: mail.id,
      workflow: mail.workflowId,
      source: mail.sourceId,
      data: { state: mail.state, attempt: 0, failures: 0 },
    });
  }

  changeSource(id: number, told: Partial<SourceTold>): void {
    this.sources = this.sources.map((source) => (source.id === id ? { ...source, ...told } : source));
    this.feed.tell({
      type: 'source.state',
      source: id,
      data: { state: told.state, connection: told.connection },
    });
  }

  async #answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
    if (this.isAway) {
      req.socket.destroy();
      return;
    }
    const { pathname, searchParams } = new URL(req.url ?? '/', this.address);
    if (this.#isFromElsewhere(req, res)) return;
    if (pathname === '/') {
      givePage(res, this.#page, this.#plots, this.settings, this.address);
      return;
    }
    const body = await bodyOf(req);
    const { authorization } = req.headers;
    this.asked.push({ path: req.url ?? '', body, authorization });
    const right = this.#right(authorization);
    const refusal = this.refusal ?? refusalOf(right, req.method, pathname);
    if (refusal) json(res, refusal.status, { error: refusal.error });
    else if (pathname === '/events') this.feed.join(req, res);
    else if (pathname === '/api/view') this.#view(res, body as ViewRequest, right!);
    else {
      const { status, answer } = this.#ask(pathname, searchParams, body, right!);
      json(res, status, answer);
    }
  }

  /** A page without an origin of its own asks first, as any other does. */
  #isFromElsewhere(req: IncomingMessage, res: ServerResponse): boolean {
    if (req.headers.origin !== 'null') return false;
    res.setHeader('Access-Control-Allow-Origin', 'null');
    if (req.method !== 'OPTIONS') return false;
    res.setHeader('Access-Control-Allow-Headers', req.headers['access-control-request-headers'] ?? '');
    res.writeHead(204).end();
    return true;
  }

  #right(authorization = ''): Right | null {
    const { session } = this.settings;
    if (session && [session.token, NEXT_SESSION].some((token) => authorization === `Bearer ${token}`))
      return 'operate';
    for (const right of ['read', 'operate'] as const)
      if (authorization === `Bearer ${TOKENS[right]}`) return right;
    return null;
  }

  #ask(
    path: string,
    query: URLSearchParams,
    body: unknown,
    right: Right,
  ): { status: number; answer: unknown } {
    let answer: unknown;
    try {
      answer = this.#told(path, query, body, right);
    } catch (error) {
      if (error instanceof Refused) return { status: error.status, answer: { error: error.message } };
      throw error;
    }
    return answer === undefined
      ? { status: 404, answer: { error: 'There is nothing at this address.' } }
      : { status: 200, answer };
  }

  #told(path: string, query: URLSearchParams, body: unknown, right: Right): unknown {
    if (path.startsWith('/api/mails/')) {
      const mail = this.mails.find(({ id }) => id === decodeURIComponent(path.slice('/api/mails/'.length)));
      return mail && { mail, life: lifeTold(mail) };
    }
    switch (path) {
      case '/api/me':
        return this.#me(right);
      case '/api/sources':
        return { sources: this.sources, standings: this.#standings() };
      case '/api/triggers':
        return { triggers: this.triggers };
      case '/api/statistics':
        return { counts: this.#counts(), unserved: 0 };
      case '/api/mails':
        return this.#pageOf(query);
      case '/api/count':
        return { count: this.#found(query).length, isMore: false };
      case '/api/series':
        return { ...Object.fromEntries(query), waitingBefore: 16, points: this.points };
      case '/api/plots':
        if (query.get('digest') === digestOf(this.#plots)) return { script: this.plots };
        throw new Refused(404, 'The Mail Console is another version by now than this page. Reload the page.');
      case '/api/jobs':
        return { jobs: this.jobs };
      case '/api/jobs/stop':
        return this.#stop((body as { job: string }).job);
      case '/api/act':
        return this.#act(body as ActRequest);
      case '/api/look':
        return { asked: true };
      case '/api/batch':
        return this.#answers((body as BatchRequest).asks, right);
      default:
        return this.outbox.told(
          path,
          query,
          body,
          (id) => this.mails.find((mail) => mail.id === id),
          this.jobs,
        );
    }
  }

  #answers(asks: readonly string[], right: Right): BatchAnswer {
    return { answers: asks.map((ask) => this.#bundled(ask, right)) };
  }

  #view(res: ServerResponse, { since, asks = [] }: ViewRequest, right: Right): void {
    const answers = this.hasBuffer || asks.length === 0 ? undefined : this.#answers(asks, right);
    this.feed.begin(res, since, answers);
  }

  #bundled(ask: string, right: Right): { status: number; body: unknown } {
    const { pathname, searchParams } = new URL(ask, this.address);
    const { status, answer } = this.#ask(pathname, searchParams, null, right);
    return { status, body: answer };
  }

  #me(right: Right): Me {
    const stream = { token: NEXT_SESSION, expires: new Date(Date.now() + 600_000).toISOString() };
    return {
      right,
      version: '0.2.0',
      ledger: 'SQLite, durable-mail.sqlite',
      showMail: this.showMail,
      editor: this.editor,
      stream,
    };
  }

  #standings(): Partial<Record<Standing, number>> {
    const standings: Partial<Record<Standing, number>> = {};
    for (const { standing } of this.sources) standings[standing] = (standings[standing] ?? 0) + 1;
    return standings;
  }

  #counts(): Record<string, number> {
    const counts: Record<string, number> = {};
    for (const state of ['PENDING', 'QUEUED', 'RUNNING', 'RETRY', 'DONE', 'DEAD', 'GONE', 'UNKNOWN'])
      counts[state] = this.mails.filter((mail) => mail.state === state).length;
    return counts;
  }

  #found(query: URLSearchParams): MailTold[] {
    const states = query.get('state')?.split(',');
    const has = (name: 'sender' | 'subject', mail: MailTold): boolean =>
      (mail[name] ?? '').toLowerCase().includes((query.get(name) ?? '').toLowerCase());
    return this.mails
      .filter((mail) => !states || states.includes(mail.state))
      .filter((mail) => [null, mail.workflowId].includes(query.get('workflow')))
      .filter((mail) => [null, String(mail.sourceId)].includes(query.get('source')))
      .filter((mail) => mail.failures >= Number(query.get('failures') ?? 0))
      .filter((mail) => has('sender', mail) && has('subject', mail))
      .toReversed();
  }

  #pageOf(query: URLSearchParams): { mails: MailTold[]; next: number | null } {
    const after = Number(query.get('after') ?? Number.POSITIVE_INFINITY);
    const found = this.#found(query).filter((mail) => this.mails.indexOf(mail) < after);
    const mails = found.slice(0, Number(query.get('limit') ?? PAGE_MAILS));
    return { mails, next: mails.length < found.length ? this.mails.indexOf(mails.at(-1)!) : null };
  }

  #act(request: ActRequest): unknown {
    this.afterAct();
    if ('ids' in request) return { changed: request.ids.length, unserved: 0 };
    const { action, filter, count } = request;
    const job = jobTold({ id: `job-${this.jobs.length + 1}`, action, filter, count });
    if (!this.forgetsJobs) this.jobs.unshift(job);
    return { job };
  }

  #stop(id: string): unknown {
    this.jobs = this.jobs.map((job) => (job.id === id ? { ...job, state: 'stopped' } : job));
    return { job: this.jobs.find((job) => job.id === id) };
  }
}

async function bodyOf(req: IncomingMessage): Promise<unknown> {
  let text = '';
  for await (const piece of req) text += String(piece);
  return text ? JSON.parse(text) : null;
}

function json(res: ServerResponse, status: number, answer: unknown): void {
  res.writeHead(status, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' });
  res.end(JSON.stringify(answer));
}

function refusalOf(right: Right | null, method: string | undefined, path: string): Refusal | null {
  if (right === null) return { status: 401, error: 'This token is not accepted.' };
  return method === 'POST' &&
    !['/api/batch', '/api/view', '/api/templates/preview'].includes(path) &&
    right !== 'operate'
    ? { status: 403, error: 'With this token one may look, not act.' }
    : null;
}
