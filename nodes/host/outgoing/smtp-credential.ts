// Reads an SMTP login from a credential of n8n: its own `smtp`, or the OAuth2 one of this package.
// Invariant: what can never work throws an Error that names the field and the credential; no secret stands in it.
import type { ICredentialDataDecryptedObject } from 'n8n-workflow';
import type { MailLogin } from '../../../engine/outbox/mail/mail-request';
import type { SmtpLogin } from '../../../engine/outbox/mail/smtp-login';
import { titleOf } from '../n8n/credential-name';

export type SmtpType = 'smtp' | 'durableSmtpOAuth2Api';

export const isSmtpType = (type: string): type is SmtpType =>
  type === 'smtp' || type === 'durableSmtpOAuth2Api';

/** Which credential, as n8n keeps it: without what is in it. */
export type CredentialRef = MailLogin['credential'];

/** What is stored may leave out what is as the credential has it by itself. */
export const DEFAULT_PROVIDER = 'gmail';

/** Where a provider takes mail: nobody needs to enter that. The second begins without TLS, and goes over to it. */
const PROVIDERS = {
  gmail: { host: 'smtp.gmail.com', port: 465, secure: true },
  microsoft: { host: 'smtp.office365.com', port: 587, secure: false },
} as const;

/**
 * A login without its proof.
 * @throws Error that names the field that can never work
 */
export function smtpAccount(
  data: ICredentialDataDecryptedObject,
  { type, name }: Pick<CredentialRef, 'type' | 'name'>,
): Omit<SmtpLogin, 'proof'> {
  const credential = titleOf(name, type);
  const provider = type === 'smtp' ? '' : text(data, 'provider') || DEFAULT_PROVIDER;
  const known = provider === 'gmail' || provider === 'microsoft' ? PROVIDERS[provider] : null;
  const host = known?.host ?? text(data, 'host').trim();
  const port = known?.port ?? Number(data['port'] ?? 465);
  const user = text(data, 'user').trim();
  if (host === '') throw new Error(`Host is empty in the credential ${credential}.`);
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    throw new Error(`Port in the credential ${credential} must be a number from 1 to 65535.`);
  if (user === '' && type !== 'smtp')
    throw new Error(`Email Address is empty in the credential ${credential}.`);
  return {
    ...{ host, port, user, credential },
    secure: known?.secure ?? data['secure'] !== false,
    // Without it n8n's own node sends in plain text where a server does not offer it, or somebody between has cut the offer out.
    startTls: type === 'smtp' && data['disableStartTls'] === true ? 'never' : 'required',
    clientName: text(data, 'hostName').trim(),
  };
}

/** As of n8n's own node: where neither is filled in, the server asks for no login. */
export function passwordOf(data: ICredentialDataDecryptedObject): SmtpLogin['proof'] {
  const password = text(data, 'password');
  return text(data, 'user') === '' && password === '' ? null : { password };
}

/** What an entry says of it. */
export const mailLoginOf = (
  credential: CredentialRef,
  { user, host, port }: Pick<SmtpLogin, 'user' | 'host' | 'port'>,
): MailLogin => ({ credential, user: user === '' ? null : user, host, port });

const text = (data: ICredentialDataDecryptedObject, name: string): string => {
  const value = data[name];
  return typeof value === 'string' ? value : '';
};
