// The SMTP login that the node names, read in a run: what sends its emails in this process.
// Invariant: what can never work is an Error that names the field, before anything is queued.
import type { IExecuteFunctions } from 'n8n-workflow';
import { mailLane, type MailLogin, type SentPlace } from '../../engine/outbox/mail/mail-request';
import type { SmtpLogin } from '../../engine/outbox/mail/smtp-login';
import { freshAccessToken } from '../host/n8n/access-token';
import { isSmtpType, mailLoginOf, passwordOf, smtpAccount } from '../host/outgoing/smtp-credential';
import { noteLogin } from '../host/outgoing/smtp-logins';
import { readSentPlace } from './sent';

export interface OutgoingLogin {
  readonly login: MailLogin;
  readonly lane: string;
  /** Where its emails are looked for when they are in doubt. */
  readonly sent: SentPlace | null;
}

/** Of the whole call. @throws Error, TokenFault */
export async function readLogin(context: IExecuteFunctions): Promise<OutgoingLogin> {
  const type = context.getNodeParameter('authentication', 0, 'smtp') as string;
  if (!isSmtpType(type)) throw new Error('"Authentication" must be one of the choices that the node has.');
  const data = await context.getCredentials(type, 0);
  const { id, name = '' } = context.getNode().credentials?.[type] ?? {};
  if (typeof id !== 'string')
    throw new Error('The SMTP credential of this step is not stored in n8n. Choose it again in the node.');
  const credential = { id, name, type };
  const account = smtpAccount(data, credential);
  const proof: SmtpLogin['proof'] =
    type === 'smtp' ? passwordOf(data) : { accessToken: await freshAccessToken(context, type, data, false) };
  noteLogin(credential, { ...account, proof });
  const login = mailLoginOf(credential, account);
  return { login, lane: mailLane(login), sent: await readSentPlace(context, login) };
}
