// Reads an IMAP account from a credential of n8n: its own, or one of this package.
// Invariant: what can never work throws an Error that names the field and the credential; no secret stands in it.
import type { ICredentialDataDecryptedObject } from 'n8n-workflow';
import { readCertificates, readClientCertificate } from '../../../engine/imap/session/certificates';
import {
  credentialOf,
  DEFAULT_MOST_CONNECTIONS,
  type ImapLogin,
  type StartTls,
} from '../../../engine/imap/session/login';

/** The credential types that open a mailbox over IMAP: n8n's own, and ours. */
export type ImapType = PasswordType | OAuth2Type;
export type PasswordType = 'imap' | 'durableImap';
type OAuth2Type = 'durableImapOAuth2Api' | 'gmailOAuth2';

/** Where an account is, and how it is reached: a login without its proof. */
export type ImapAccount = Omit<ImapLogin, 'proof'>;

/** Where a provider has its mailboxes: nobody needs to enter that. */
const PROVIDERS = {
  gmail: { host: 'imap.gmail.com', port: 993 },
  microsoft: { host: 'outlook.office365.com', port: 993 },
} as const;

const START_TLS: readonly string[] = ['required', 'ifOffered', 'never'] satisfies StartTls[];
const MOST_CONNECTIONS = 20;

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
export function toAccount(
  data: ICredentialDataDecryptedObject,
  type: ImapType,
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

function mustBeWhole(field: string, value: number, most: number): void {
  if (!Number.isInteger(value) || value < 1 || value > most)
    throw new Error(`${field} must be a number from 1 to ${most}.`);
}

const text = (data: ICredentialDataDecryptedObject, name: string): string => {
  const value = data[name];
  return typeof value === 'string' ? value : '';
};

export const isOAuth2 = (type: ImapType): type is OAuth2Type =>
  type === 'durableImapOAuth2Api' || type === 'gmailOAuth2';
