// Reads an IMAP login from the credential that the node names, as it is stored now.
// Invariant: what can never work throws a NodeOperationError that names the field; whatever time may cure throws an
// ImapFault; no secret stands in either.
import type { ICredentialDataDecryptedObject } from 'n8n-workflow';
import { ImapFault } from '../../engine/imap/session/fault';
import type { ImapLogin } from '../../engine/imap/session/login';
import { freshAccessToken, isConnected, type TokenContext, TokenFault } from '../host/n8n/access-token';
import { credentialTitle } from '../host/n8n/credential-name';
import { type ImapType, isOAuth2, type PasswordType, toAccount, toLogin } from '../host/n8n/imap-credential';
import { rawParameters } from '../host/n8n/internals';
import { refuseWithoutRefresh } from '../host/n8n/newer';
import { nodeError } from '../host/n8n/node-error';
import { type AddressContext, gmailAddress } from './gmail-address';

/** What every context of n8n has in which a login is read: a trigger's, a run's, and that of a list in the editor. */
export type LoginContext = TokenContext & AddressContext;

/**
 * The login as it is stored now. An OAuth2 access token that is about to expire is refreshed first.
 * @throws NodeOperationError if it can never work; ImapFault if the token cannot be refreshed now
 */
export async function readLogin(context: LoginContext, type: ImapType): Promise<ImapLogin> {
  const data = await context.getCredentials(type);
  try {
    if (!isOAuth2(type)) return passwordLogin(context, data, type);
    const account = toAccount(data, type, emailAddress(context), credentialTitle(context.getNode(), type));
    const accessToken = await imapToken(context, type, data, false);
    const user = account.user || (await gmailAddress(context, data));
    const renew = async (): Promise<string> =>
      imapToken(context, type, await context.getCredentials(type), true);
    return { ...account, user, proof: { accessToken, renew } };
  } catch (error) {
    throw settingError(context, error);
  }
}

/**
 * Checks, without asking anybody, that the stored login may work: for publishing, which must not fail because a
 * server is away.
 * @throws NodeOperationError that names the field that can never work
 */
export async function checkLogin(context: LoginContext, type: ImapType): Promise<void> {
  const data = await context.getCredentials(type);
  try {
    if (!isOAuth2(type)) passwordLogin(context, data, type);
    else {
      const credential = credentialTitle(context.getNode(), type);
      toAccount(data, type, emailAddress(context), credential);
      refuseWithoutRefresh(context);
      if (!isConnected(data))
        throw new Error(
          `The credential ${credential} is not connected. Open it, and sign in with your mail account.`,
        );
    }
  } catch (error) {
    throw settingError(context, error);
  }
}

/** @throws ImapFault `login`, `unreachable` */
async function imapToken(...asked: Parameters<typeof freshAccessToken>): Promise<string> {
  try {
    return await freshAccessToken(...asked);
  } catch (error) {
    throw toFault(error);
  }
}

const toFault = (error: unknown): unknown =>
  error instanceof TokenFault ? new ImapFault(error.kind, error.message, { cause: error.cause }) : error;

/** A fault of the mail server or of the provider stays what it is. */
const settingError = (context: LoginContext, error: unknown): Error =>
  error instanceof ImapFault ? error : nodeError(context.getNode(), error as Error);

/** Version 1 of the built-in trigger has the certificate's check among its options. */
function passwordLogin(
  context: LoginContext,
  data: ICredentialDataDecryptedObject,
  type: PasswordType,
): ImapLogin {
  const node = context.getNode();
  const login = toLogin(data, type, credentialTitle(node, type));
  const options = rawParameters(node)['options'] as Readonly<Record<string, unknown>> | undefined;
  return options?.['allowUnauthorizedCerts'] === true ? { ...login, allowUnauthorizedCerts: true } : login;
}

/** Gmail's credential does not hold it. Not an expression: those cannot be read while a trigger listens. */
function emailAddress(context: LoginContext): string {
  const address = rawParameters(context.getNode())['emailAddress'];
  const entered = typeof address === 'string' ? address.trim() : '';
  if (entered.startsWith('='))
    throw new Error('"Email Address" must not be an expression. Enter the address.');
  return entered;
}
