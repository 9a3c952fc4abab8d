// The access token of an account of the configuration: traded for its refresh token (RFC 6749, 6), and kept while it lasts; and how
// that stands in the configuration.
// Invariants: neither a token nor what the endpoint answered stands in an error; one request at a time for an account; a new
// refresh token that the provider hands out is used from then on, and only in this process: it has no place to keep it.
/* eslint-disable @typescript-eslint/explicit-module-boundary-types -- what zod infers is the type */
import type { z } from 'zod/v4';
import { monotonicNow } from '../../engine/runtime/time';
import { named, type Origin, readSecret, type SecretPlace, secretSchema } from './secret';
import { isPlainUrl, mustBe, type Zod } from './words';

const TOKEN_URL = 'the URL of the token endpoint, such as https://login.example.com/token, without a user';

export const tokenUrl = (zod: Zod): z.ZodString =>
  zod
    .string()
    .regex(/^https?:\/\/[^\s/@]/, mustBe(TOKEN_URL))
    .refine(isPlainUrl, mustBe(TOKEN_URL));

export const oauth2Shape = (zod: Zod, origin: Origin) => ({
  clientId: zod.string().min(1, mustBe('a text that is not empty')),
  clientSecret: secretSchema(zod, origin).optional(),
  refreshToken: secretSchema(zod, origin),
});

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

/** Of the kind of the account: `login`, a person has to sign in again; `unreachable`, it passes. */
export type TokenFault = (kind: 'login' | 'unreachable', message: string, more?: ErrorOptions) => Error;

interface Held {
  readonly token: string;
  /** Monotonic. */
  readonly until: number;
}

/** Reads all that it takes, and asks nobody. @throws Error that names what is missing */
export function checkOAuth2(account: string, { refreshToken, clientSecret }: TokenSource): void {
  named(account, 'oauth2.refreshToken', () => readSecret(refreshToken));
  if (clientSecret) named(account, 'oauth2.clientSecret', () => readSecret(clientSecret));
}

/** @param who for people @returns throws what `fault` makes */
export function accessToken(
  who: string,
  source: TokenSource,
  fault: TokenFault,
): (afterRejection: boolean) => Promise<string> {
  let held: Held | null = null;
  let asking: Promise<string> | null = null;
  /** What the provider has handed out for the one that is configured. */
  let rotated: { readonly configured: string; readonly refresh: string } | null = null;

  const ask = async (): Promise<string> => {
    const configured = secretOf(who, source.refreshToken, fault);
    const refresh = rotated?.configured === configured ? rotated.refresh : configured;
    const began = monotonicNow();
    const answer = await trade(who, source, refresh, fault);
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
  fault: TokenFault,
): Promise<{ token: string; refresh: string | null; lifetimeMs: number }> {
  const form = new URLSearchParams({
    grant_type: 'refresh_token',
    refresh_token: refresh,
    client_id: clientId,
  });
  if (clientSecret) form.set('client_secret', secretOf(who, clientSecret, fault));
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
    throw fault('unreachable', `${who} has no access token now: ${host} did not answer. It is asked again.`);
  }
  const { access_token: token, expires_in: lifetime, refresh_token: next, error } = said;
  if (status === 200 && typeof token === 'string' && token !== '') {
    const lifetimeMs = (Number(lifetime) || LIFETIME_S) * 1_000;
    return { token, lifetimeMs, refresh: typeof next === 'string' && next !== '' ? next : null };
  }
  if (status >= 400 && status < 500 && status !== 429) {
    const word = typeof error === 'string' && /^[a-z_]{1,40}$/.test(error) ? error : `status ${status}`;
    throw fault(
      'login',
      `${who} gets no access token: ${host} refuses its refresh token (${word}). Sign in again for a new one, and check clientId ` +
        'and clientSecret.',
    );
  }
  throw fault(
    'unreachable',
    `${who} has no access token now: ${host} answered with status ${status}. It is asked again.`,
  );
}

function secretOf(who: string, place: SecretPlace, fault: TokenFault): string {
  try {
    return readSecret(place);
  } catch (error) {
    throw fault('login', `${who} cannot log in: ${(error as Error).message}.`, { cause: error });
  }
}
