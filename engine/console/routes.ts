// The addresses that there are, who may ask there, and who answers.
// Invariant: whatever is not said to be open to everybody is asked of `whoAsks` before anything else is done.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FeedClient } from '../feed/client';
import { ACTS } from './acts';
import { type Answer, json } from './answer';
import type { HealthAnswer } from './api';
import { type Answering, answersTo, asksOf } from './batch';
import { readJson } from './body';
import { answerContent, contentAt } from './content';
import type { ConsoleContext } from './context';
import type { Jobs } from './jobs';
import { isMeant, mayOperate, me, type Who, whoAsks } from './login';
import { onView, viewOf } from './on-view';
import type { Page } from './page';
import { PROMETHEUS } from './prometheus';
import { asked } from './query';
import { readAt } from './reads';
import { Refusal, refusalOf } from './refusal';
import type { Sessions } from './sessions';
import { feedAsk, stream } from './stream';
import { MOST_TEMPLATE_OCTETS, preview } from './templates';
import { switchedOff, WEB_SOCKET_PATH } from './ws/web-socket';

/** What a console is made of. */
export interface Parts {
  readonly context: ConsoleContext;
  readonly page: Page;
  readonly sessions: Sessions;
  readonly jobs: Jobs;
  readonly listening: Set<FeedClient>;
  readonly health: () => Promise<HealthAnswer>;
  readonly metrics: () => Promise<string>;
}

interface Asking {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  /** Below the prefix. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** What was read of the body already. */
  readonly body: Buffer | undefined;
}

interface Route {
  readonly isReading: boolean;
  readonly isPage?: true;
  readonly isStream?: true;
  /** @returns null: it is answered @throws Refusal, LedgerFault */
  readonly answer: (asking: Asking, parts: Parts) => Promise<Answer | null>;
}

const page: Route = {
  isReading: true,
  isPage: true,
  answer: async ({ req, query }, { context, page: document, sessions }) => {
    asked(query, []);
    const isForAll = context.login.kind === 'form';
    const who = isForAll ? null : whoAsks(req.headers, context, sessions, true);
    const settings = {
      bundled: context.bundled,
      session: who && sessions.begin(who.right, who.since),
      hasStorage: context.isOwnOrigin,
    };
    return document.answer(settings, req.headers['accept-encoding'] ?? '');
  },
};

const events: Route = {
  isReading: true,
  isStream: true,
  answer: async ({ req, res, query }, { context, sessions, listening }) => {
    whoAsks(req.headers, context, sessions);
    stream(res, context.feed, feedAsk(query, req), listening);
    return null;
  },
};

const healthz: Route = {
  isReading: true,
  answer: async ({ req, query }, { context, sessions, health }) => {
    if (!context.openHealth) whoAsks(req.headers, context, sessions);
    asked(query, []);
    const told = await health();
    return json(told, told.ok ? 200 : 503);
  },
};

const metrics: Route = {
  isReading: true,
  answer: async ({ req, query }, { context, sessions, metrics: measured }) => {
    if (!context.openHealth) whoAsks(req.headers, context, sessions);
    asked(query, []);
    return { status: 200, type: PROMETHEUS, body: await measured() };
  },
};

const reading: Route = {
  isReading: true,
  answer: async ({ req, path, query }, parts) => {
    const who = whoAsks(req.headers, parts.context, parts.sessions);
    return json(await ask(path, query, who, parts));
  },
};

const content: Route = {
  isReading: true,
  answer: async ({ req, res, path, query }, { context, sessions }) => {
    whoAsks(req.headers, context, sessions);
    asked(query, []);
    await answerContent(contentAt(path)!, req, res, context);
    return null;
  },
};

const bundle: Route = {
  isReading: false,
  answer: async ({ req, body }, parts) => {
    const who = whoAsks(req.headers, parts.context, parts.sessions);
    const asks = asksOf(await readJson(req, body));
    return json(await answersTo(asks, answering(who, parts)));
  },
};

const view: Route = {
  isReading: false,
  answer: async ({ req, res, body }, parts) => {
    const who = whoAsks(req.headers, parts.context, parts.sessions);
    const wanted = viewOf(await readJson(req, body), req);
    onView(res, parts.context.feed, wanted, parts.listening, answering(who, parts));
    return null;
  },
};

/** It changes nothing: who may look may do this, too. */
const previewing: Route = {
  isReading: false,
  answer: async ({ req, body }, { context, sessions }) => {
    whoAsks(req.headers, context, sessions);
    return json(await preview(context, await readJson(req, body, MOST_TEMPLATE_OCTETS)));
  },
};

const acting: Route = {
  isReading: false,
  answer: async ({ req, path, body }, { context, sessions, jobs }) => {
    const who = whoAsks(req.headers, context, sessions);
    isMeant(req.headers);
    mayOperate(who);
    const most = path === '/api/templates/save' ? MOST_TEMPLATE_OCTETS : undefined;
    const by = `console (${who.right})`;
    return json(await ACTS[path]!({ ...context, jobs }, await readJson(req, body, most), by));
  },
};

/** Who asks for it as HTTP has not asked for a WebSocket, or somebody on the way does not pass that on. */
const webSocket: Route = {
  isReading: true,
  answer: async (_, { context }) => {
    if (!context.webSocket) throw switchedOff();
    throw new Refusal(
      400,
      'This address speaks WebSocket. Where a proxy stands before the console, it has to pass Upgrade and Connection on.',
    );
  },
};

const answering = (who: Who, parts: Parts): Answering => ({
  ask: (path, query) => ask(path, query, who, parts),
  why: (error) => refusalOf(error, parts.context.log),
});

async function ask(path: string, query: URLSearchParams, who: Who, parts: Parts): Promise<unknown> {
  if (path === '/api/me' || path === '/api/jobs') {
    asked(query, []);
    return path === '/api/me' ? me(who, parts.sessions, parts.context) : parts.jobs.list();
  }
  const read = readAt(path);
  if (!read) throw new Refusal(404, 'There is nothing to read at this address.');
  return read(parts.context, query);
}

const ROUTES: ReadonlyMap<string, Route> = new Map([
  ['/', page],
  ['/events', events],
  ['/healthz', healthz],
  ['/metrics', metrics],
  [WEB_SOCKET_PATH, webSocket],
  ['/api/me', reading],
  ['/api/jobs', reading],
  ['/api/batch', bundle],
  ['/api/view', view],
  ['/api/templates/preview', previewing],
  ...Object.keys(ACTS).map((path) => [path, acting] as const),
]);

/** @param path below the prefix @returns undefined: there is nothing */
export const routeAt = (path: string): Route | undefined =>
  ROUTES.get(path) ?? (readAt(path) ? reading : contentAt(path) === undefined ? undefined : content);
