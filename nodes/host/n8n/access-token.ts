// The access token of an OAuth2 credential, fresh enough for a login. n8n keeps the credential and refreshes it, one
// process at a time.
// Invariant: neither a token nor what the token endpoint answered stands in an error.
import { createHash } from 'node:crypto';
import type { ICredentialDataDecryptedObject, ITriggerFunctions, RequestHelperFunctions } from 'n8n-workflow';
import { processWide } from '../../../engine/runtime/process-wide';
import { monotonicNow, withDeadline } from '../../../engine/runtime/time';
import { credentialTitle } from './credential-name';
import { refreshedToken, refreshRefusal } from './newer';

/** What every context of n8n has in which a token is read: a trigger's, a run's, and that of a list in the editor. */
export type TokenContext = Pick<ITriggerFunctions, 'getCredentials' | 'getNode'> & {
  readonly helpers: Pick<RequestHelperFunctions, 'refreshOAuth2Token'>;
};

/**
 * Why there is no token. Whoever logs in makes its own kind of fault of it.
 * - `login`: the credential must be reconnected;
 * - `unreachable`: its provider could not be asked
 */
export class TokenFault extends Error {
  override readonly name = 'TokenFault';

  constructor(
    readonly kind: 'login' | 'unreachable',
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** A token that expires sooner might do so before the server looks at it. */
const LEAST_LEFT_MS = 5 * 60_000;
/** Many workflows may use one credential: what one of them refreshed just now is fresh for all. */
const FRESH_MS = 60_000;
/** One that was rejected so soon after it was made is not the reason: another would be rejected, too. */
const FRESH_REJECTED_MS = 10_000;
/** n8n itself would wait 5 minutes for an answer. */
const ANSWER_MS = 30_000;

/** What each credential was last refreshed to in this process, and when, by the monotonic clock. */
const refreshed = processWide(
  'access-tokens',
  () => new Map<string, { readonly access: string; readonly at: number }>(),
);

/**
 * @param data the credential as it is stored now
 * @param afterRejection the server did not take the stored token
 * @throws TokenFault
 */
export async function freshAccessToken(
  context: TokenContext,
  type: string,
  data: ICredentialDataDecryptedObject,
  afterRejection: boolean,
): Promise<string> {
  const stored = tokens(data['oauthTokenData']);
  const name = credentialTitle(context.getNode(), type);
  if (!isConnected(data)) throw reconnect(name, 'is not connected');
  const key = context.getNode().credentials?.[type]?.id ?? type;
  const leftMs = stored.expiresAt === undefined ? undefined : stored.expiresAt - Date.now();
  const last = refreshed.get(key);
  const freshMs = afterRejection ? FRESH_REJECTED_MS : FRESH_MS;
  const isFresh = last?.access === stored.access && monotonicNow() - last.at < freshMs;
  const lasts = !afterRejection && leftMs !== undefined && leftMs > LEAST_LEFT_MS;
  if (stored.access && (isFresh || lasts)) return stored.access;
  const refusal = refreshRefusal(context);
  if (refusal !== null) {
    if (stored.access && !afterRejection && (leftMs === undefined || leftMs > 0)) return stored.access;
    throw new TokenFault('login', refusal);
  }
  try {
    const refreshing = refreshedToken(context, type);
    const { access } = tokens(await withDeadline('Refreshing the access token', ANSWER_MS, refreshing));
    if (!access) throw new Error('There is no access token in the answer');
    refreshed.set(key, { access, at: monotonicNow() });
    return access;
  } catch (cause) {
    // One that may still be good is better than none: the server will say.
    if (stored.access && !afterRejection && (leftMs === undefined || leftMs > 0)) return stored.access;
    throw isRefused(cause) ? reconnect(name, 'cannot be refreshed', cause) : noAnswer(name, cause);
  }
}

/** Whether anybody has ever signed in with the credential. */
export function isConnected(data: ICredentialDataDecryptedObject): boolean {
  const { access, refresh } = tokens(data['oauthTokenData']);
  return access !== '' || refresh !== '';
}

/** Names the grant of a credential, without telling it: it changes when somebody signs in anew. */
export const grantOf = (data: ICredentialDataDecryptedObject): string =>
  createHash('sha256').update(tokens(data['oauthTokenData']).refresh).digest('hex');

const reconnect = (name: string, what: string, cause?: unknown): TokenFault =>
  new TokenFault(
    'login',
    `The credential ${name} ${what}. Reconnect it: open it in n8n, and sign in with your mail account.`,
    { cause },
  );

const noAnswer = (name: string, cause: unknown): TokenFault =>
  new TokenFault(
    'unreachable',
    `The access token of the credential ${name} could not be refreshed: its provider did not answer as it should.`,
    { cause },
  );

/** Whether the provider answered, and said no: then a person has to sign in again (RFC 6749, 5.2). */
function isRefused(error: unknown): boolean {
  const { body, status, message } = error as { body?: unknown; status?: unknown; message?: unknown };
  if (/^(invalid_|unauthorized_)/.test(text(body, 'error'))) return true;
  if (status === 400 || status === 401 || status === 403) return true;
  // What n8n makes of it where it knows that the grant is gone, or that there never was one.
  return typeof message === 'string' && /reconnect|not connected/.test(message);
}

function tokens(data: unknown): { access: string; refresh: string; expiresAt: number | undefined } {
  // n8n adds when the token ends, in ms since 1970, as text; tokens from before it did so have none.
  const expiresAt = Number((data as { n8n_expires_at?: unknown } | undefined)?.n8n_expires_at ?? NaN);
  return {
    access: text(data, 'access_token'),
    refresh: text(data, 'refresh_token'),
    expiresAt: Number.isFinite(expiresAt) ? expiresAt : undefined,
  };
}

function text(data: unknown, name: string): string {
  const value: unknown = typeof data === 'object' && data !== null ? Reflect.get(data, name) : undefined;
  return typeof value === 'string' ? value : '';
}
