// Whether a request may be from the console's own page, or from no browser at all: other pages of the same browser are refused,
// and names that were made to lead here (DNS rebinding).
// Invariant: a browser's cookies are no part of it; whoever passes here has not logged in yet.
import type { IncomingMessage } from 'node:http';
import type { ConsoleContext } from './context';
import { Refusal } from './refusal';

type Home = Pick<ConsoleContext, 'hosts' | 'isOwnOrigin'>;

/** @param isPage the page itself is asked for: a link on any other page may lead to it @throws Refusal */
export function admit({ method, headers }: IncomingMessage, home: Home, isPage: boolean): void {
  const host = headers.host ?? '';
  if (host === '' || !home.hosts(host)) {
    throw new Refusal(
      403,
      `The console does not answer to the name ${shown(host)}: open it by a name that its settings know (docs/console.md).`,
    );
  }
  const { origin } = headers;
  const isWithout = isFromPageWithoutOrigin({ headers }, home);
  if (origin !== undefined && !isWithout && !isOwn(origin, headers)) {
    throw new Refusal(
      403,
      `A page of ${shown(origin)} may not ask here. Where a proxy stands before the console, it has to pass Host on, or to ` +
        'set X-Forwarded-Host.',
    );
  }
  const isNavigation =
    isPage && isReading(method) && headers['sec-fetch-mode'] === 'navigate' && origin === undefined;
  const site = headers['sec-fetch-site'] ?? 'none';
  if (site === 'same-origin' || site === 'none' || isWithout || isNavigation) return;
  throw new Refusal(403, 'A page of another site may not ask here.');
}

/** The page's own script asks, where the page has no origin; so may any other that has none. */
export const isFromPageWithoutOrigin = (
  { headers }: Pick<IncomingMessage, 'headers'>,
  { isOwnOrigin }: Pick<Home, 'isOwnOrigin'>,
): boolean => headers.origin === 'null' && !isOwnOrigin;

export const isReading = (method: string | undefined): boolean => method === 'GET' || method === 'HEAD';

const DEFAULT_PORTS: Readonly<Record<string, string>> = { http: ':80', https: ':443' };

/** Whether a page of this origin is one of the name that was asked: a browser leaves out a port that goes without saying. */
function isOwn(origin: string, headers: IncomingMessage['headers']): boolean {
  const [, scheme = '', host = ''] = /^(https?):\/\/([^/@\s,]+)$/i.exec(origin) ?? [];
  const port = DEFAULT_PORTS[scheme.toLowerCase()];
  if (port === undefined) return false;
  const named = (name: string): string => {
    const lower = name.toLowerCase();
    return lower.endsWith(port) ? lower.slice(0, -port.length) : lower;
  };
  const own = named(host);
  return own !== '' && hostsOf(headers).some((name) => named(name) === own);
}

/** No page can set the second one: a browser asks here first, and is refused. Of several proxies the first one met the browser. */
function hostsOf({ host, 'x-forwarded-host': forwarded }: IncomingMessage['headers']): readonly string[] {
  const [first = ''] = String(forwarded ?? '').split(',');
  return [host ?? '', first.trim()];
}

const shown = (text: string): string => JSON.stringify(text.slice(0, 100));
