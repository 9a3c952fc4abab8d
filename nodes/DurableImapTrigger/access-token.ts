// The access token of an OAuth2 credential, fresh enough for a login, and whose it is. n8n keeps the credential and
// refreshes it, one process at a time.
// Invariant: neither a token nor what the token endpoint answered stands in an error.
import type {
  IAllExecuteFunctions,
  ICredentialDataDecryptedObject,
  ITriggerFunctions,
  RequestHelperFunctions,
} from 'n8n-workflow';
import { ImapFault } from '../../engine/imap/session/fault';
import { monotonicNow, withDeadline } from '../../engine/runtime/time';

/** What every context of n8n has in which a login is read: a trigger's, a run's, and that of a list in the editor. */
export type LoginContext = Pick<ITriggerFunctions, 'getCredentials' | 'getNode'> & {
  readonly helpers: Pick<RequestHelperFunctions, 'refreshOAuth2Token' | 'httpRequestWithAuthentication'>;
};

/** A token that expires sooner might do so before the server looks at it. */
const LEAST_LEFT_MS = 5 * 60_000;
/** Many workflows may use one credential: what one of them refreshed just now is fresh for all. */
const FRESH_MS = 60_000;
/** n8n itself would wait 5 minutes for an answer. */
const ANSWER_MS = 30_000;
const PROFILE_URL = 'https://gmail.googleapis.com/gmail/v1/users/me/profile';

const ENTER_IT = 'Enter it as "Email Address" in the trigger.';

/** What each credential was last refreshed to in this process, and when, by the monotonic clock. */
const refreshed = new Map<string, { readonly access: string; readonly at: number }>();
/** Whose mailbox each Gmail credential opens, for as long as it holds the same grant. */
const addresses = new Map<string, { readonly grant: string; readonly address: string }>();

/**
 * @param data the credential as it is stored now
 * @param afterRejection the server did not take the stored token
 * @throws ImapFault `login`: the credential must be reconnected; `unreachable`: its provider could not be asked
 */
export async function freshAccessToken(
  context: LoginContext,
  type: string,
  data: ICredentialDataDecryptedObject,
  afterRejection: boolean,
): Promise<string> {
  const stored = tokens(data['oauthTokenData']);
  const credential = context.getNode().credentials?.[type];
  const name = credential ? `"${credential.name}"` : `of type ${type}`;
  if (!isConnected(data)) throw reconnect(name, 'is not connected');
  const key = credential?.id ?? type;
  const leftMs = stored.expiresAt === undefined ? undefined : stored.expiresAt - Date.now();
  const last = refreshed.get(key);
  const isFresh = last?.access === stored.access && monotonicNow() - last.at < FRESH_MS;
  const lasts = !afterRejection && leftMs !== undefined && leftMs > LEAST_LEFT_MS;
  if (stored.access && (isFresh || lasts)) return stored.access;
  try {
    const refreshing = context.helpers.refreshOAuth2Token.call(context as IAllExecuteFunctions, type);
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

/** Whose mailbox a Gmail credential opens, as Google says. @throws ImapFault */
export async function gmailAddress(
  context: LoginContext,
  data: ICredentialDataDecryptedObject,
): Promise<string> {
  const key = context.getNode().credentials?.['gmailOAuth2']?.id ?? '';
  const grant = tokens(data['oauthTokenData']).refresh;
  const known = addresses.get(key);
  if (known && known.grant === grant) return known.address;
  let profile: unknown;
  try {
    const request = { url: PROFILE_URL, json: true };
    const asking = context.helpers.httpRequestWithAuthentication.call(
      context as IAllExecuteFunctions,
      'gmailOAuth2',
      request,
    );
    profile = await withDeadline('Asking for the email address', ANSWER_MS, asking);
  } catch (cause) {
    throw notAsked(cause);
  }
  const address = text(profile, 'emailAddress');
  if (!address)
    throw new ImapFault('other', `Google did not say whose mailbox the credential opens. ${ENTER_IT}`);
  addresses.set(key, { grant, address });
  return address;
}

/** Whether anybody has ever signed in with the credential. */
export function isConnected(data: ICredentialDataDecryptedObject): boolean {
  const { access, refresh } = tokens(data['oauthTokenData']);
  return access !== '' || refresh !== '';
}

const reconnect = (name: string, what: string, cause?: unknown): ImapFault =>
  new ImapFault(
    'login',
    `The OAuth2 credential ${name} ${what}. Reconnect it: open it in n8n, and sign in with your mail account.`,
    { cause },
  );

const noAnswer = (name: string, cause: unknown): ImapFault =>
  new ImapFault(
    'unreachable',
    `The access token of the credential ${name} could not be refreshed: its provider did not answer as it should.`,
    { cause },
  );

const notAsked = (cause: unknown): ImapFault =>
  new ImapFault('unreachable', `Google could not be asked whose mailbox the credential opens. ${ENTER_IT}`, {
    cause,
  });

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
