// The access token of an OAuth2 credential where no node runs that n8n could refresh it for (RFC 6749, 6). What comes of it is
// given to n8n, which keeps it as if a node had asked; where it does not take it, this process does.
// Invariants: neither a token nor what the provider answered stands in an error; a credential is refreshed once at a time here, since
// a provider may take each refresh token once.
import type { ICredentialDataDecryptedObject } from 'n8n-workflow';
import { GOOGLE } from '../../../engine/gmail/api/google';
import { processWide } from '../../../engine/runtime/process-wide';
import { titleOf } from '../n8n/credential-name';
import { storeRefreshedToken } from '../n8n/internals';
import { type CredentialRef, DEFAULT_PROVIDER } from './smtp-credential';

/** One that ends sooner might do so before the server looks at it. */
const LEAST_LEFT_MS = 60_000;
/** Of one whose provider does not say how long it lasts. */
const LASTS_MS = 5 * 60_000;
const ANSWER_MS = 30_000;

interface Token {
  readonly access: string;
  /** Of the credential as it was: who signs in anew gets other tokens. */
  readonly refresh: string;
  /** What it is refreshed with next. */
  readonly next: string;
  /** ms since 1970: providers speak of seconds from now, and n8n of this clock. */
  readonly until: number;
}

const tokens = processWide('tokens-outside', () => new Map<string, Token>());
const refreshing = processWide('tokens-refreshing', () => new Map<string, Promise<Token>>());

/**
 * @param data the credential as it is stored
 * @param rejected the server has just not taken this one
 * @throws Error for people: somebody has to sign in, or the provider is away
 */
export async function tokenOutside(
  data: ICredentialDataDecryptedObject,
  credential: CredentialRef,
  signal: AbortSignal,
  rejected?: string,
): Promise<string> {
  const stored = data['oauthTokenData'] as Readonly<Record<string, unknown>> | undefined;
  const access = text(stored?.['access_token']);
  const refresh = text(stored?.['refresh_token']);
  const isGood = (token: string, until: number): boolean =>
    token !== '' && token !== rejected && until - Date.now() > LEAST_LEFT_MS;
  // n8n notes when it ends, in ms since 1970, as text.
  if (isGood(access, Number(stored?.['n8n_expires_at'] ?? NaN))) return access;
  const known = tokens.get(credential.id);
  const own = known?.refresh === refresh ? known : undefined;
  if (own && isGood(own.access, own.until)) return own.access;
  if (refresh === '')
    throw new Error(
      `the credential ${titleOf(credential.name, credential.type)} is not connected. Open it in n8n, and sign in with your mail account`,
    );
  const name = `${credential.id} ${refresh}`;
  const running = refreshing.get(name);
  if (running) return (await running).access;
  const asking = refreshed(data, credential, { refresh, with: own?.next ?? refresh }, signal);
  refreshing.set(name, asking);
  try {
    return (await asking).access;
  } finally {
    refreshing.delete(name);
  }
}

async function refreshed(
  data: ICredentialDataDecryptedObject,
  credential: CredentialRef,
  by: { readonly refresh: string; readonly with: string },
  signal: AbortSignal,
): Promise<Token> {
  const { id, name, type } = credential;
  const title = titleOf(name, type);
  const answer = await ask(data, by.with, title, signal);
  const access = text(answer['access_token']);
  if (access === '') throw new Error(`the provider of the credential ${title} gave no access token`);
  const next = text(answer['refresh_token']) || by.with;
  const lastsMs = Number(answer['expires_in']) * 1_000 || LASTS_MS;
  const token = { access, refresh: by.refresh, next, until: Date.now() + lastsMs };
  tokens.set(id, token);
  const fields = { access_token: access, refresh_token: next, n8n_expires_at: String(token.until) };
  // What n8n does not take counts here, as long as this process runs.
  await storeRefreshedToken({ id, name }, type, by.refresh, fields).catch(() => false);
  return token;
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
  switch (text(data['provider']) || DEFAULT_PROVIDER) {
    case 'gmail':
      return GOOGLE.token;
    case 'microsoft':
      return `https://login.microsoftonline.com/${encodeURIComponent(text(data['tenant']) || 'common')}/oauth2/v2.0/token`;
    default:
      return text(data['otherAccessTokenUrl']);
  }
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '');
