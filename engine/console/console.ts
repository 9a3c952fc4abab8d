// The console: one handler of requests, wherever it is at home.
// Invariants: it never throws and leaves no request without an answer; who is not logged in learns no more than that, and does
// nothing; who may only read changes nothing.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FeedClient } from '../feed/client';
import { isReading, admit, isFromPageWithoutOrigin } from './admit';
import { begin, refused, write } from './answer';
import type { Console, ConsoleContext } from './context';
import { Jobs } from './jobs';
import { lately } from './lately';
import { health } from './health';
import { metrics } from './metrics';
import { Page } from './page';
import { Refusal, refusalOf } from './refusal';
import { routeAt, type Parts } from './routes';
import { Sessions } from './sessions';
import { targetOf } from './target';
import { RunningTotals } from './totals';
import { WebSockets } from './ws/web-socket';

/** So long an answer of `/healthz` and `/metrics` is good, whoever asks. */
const WATCHED_MS = 2_000;

/** @throws Error: the page or the key is none */
export function createConsole(context: ConsoleContext): Console {
  const { ledger, feed, log, version, now } = context;
  const totals = new RunningTotals(ledger, now);
  const listening = new Set<FeedClient>();
  const parts: Parts = {
    context,
    page: new Page(context),
    sessions: new Sessions(context.sessionKey, now),
    jobs: new Jobs({ log, now }),
    listening,
    health: lately(() => health(context), WATCHED_MS),
    metrics: lately(() => metrics({ ledger, now, feed, version, totals }), WATCHED_MS),
  };
  const { sessions, jobs } = parts;
  const sockets = new WebSockets({ context, sessions, acting: { ...context, jobs } });
  return {
    upgrade: (req, socket, head) => sockets.upgrade(req, socket, head),
    handle: async (req, res, body) => {
      // Who hangs up is nobody's fault.
      res.on('error', () => undefined);
      try {
        await answer(req, res, body, parts);
      } catch (error) {
        refuse(req, res, refusalOf(error, log));
      }
    },
    close: () => {
      parts.jobs.close();
      sockets.close();
      for (const client of listening) client.end();
    },
  };
}

async function answer(
  req: IncomingMessage,
  res: ServerResponse,
  body: Buffer | undefined,
  parts: Parts,
): Promise<void> {
  const { context } = parts;
  const { path, query } = targetOf(req, context.prefix);
  const route = routeAt(path);
  admit(req, context, route?.isPage === true);
  if (isFromPageWithoutOrigin(req, context)) allowPage(res);
  if (!route)
    throw new Refusal(404, 'There is nothing at this address. docs/console.md has those that there are.');
  if (req.method === 'OPTIONS' && isFromPageWithoutOrigin(req, context)) {
    begin(res, {
      'Access-Control-Allow-Headers': 'Authorization, Content-Type, Last-Event-ID',
      'Access-Control-Allow-Methods': 'GET, POST',
      'Access-Control-Max-Age': '600',
    });
    res.statusCode = 204;
    res.end();
    return;
  }
  const isFit = route.isReading
    ? isReading(req.method) && !(route.isStream && req.method === 'HEAD')
    : req.method === 'POST';
  if (!isFit) {
    const allow = !route.isReading ? 'POST' : route.isStream ? 'GET' : 'GET, HEAD';
    throw new Refusal(405, `This address takes ${allow.replace(', ', ' and ')} only.`, { Allow: allow });
  }
  const answered = await route.answer({ req, res, path, query, body }, parts);
  if (answered) write(res, answered);
}

/** The page has no origin of its own: the browser asks whether it may read. What it asks for needs a token all the same. */
function allowPage(res: ServerResponse): void {
  res.setHeader('Access-Control-Allow-Origin', 'null');
  res.setHeader('Vary', 'Origin');
}

function refuse(req: IncomingMessage, res: ServerResponse, refusal: Refusal): void {
  // What is still on its way is not waited for.
  const isUnread = !isReading(req.method) && !req.complete;
  write(res, refused(isUnread ? refusal.with({ Connection: 'close' }) : refusal));
}
