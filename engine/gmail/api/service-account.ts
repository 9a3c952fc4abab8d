// Access tokens of a Google service account: a signed JWT is traded for one (RFC 7523; RS256, RFC 7518, 3.3):
// https://developers.google.com/identity/protocols/oauth2/service-account#httprest.
// Invariant: neither the key nor a token stands in an error.
import { createPrivateKey, type KeyObject, sign } from 'node:crypto';
import { monotonicNow, withDeadline } from '../../runtime/time';
import { GmailFault } from './fault';
import type { HttpAnswer, SendHttp } from '../../http/send';
import type { AccessToken } from './login';
import { shortly } from './verdict';

const LIFETIME_S = 3600;
/** A token that ends sooner is not begun with. */
const LEAST_LEFT_MS = 5 * 60_000;
const TIMEOUT_MS = 30_000;
const GRACE_MS = 5_000;

export interface ServiceAccount {
  /** …@….iam.gserviceaccount.com */
  readonly email: string;
  /** PEM, also with its line ends written as "\n". */
  readonly privateKey: string;
  /** Whose data is read, by domain-wide delegation; without it, the service account's own. */
  readonly subject?: string;
  readonly scopes: readonly string[];
  /** https://oauth2.googleapis.com/token */
  readonly tokenUrl: string;
  readonly send: SendHttp;
  /** Ms since 1970, for what Google reads. */
  readonly wallClock?: () => number;
  /** Ms, monotonic. */
  readonly now?: () => number;
}

/** One request is under way at a time, and its token handed out until 5 minutes before its end. */
export function serviceAccountToken(account: ServiceAccount): AccessToken {
  const now = account.now ?? monotonicNow;
  let held: { readonly token: string; readonly until: number } | null = null;
  let asking: Promise<string> | null = null;

  async function ask(): Promise<string> {
    const at = now();
    const { token, lifetimeMs } = await trade(account);
    held = { token, until: at + Math.max(lifetimeMs - LEAST_LEFT_MS, lifetimeMs / 2) };
    return token;
  }

  return async (afterRejection) => {
    if (held && !afterRejection && now() < held.until) return held.token;
    asking ??= ask().finally(() => (asking = null));
    return asking;
  };
}

async function trade(account: ServiceAccount): Promise<{ token: string; lifetimeMs: number }> {
  const form = new URLSearchParams({
    grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
    assertion: assertion(account),
  });
  const stop = new AbortController();
  let answer: HttpAnswer;
  try {
    const sent = account.send({
      method: 'POST',
      url: account.tokenUrl,
      headers: { accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded' },
      body: form.toString(),
      timeoutMs: TIMEOUT_MS,
      signal: stop.signal,
    });
    answer = await withDeadline('The token endpoint', TIMEOUT_MS + GRACE_MS, sent);
  } catch {
    // What it is may hold the request: it is not passed on.
    throw unreachable(account, 'it did not answer');
  } finally {
    stop.abort();
  }
  return readToken(account, answer);
}

function readToken(account: ServiceAccount, answer: HttpAnswer): { token: string; lifetimeMs: number } {
  const fields = parsed(answer.body);
  const { access_token: token, expires_in: lifetime, error, error_description: words } = fields;
  if (answer.status === 200 && typeof token === 'string' && token !== '')
    return { token, lifetimeMs: (Number(lifetime) || LIFETIME_S) * 1000 };
  if (answer.status >= 400 && answer.status < 500 && answer.status !== 429 && typeof error === 'string')
    throw refused(account, error, typeof words === 'string' ? words : '');
  throw unreachable(account, `it answered with status ${answer.status}, and no token`);
}

function assertion(account: ServiceAccount): string {
  const key = privateKey(account);
  const issuedAt = Math.floor((account.wallClock ?? Date.now)() / 1000);
  const claims = {
    iss: account.email,
    scope: account.scopes.join(' '),
    aud: account.tokenUrl,
    iat: issuedAt,
    exp: issuedAt + LIFETIME_S,
    ...(account.subject !== undefined && { sub: account.subject }),
  };
  const signed = [{ alg: 'RS256', typ: 'JWT' }, claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.');
  return `${signed}.${sign('sha256', Buffer.from(signed), key).toString('base64url')}`;
}

function privateKey(account: ServiceAccount): KeyObject {
  try {
    const key = createPrivateKey(asPem(account.privateKey));
    if (key.asymmetricKeyType === 'rsa') return key;
  } catch {
    // It is said below what is wrong; the reason may hold a piece of the key.
  }
  throw new GmailFault(
    'login',
    `The private key of the service account ${account.email} cannot be read. Copy the whole "private_key" from its JSON ` +
      'file into the credential, from "-----BEGIN PRIVATE KEY-----" to "-----END PRIVATE KEY-----".',
  );
}

/** A key that was copied out of JSON, or lost its line ends in a field of one line, as PEM again (RFC 7468). */
function asPem(stored: string): string {
  const text = stored.replaceAll('\\r', '').replaceAll('\\n', '\n');
  const [, name, body] = /-----BEGIN ([A-Z ]+)-----(.+?)-----END \1-----/s.exec(text) ?? [];
  if (name === undefined || body === undefined) return text;
  const lines = body.replace(/\s+/g, '').match(/.{1,64}/g) ?? [];
  return [`-----BEGIN ${name}-----`, ...lines, `-----END ${name}-----`, ''].join('\n');
}

function refused(account: ServiceAccount, error: string, words: string): GmailFault {
  const said = shortly(words ? `${error}: ${words}` : error);
  const forWhom = account.subject === undefined ? '' : ` for ${account.subject}`;
  return new GmailFault(
    'login',
    `Google gives the service account ${account.email} no access${forWhom} (${said}). ${remedy(account, words)}`,
  );
}

function remedy({ subject, scopes }: ServiceAccount, words: string): string {
  if (/iat|exp\b|timeframe/.test(words)) return 'Check the clock of this machine.';
  if (/signature/i.test(words))
    return 'Its key was deleted or is another one: enter a new key in the credential.';
  if (subject === undefined) return 'Check that it still exists, and that its key is still good.';
  return (
    `Check that the mailbox ${subject} exists, and allow the client ID of the service account (its "Unique ID") under ` +
    `Security > API controls > Domain-wide delegation in the Google Admin console, with exactly: ${scopes.join(', ')}.`
  );
}

const unreachable = ({ email, tokenUrl }: ServiceAccount, what: string): GmailFault =>
  new GmailFault(
    'unreachable',
    `There is no access token for the service account ${email} just now: ${what}. Check that this machine reaches ${tokenUrl}.`,
  );

function parsed(body: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
