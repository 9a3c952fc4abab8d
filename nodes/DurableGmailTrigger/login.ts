// Whose mail is read and how Gmail is reached for it, from the credential that the node names, as it is stored now.
// Invariant: what can never work throws a NodeOperationError that names the setting; whatever time may cure throws a
// GmailFault; no secret stands in either; a token never opens another account than the login's.
import { createHash } from 'node:crypto';
import type { ICredentialDataDecryptedObject, IDataObject } from 'n8n-workflow';
import { GmailFault } from '../../engine/gmail/api/fault';
import type { AccessToken, GmailCredential, GmailLogin } from '../../engine/gmail/api/login';
import { errorText } from '../../engine/runtime/log';
import { monotonicNow, withDeadline } from '../../engine/runtime/time';
import {
  freshAccessToken,
  grantOf,
  isConnected,
  type TokenContext,
  TokenFault,
} from '../host/n8n/access-token';
import { credentialTitle, credentialType } from '../host/n8n/credential-name';
import { type HttpContext, sendHttp } from '../host/n8n/http';
import { rawParameters } from '../host/n8n/internals';
import { refuseWithoutRefresh } from '../host/n8n/newer';
import { nodeError } from '../host/n8n/node-error';
import { named } from '../host/trigger/parameters';
import { accountAddress } from './account-address';
import { type GmailEndpoints, gmailEndpoints } from './endpoints';
import { accountToken, delegatedAddress, pubsubAccountToken } from './service-account';

/** Every context of n8n in which a login is read: a trigger's, a run's, a webhook's, and that of a list in the editor. */
export type GmailLoginContext = TokenContext & HttpContext;

const OAUTH2 = 'gmailOAuth2';
const SERVICE_ACCOUNT = 'googleApi';

/** So long a token is handed out without a look at what is stored; it lasts longer than that (access-token.ts). */
const HELD_MS = 60_000;
/** n8n waits for its database without end. */
const STORED_MS = 30_000;

/**
 * The login as it is stored now, whatever the node's parameters were resolved to: they must not be expressions.
 * @throws NodeOperationError if it can never work; GmailFault if it cannot be found out now whose mail it opens
 */
export async function readGmailLogin(context: GmailLoginContext): Promise<GmailLogin> {
  const settings = endpointsOf(context);
  const { endpoints, quota } = settings;
  const send = sendHttp(context);
  if (authentication(context) === 'serviceAccount') {
    const data = await storedNow(context, SERVICE_ACCOUNT);
    const address = named(context, () => delegatedAddress(data, credentialName(context)));
    const token = accountToken(context, data, address, settings.tokenUrl);
    const more = { ...credentialOf(context), stored: nameOfStored(data) };
    return { address, token, send, endpoints, quota, ...more };
  }
  const stored = await storedNow(context, OAUTH2);
  const first = await gmailToken(context, stored, false);
  const addressOf = (data: ICredentialDataDecryptedObject, token: string): Promise<string> =>
    accountAddress(
      { key: context.getNode().credentials?.[OAUTH2]?.id ?? '', name: credentialName(context) },
      grantOf(data),
      { token: renewable(context, token), send, endpoints, quota },
    );
  const address = await addressOf(stored, first);
  let held = { token: first, at: monotonicNow() };
  const token: AccessToken = async (afterRejection) => {
    if (!afterRejection && monotonicNow() - held.at < HELD_MS) return held.token;
    const data = await storedNow(context, OAUTH2);
    const fresh = await gmailToken(context, data, afterRejection);
    // Somebody has signed in anew meanwhile: it may be another account.
    if (grantOf(data) !== grantOf(stored) && (await addressOf(data, fresh)) !== address)
      throw new GmailFault(
        'unreachable',
        `The credential ${credentialName(context)} does not open ${address} any more.`,
      );
    held = { token: fresh, at: monotonicNow() };
    return fresh;
  };
  const more = { ...credentialOf(context), stored: nameOfStored(stored) };
  return { address, token, send, endpoints, quota, ...more };
}

/** Names what is stored as the login now, without telling it. Asks nobody but n8n. @throws GmailFault */
export const storedGmailLogin = async (context: GmailLoginContext): Promise<string> =>
  nameOfStored(await storedNow(context, loginType(context)));

/** What a person has entered or signed in with: a token that n8n has refreshed is no other login. */
function nameOfStored(data: ICredentialDataDecryptedObject): string {
  const { oauthTokenData, ...entered } = data;
  const { refresh_token: grant, scope } = (oauthTokenData ?? {}) as IDataObject;
  const login = JSON.stringify([entered, grant ? { grant, scope } : oauthTokenData]);
  return createHash('sha256').update(login).digest('hex');
}

function credentialOf(context: GmailLoginContext): { readonly credential?: GmailCredential } {
  const type = loginType(context);
  const { id, name } = context.getNode().credentials?.[type] ?? {};
  return id && name ? { credential: { id, name, type: credentialType(type) } } : {};
}

/**
 * A token for Pub/Sub, of the service account itself.
 * @throws NodeOperationError if it can never work; GmailFault if the credential cannot be read now
 */
export async function pubsubToken(context: GmailLoginContext): Promise<AccessToken> {
  const { tokenUrl } = endpointsOf(context);
  const data = await storedNow(context, SERVICE_ACCOUNT);
  return named(context, () =>
    pubsubAccountToken(context, data, credentialName(context, SERVICE_ACCOUNT), tokenUrl),
  );
}

/**
 * Checks, without asking anybody, that the stored login may work: for publishing, which must not fail because Google
 * is away.
 * @throws NodeOperationError that names what can never work
 */
export async function checkGmailLogin(context: GmailLoginContext): Promise<void> {
  endpointsOf(context);
  if (authentication(context) === 'serviceAccount') {
    const data = await context.getCredentials(SERVICE_ACCOUNT);
    named(context, () => delegatedAddress(data, credentialName(context)));
  } else {
    named(context, () => refuseWithoutRefresh(context));
    if (!isConnected(await context.getCredentials(OAUTH2))) {
      throw nodeError(
        context.getNode(),
        `The credential ${credentialName(context)} is not connected. Open it, and sign in with your Google account.`,
      );
    }
  }
  if (rawParameters(context.getNode())['notifications'] === 'pull') await pubsubToken(context);
}

/** The credential that the node logs in with, for people. */
export function credentialName(
  context: Pick<GmailLoginContext, 'getNode'>,
  type = loginType(context),
): string {
  return credentialTitle(context.getNode(), type);
}

/** The type of the credential that it logs in with. */
const loginType = (context: Pick<GmailLoginContext, 'getNode'>): typeof OAUTH2 | typeof SERVICE_ACCOUNT =>
  authentication(context) === 'serviceAccount' ? SERVICE_ACCOUNT : OAUTH2;

const authentication = (context: Pick<GmailLoginContext, 'getNode'>): 'oAuth2' | 'serviceAccount' =>
  rawParameters(context.getNode())['authentication'] === 'serviceAccount' ? 'serviceAccount' : 'oAuth2';

const endpointsOf = (context: GmailLoginContext): GmailEndpoints =>
  named(context, () => gmailEndpoints(context.getNode()));

/** For the one question whose the mail is: with the token that is there, and another one if it is rejected. */
const renewable =
  (context: GmailLoginContext, token: string): AccessToken =>
  async (afterRejection) =>
    afterRejection ? gmailToken(context, await storedNow(context, OAUTH2), true) : token;

/** @throws GmailFault */
async function storedNow(
  context: GmailLoginContext,
  type: typeof OAUTH2 | typeof SERVICE_ACCOUNT,
): Promise<ICredentialDataDecryptedObject> {
  try {
    return await withDeadline('n8n', STORED_MS, context.getCredentials(type));
  } catch (error) {
    throw unreadable(credentialName(context, type), error);
  }
}

/** @throws GmailFault `login`, `unreachable` */
async function gmailToken(
  context: GmailLoginContext,
  data: ICredentialDataDecryptedObject,
  afterRejection: boolean,
): Promise<string> {
  try {
    return await freshAccessToken(context, OAUTH2, data, afterRejection);
  } catch (error) {
    throw toFault(error);
  }
}

const unreadable = (name: string, error: unknown): GmailFault =>
  new GmailFault('unreachable', `The credential ${name} cannot be read from n8n: ${errorText(error)}`);

/** Without its cause: that may hold what the provider was sent. */
const toFault = (error: unknown): unknown =>
  error instanceof TokenFault ? new GmailFault(error.kind, error.message) : error;
