// The access token of an OAuth2 credential where no node runs that n8n could refresh it for (RFC 6749, 6). What comes of it is
// kept in this process alone: n8n keeps its own, and refreshes that by itself.
// Invariant: neither a token nor what the provider answered stands in an error.
import type { ICredentialDataDecryptedObject } from 'n8n-workflow';
import { processWide } from '../../../engine/runtime/process-wide';
import { titleOf } from '../n8n/credential-name';
import type { CredentialRef } from './smtp-credential';

/** One that ends sooner might do so before the server looks at it. */
const LEAST_LEFT_MS = 60_000;
const ANSWER_MS = 30_000;

interface Token {
  readonly access: string;
  /** Of the credential as it was: who signs in anew gets other tokens. */
  readonly refresh: string;
  /** ms since 1970: providers speak of seconds from now, and n8n of this clock. */
  readonly until: number;
}

const tokens = processWide('tokens-outside', () => new Map<string, Token>());

/** @param data the credential as it is stored @throws Error for people: somebody has to sign in, or the provider is away */
export async function tokenOutside(
  data: ICredentialDataDecryptedObject,
  { id, name, type }: CredentialRef,
  signal: AbortSignal,
): Promise<string> {
  const stored = data['oauthTokenData'] as Readonly<Record<string, unknown>> | undefined;
  const access = text(stored?.['access_token']);
  const refresh = text(stored?.['refresh_token']);
  const isGood = (until: number): boolean => until - Date.now() > LEAST_LEFT_MS;
  // n8n notes when it ends, in ms since 1970, as text.
  if (access !== '' && isGood(Number(stored?.['n8n_expires_at'] ?? NaN))) return access;
  const own = tokens.get(id);
  if (own?.refresh === refresh && isGood(own.until)) return own.access;
  const title = titleOf(name, type);
  if (refresh === '')
    throw new Error(
      `the credential ${title} is not connected. Open it in n8n, and sign in with your mail account`,
    );
  const answer = await ask(data, refresh, title, signal);
  const fresh = text(answer['access_token']);
  if (fresh === '') throw new Error(`the provider of the credential ${title} gave no access token`);
  const lastsMs = Number(answer['expires_in'] ?? 0) * 1_000;
  tokens.set(id, { access: fresh, refresh, until: Date.now() + lastsMs });
  return fresh;
}

async function ask(
  data: ICredentialDataDecryptedObject,
  refresh: string,
  title: string,
  signal: AbortSignal,
): Promise<Readonly<Record<string, unknown>>> {
  const answer = await fetch(tokenUrl(data), {
    method: 'POST',
    redirect: 'error',
    body: new URLSearchParams({
      ...{ grant_type: 'refresh_token', refresh_token: refresh },
      ...{ client_id: text(data['clientId']), client_secret: text(data['clientSecret']) },
    }),
    signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]),
  }).catch(() => null);
  if (!answer)
    throw new Error(`the provider of the credential ${title} could not be asked for an access token`);
  if (answer.status === 400 || answer.status === 401)
    throw new Error(
      `the credential ${title} cannot be refreshed. Open it in n8n, and sign in with your mail account`,
    );
  if (!answer.ok)
    throw new Error(`the provider of the credential ${title} gave no access token (HTTP ${answer.status})`);
  return (await answer.json().catch(() => ({}))) as Readonly<Record<string, unknown>>;
}

/** As credentials/oauth2-provider.ts has it for n8n. */
function tokenUrl(data: ICredentialDataDecryptedObject): string {
  switch (data['provider']) {
    case 'gmail':
      return 'https://oauth2.googleapis.com/token';
    case 'microsoft':
      return `https://login.microsoftonline.com/${encodeURIComponent(text(data['tenant']) || 'common')}/oauth2/v2.0/token`;
    default:
      return text(data['otherAccessTokenUrl']);
  }
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '');
