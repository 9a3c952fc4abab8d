// Reads an IMAP login from the credential that the node names, as it is stored now.
// Invariant: what can never work throws a NodeOperationError that names the field; whatever time may cure throws an
// ImapFault; no secret stands in either.
import type { ICredentialDataDecryptedObject } from 'n8n-workflow';
import { readCertificates, readClientCertificate } from '../../engine/imap/session/certificates';
import { ImapFault } from '../../engine/imap/session/fault';
import {
  credentialOf,
  DEFAULT_MOST_CONNECTIONS,
  type ImapLogin,
  type StartTls,
} from '../../engine/imap/session/login';
import { freshAccessToken, isConnected, type TokenContext, TokenFault } from '../host/n8n/access-token';
import { credentialTitle } from '../host/n8n/credential-name';
import { rawParameters } from '../host/n8n/internals';
import { refuseWithoutRefresh } from '../host/n8n/newer';
import { nodeError } from '../host/n8n/node-error';
import { type AddressContext, gmailAddress } from './gmail-address';

/** What every context of n8n has in which a login is read: a trigger's, a run's, and that of a list in the editor. */
export type LoginContext = TokenContext & AddressContext;

/** The credential types that the node takes: n8n's own, and ours. */
export type CredentialType = PasswordType | OAuth2Type;
type PasswordType = 'imap' | 'durableImap';
type OAuth2Type = 'durableImapOAuth2Api' | 'gmailOAuth2';

/** Where an account is, and how it is reached: a login without its proof. */
type ImapAccount = Omit<ImapLogin, 'proof'>;

/** Where a provider has its mailboxes: nobody needs to enter that. */
const PROVIDERS = {
  gmail: { host: 'imap.gmail.com', port: 993 },
  microsoft: { host: 'outlook.office365.com', port: 993 },
} as const;

const START_TLS: readonly string[] = ['required', 'ifOffered', 'never'] satisfies StartTls[];
const MOST_CONNECTIONS = 20;

/**
 * The login as it is stored now. An OAuth2 access token that is about to expire is refreshed first.
 * @throws NodeOperationError if it can never work; ImapFault if the token cannot be refreshed now
 */
export async function readLogin(context: LoginContext, type: CredentialType): Promise<ImapLogin> {
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
export async function checkLogin(context: LoginContext, type: CredentialType): Promise<void> {
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

/**
 * A login by password.
 * @param credential what it is called, for people
 * @throws Error that names the field that can never work
 */
export function toLogin(
  data: ICredentialDataDecryptedObject,
  type: PasswordType = 'durableImap',
  credential?: string,
): ImapLogin {
  const account = toAccount(data, type, '', credential);
  const password = text(data, 'password');
  if (password === '') throw new Error(`Password is empty in ${credentialOf(account)}.`);
  return { ...account, proof: { password } };
}

/** @param address whose mailbox it is, where the credential does not say; may be empty */
function toAccount(
  data: ICredentialDataDecryptedObject,
  type: CredentialType,
  address: string,
  credential?: string,
): ImapAccount {
  const named = credential === undefined ? {} : { credential };
  const where = credentialOf(named);
  const provider = type === 'gmailOAuth2' ? 'gmail' : text(data, 'provider');
  const known = isOAuth2(type) && (provider === 'gmail' || provider === 'microsoft');
  const ca = text(data, 'ca').trim();
  const certificate = text(data, 'clientCertificate').trim();
  const key = text(data, 'clientKey').trim();
  const account: ImapAccount = {
    // What is left in the fields that a provider needs not is not used.
    ...(known
      ? { ...PROVIDERS[provider], secure: true, startTls: 'required', allowUnauthorizedCerts: false }
      : {
          host: text(data, 'host').trim(),
          port: Number(data['port']),
          secure: data['secure'] !== false,
          // n8n's own credential has no such field, and uses STARTTLS where it is offered.
          startTls: type === 'imap' ? 'ifOffered' : ((text(data, 'startTls') || 'required') as StartTls),
          allowUnauthorizedCerts: data['allowUnauthorizedCerts'] === true,
          ...(ca && { ca: readCertificates(ca, 'CA Certificate', where) }),
          ...((certificate || key) && {
            clientCertificate: readClientCertificate(
              certificate,
              key,
              text(data, 'clientKeyPassphrase'),
              where,
            ),
          }),
        }),
    user: type === 'gmailOAuth2' ? address : text(data, 'user').trim(),
    mostConnections: Number(data['mostConnections'] ?? DEFAULT_MOST_CONNECTIONS),
    ...named,
  };
  if (account.host === '') throw new Error(`Host is empty in ${where}.`);
  if (account.user === '' && type !== 'gmailOAuth2')
    throw new Error(`${isOAuth2(type) ? 'Email Address' : 'User'} is empty in ${where}.`);
  mustBeWhole(`Port in ${where}`, account.port, 65_535);
  mustBeWhole(`Most Connections in ${where}`, account.mostConnections, MOST_CONNECTIONS);
  if (!START_TLS.includes(account.startTls))
    throw new Error(`STARTTLS in ${where} must be "required", "ifOffered" or "never".`);
  return account;
}

/** Gmail's credential does not hold it. Not an expression: those cannot be read while a trigger listens. */
function emailAddress(context: LoginContext): string {
  const address = rawParameters(context.getNode())['emailAddress'];
  const entered = typeof address === 'string' ? address.trim() : '';
  if (entered.startsWith('='))
    throw new Error('"Email Address" must not be an expression. Enter the address.');
  return entered;
}

function mustBeWhole(field: string, value: number, most: number): void {
  if (!Number.isInteger(value) || value < 1 || value > most)
    throw new Error(`${field} must be a number from 1 to ${most}.`);
}

const text = (data: ICredentialDataDecryptedObject, name: string): string => {
  const value = data[name];
  return typeof value === 'string' ? value : '';
};

const isOAuth2 = (type: CredentialType): type is OAuth2Type =>
  type === 'durableImapOAuth2Api' || type === 'gmailOAuth2';
