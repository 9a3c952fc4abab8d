// The access token of an account of the configuration: traded for its refresh token (RFC 6749, 6), and kept while it lasts.
// Invariants: neither a token nor what the endpoint answered stands in an error; one request at a time for an account; a new
// refresh token that the provider hands out is used from then on, and only in this process: it has no place to keep it.
import { ImapFault } from '../../engine/imap/session/fault';
import { monotonicNow } from '../../engine/runtime/time';
import { readSecret, type SecretPlace } from './secret';

/** One that ends sooner is not begun with. */
const LEAST_LEFT_MS = 5 * 60_000;
/** Where the provider does not say how long it lasts (RFC 6749, 5.1). */
const LIFETIME_S = 3_600;
const ANSWER_MS = 30_000;

export interface TokenSource {
  readonly tokenUrl: string;
  readonly clientId: string;
  readonly clientSecret?: SecretPlace | undefined;
  readonly refreshToken: SecretPlace;
  readonly scope?: string | undefined;
}

interface Held {
  readonly token: string;
  /** Monotonic. */
  readonly until: number;
}

/** @param who for people @returns throws ImapFault `login`, `unreachable` */
export function accessToken(who: string, source: TokenSource): (afterRejection: boolean) => Promise<string> {
  let held: Held | null = null;
  let asking: Promise<string> | null = null;
  /** What the provider has handed out for the one that is configured. */
  let rotated: { readonly configured: string; readonly refresh: string } | null = null;

  const ask = async (): Promise<string> => {
    const configured = secretOf(who, source.refreshToken);
    const refresh = rotated?.configured === configured ? rotated.refresh : configured;
    const began = monotonicNow();
    const answer = await trade(who, source, refresh);
    if (answer.refresh) rotated = { configured, refresh: answer.refresh };
    held = {
      token: answer.token,
      until: began + Math.max(answer.lifetimeMs - LEAST_LEFT_MS, answer.lifetimeMs / 2),
    };
    return answer.token;
  };

  return async (afterRejection) => {
    if (held && !afterRejection && monotonicNow() < held.until) return held.token;
    asking ??= ask().finally(() => (asking = null));
    return asking;
  };
}

async function trade(
  who: string,
  { tokenUrl, clientId, clientSecret, scope }: TokenSource,
  refresh: string,
): Promise<{ token: string; refresh: string | null; lifetimeMs: number }> {
  const form = new URLSearchParams({
    grant_type: 'refresh_token',
    refresh_token: refresh,
    client_id: clientId,
  });
  if (clientSecret) form.set('client_secret', secretOf(who, clientSecret));
  if (scope !== undefined) form.set('scope', scope);
  const host = new URL(tokenUrl).host;
  let status: number;
  let said: Readonly<Record<string, unknown>>;
  try {
    const answer = await fetch(tokenUrl, {
      method: 'POST',
      headers: { accept: 'application/json' },
      body: form,
      redirect: 'error',
      signal: AbortSignal.timeout(ANSWER_MS),
    });
    status = answer.status;
    said = { ...((await answer.json().catch(() => null)) as object | null) };
  } catch {
    throw new ImapFault(
      'unreachable',
      `${who} has no access token now: ${host} did not answer. It is asked again.`,
    );
  }
  const { access_token: token, expires_in: lifetime, refresh_token: next, error } = said;
  if (status === 200 && typeof token === 'string' && token !== '') {
    const lifetimeMs = (Number(lifetime) || LIFETIME_S) * 1_000;
    return { token, lifetimeMs, refresh: typeof next === 'string' && next !== '' ? next : null };
  }
  if (status >= 400 && status < 500 && status !== 429) {
    const word = typeof error === 'string' && /^[a-z_]{1,40}$/.test(error) ? error : `status ${status}`;
    throw new ImapFault(
      'login',
      `${who} gets no access token: ${host} refuses its refresh token (${word}). Sign in again for a new one, and check clientId ` +
        'and clientSecret.',
    );
  }
  throw new ImapFault(
    'unreachable',
    `${who} has no access token now: ${host} answered with status ${status}. It is asked again.`,
  );
}

function secretOf(who: string, place: SecretPlace): string {
  try {
    return readSecret(place);
  } catch (error) {
    throw new ImapFault('login', `${who} cannot log in: ${(error as Error).message}.`, { cause: error });
  }
}
