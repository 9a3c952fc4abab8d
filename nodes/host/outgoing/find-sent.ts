// Finds what was sent, for an email of which nobody knows whether it went out: with the credential that its request names (`sent`).
// Invariants: what cannot be asked is an Error for people, and never "it is not there"; nothing secret stands in it; each login is used
// by one at a time, since providers count connections.
import type { ICredentialDataDecryptedObject } from 'n8n-workflow';
import { GmailClient } from '../../../engine/gmail/api/client';
import { isInGmail } from '../../../engine/gmail/find/sent';
import { isInSent } from '../../../engine/imap/find/sent';
import type { SentPlace } from '../../../engine/outbox/mail/mail-request';
import type { FindSent } from '../../../engine/outbox/mail/smtp-sender';
import { processWide } from '../../../engine/runtime/process-wide';
import { titleOf } from '../n8n/credential-name';
import { canReadStoredCredentials } from '../n8n/internals';
import { gmailLogin, imapBeside, imapLogin, isSentType } from './sent-login';
import { isSmtpType } from './smtp-credential';
import { smtpLoginOf } from './smtp-logins';
import { storedCredentialOf } from './stored-credential';

/** The end of what was asked last, by login. */
const turns = processWide('sent-turns', () => new Map<string, Promise<unknown>>());

export const findSent: FindSent = async (request, messageId, signal) => {
  const { sent } = request;
  if (!sent) throw new Error('nobody has said where');
  const { id, type } = sent.credential;
  return inTurn(`${type}:${id}`, async () => {
    signal.throwIfAborted();
    if (isSmtpType(type)) {
      const login = await imapBeside((rejected) => smtpLoginOf(request, signal, rejected));
      return isInSent(login, sent.mailbox, messageId, signal);
    }
    return isThere(sent, request.login.user ?? '', messageId, signal);
  });
};

async function isThere(
  { credential, mailbox }: SentPlace,
  user: string,
  messageId: string,
  signal: AbortSignal,
): Promise<boolean> {
  const { name, type } = credential;
  const data = (await storedCredentialOf(credential)) as ICredentialDataDecryptedObject | null;
  const title = titleOf(name, type);
  if (!data)
    throw new Error(
      canReadStoredCredentials()
        ? `the credential ${title} was deleted, or an expression is in it`
        : `no run in this process had the credential ${title}, and this n8n shows it to runs only`,
    );
  if (!isSentType(type)) throw new Error(`the credential ${title} opens no mailbox`);
  if (type === 'gmailOAuth2')
    return isInGmail(new GmailClient(gmailLogin(data, credential, user, signal), { signal }), messageId);
  return isInSent(await imapLogin(data, { ...credential, type }, signal), mailbox, messageId, signal);
}

async function inTurn<T>(login: string, ask: () => Promise<T>): Promise<T> {
  const asking = (turns.get(login) ?? Promise.resolve()).then(ask);
  const ended = asking.catch(() => undefined);
  turns.set(login, ended);
  try {
    return await asking;
  } finally {
    if (turns.get(login) === ended) turns.delete(login);
  }
}
