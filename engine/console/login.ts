// Who asks, and what they may: by what they have logged in with, or by a session that was given out for it.
// Invariants: no cookie is read; what a browser sends by itself never acts.
import type { IncomingHttpHeaders } from 'node:http';
import type { Me, Right } from './api';
import type { ConsoleContext } from './context';
import { Refusal } from './refusal';
import { bearerOf, isAmbient } from './rights';
import type { Sessions } from './sessions';

export interface Who {
  readonly right: Right;
  /** Of the login, ms since 1970; undefined: they log in with this very request. */
  readonly since?: number;
}

type Home = Pick<ConsoleContext, 'rights' | 'login'>;

/** @param isPage a browser may ask its user for a name and password @throws Refusal */
export function whoAsks(headers: IncomingHttpHeaders, home: Home, sessions: Sessions, isPage = false): Who {
  const token = bearerOf(headers);
  const session = token === null ? undefined : sessions.check(token);
  if (session === 'expired') {
    throw new Refusal(
      401,
      'This session is over. Log in again, or load the page again.',
      asking(home, isPage),
    );
  }
  if (session) return session;
  const right = session === null ? null : home.rights(withoutCookies(headers));
  if (right) return { right };
  const message =
    headers.authorization === undefined
      ? 'Log in first: a token goes into the header "Authorization: Bearer …".'
      : 'This token, or this name and password, is none of the console.';
  throw new Refusal(401, message, asking(home, isPage));
}

/** @throws Refusal */
export function mayOperate({ right }: Who): void {
  if (right === 'operate') return;
  throw new Refusal(403, 'With this token one may look, and not act. Log in with the one that may operate.');
}

/** Another page can make a browser send its user's name and password here. @throws Refusal */
export function isMeant(headers: IncomingHttpHeaders): void {
  if (!isAmbient(headers)) return;
  throw new Refusal(
    403,
    'A name and password are enough to look, and not to act: send the token of /api/me ("stream") as ' +
      '"Authorization: Bearer …".',
  );
}

export const me = (
  { right, since }: Who,
  sessions: Sessions,
  { version, ledger, showMail, editorUrl }: ConsoleContext,
): Me => ({
  ...{ right, version, ledger: ledger.place, showMail, editor: editorUrl },
  stream: sessions.begin(right, since),
});

const asking = ({ login }: Home, isPage: boolean): Readonly<Record<string, string>> => ({
  'WWW-Authenticate': isPage && login.kind === 'challenge' ? login.challenge : 'Bearer',
});

const withoutCookies = (headers: IncomingHttpHeaders): IncomingHttpHeaders =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => !/^cookie2?$/.test(name)));
