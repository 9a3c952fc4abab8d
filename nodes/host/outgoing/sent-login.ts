// The logins that look into a Sent mailbox, outside of a run: by IMAP, by Gmail's API, or at the IMAP server beside the SMTP one.
// Invariant: what can never work throws an Error that names the field and the credential; no secret stands in it.
import type { ICredentialDataDecryptedObject } from 'n8n-workflow';
import { GmailFault } from '../../../engine/gmail/api/fault';
import type { AccessToken, GmailLogin } from '../../../engine/gmail/api/login';
import type { SendHttp } from '../../../engine/http/send';
import { DEFAULT_MOST_CONNECTIONS, type ImapLogin } from '../../../engine/imap/session/login';
import type { MailRequest } from '../../../engine/outbox/mail/mail-request';
import type { SmtpLogin } from '../../../engine/outbox/mail/smtp-login';
import { errorText } from '../../../engine/runtime/log';
import { credentialType, titleOf } from '../n8n/credential-name';
import { type ImapType, isOAuth2, toAccount, toLogin } from '../n8n/imap-credential';
import type { CredentialRef } from './smtp-credential';
import { tokenOutside } from './token-outside';

/** The credentials that a person may name for it: all that open a mailbox. */
export const isSentType = (type: string): type is ImapType =>
  ['imap', 'durableImap', 'durableImapOAuth2Api', 'gmailOAuth2'].includes(type);

type SentRef = Omit<CredentialRef, 'type'> & { readonly type: ImapType };

/** Where the login of an SMTP server opens the mailbox, too, and what is sent is filed in it. */
const BESIDE: Readonly<Record<string, string>> = { 'smtp.gmail.com': 'imap.gmail.com' };
const IMAPS = 993;
const GMAIL = { gmail: 'https://gmail.googleapis.com', pubsub: 'https://pubsub.googleapis.com' };

/** What is stored may leave out what is as the credential has it by itself. */
const withDefaults = (data: ICredentialDataDecryptedObject): ICredentialDataDecryptedObject => ({
  ...{ port: IMAPS, provider: 'gmail' },
  ...data,
});

/** @throws Error for people */
export async function imapLogin(
  stored: ICredentialDataDecryptedObject,
  credential: SentRef,
  signal: AbortSignal,
): Promise<ImapLogin> {
  const data = withDefaults(stored);
  const { type } = credential;
  const title = titleOf(credential.name, type);
  if (!isOAuth2(type)) return toLogin(data, type, title);
  const token = (rejected?: string): Promise<string> => tokenOutside(data, credential, signal, rejected);
  const account = toAccount(data, type, '', title);
  const accessToken = await token();
  return { ...account, proof: { accessToken, renew: () => token(accessToken) } };
}

/** Says what can never work, without asking anybody. @throws Error for people */
export function checkSentLogin(stored: ICredentialDataDecryptedObject, { name, type }: SentRef): void {
  const data = withDefaults(stored);
  if (isOAuth2(type)) toAccount(data, type, '', titleOf(name, type));
  else toLogin(data, type, titleOf(name, type));
}

export const hasMailboxBeside = ({ host }: MailRequest['login']): boolean =>
  BESIDE[host.toLowerCase()] !== undefined;

/** @throws Error for people */
export async function imapBeside(loginOf: (rejected?: string) => Promise<SmtpLogin>): Promise<ImapLogin> {
  const { host, user, proof, credential } = await loginOf();
  const imapHost = BESIDE[host.toLowerCase()];
  if (imapHost === undefined || proof === null)
    throw new Error(`the login of the credential ${credential} opens no mailbox`);
  const renewed = async (rejected: string): Promise<string> => {
    const { proof: other } = await loginOf(rejected);
    return other && 'accessToken' in other ? other.accessToken : rejected;
  };
  return {
    ...{ host: imapHost, port: IMAPS, secure: true, startTls: 'required', user, credential },
    ...{ allowUnauthorizedCerts: false, mostConnections: DEFAULT_MOST_CONNECTIONS },
    proof:
      'accessToken' in proof
        ? { accessToken: proof.accessToken, renew: () => renewed(proof.accessToken) }
        : proof,
  };
}

/** @param user names the account, for people and for the share of Google's quota */
export function gmailLogin(
  data: ICredentialDataDecryptedObject,
  credential: CredentialRef,
  user: string,
  signal: AbortSignal,
): GmailLogin {
  const { id, name, type } = credential;
  let last: string | undefined;
  const token: AccessToken = async (afterRejection) => {
    try {
      return (last = await tokenOutside(data, credential, signal, afterRejection ? last : undefined));
    } catch (error) {
      throw notAsked(error);
    }
  };
  const address = user.toLowerCase() || 'the account';
  return {
    ...{ address, token, send: sendByFetch, endpoints: GMAIL, quota: 'new' },
    credential: { id, name, type: credentialType(type) },
  };
}

const notAsked = (error: unknown): GmailFault =>
  new GmailFault('login', `Gmail was not asked: ${errorText(error)}`, { isOfToken: true });

const sendByFetch: SendHttp = async ({ method, url, headers, body, timeoutMs, signal }) => {
  const answer = await fetch(url, {
    ...{
      method,
      headers,
      redirect: 'manual',
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
    },
    ...(body !== undefined && { body }),
  });
  return { status: answer.status, headers: Object.fromEntries(answer.headers), body: await answer.text() };
};
