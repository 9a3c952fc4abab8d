// Where an email in doubt is looked for: what the node says under "Look in Sent".
// Invariant: what can never work is an Error that names the field, before anything is queued.
import type { IExecuteFunctions } from 'n8n-workflow';
import type { MailLogin, SentPlace } from '../../engine/outbox/mail/mail-request';
import { checkSentLogin, hasMailboxBeside, isSentType } from '../host/outgoing/sent-login';
import { credentialOfNode } from '../host/outgoing/stored-credential';
import { mailText, optionsOf } from './settings';

/** Of the whole call. @returns null: nowhere @throws Error */
export async function readSentPlace(context: IExecuteFunctions, login: MailLogin): Promise<SentPlace | null> {
  const type = context.getNodeParameter('lookInSent', 0, 'auto') as string;
  const options = optionsOf(context, 0);
  if (type === 'auto') {
    if (hasMailboxBeside(login)) return { credential: login.credential, mailbox: null };
    if (options['inDoubt'] === 'againIfNotThere')
      throw new Error(
        '"If It Is in Doubt: Send Again If It Is Not in Sent" needs a mailbox to look into. Choose how to log in to it under "Look in Sent".',
      );
    return null;
  }
  if (!isSentType(type)) throw new Error('"Look in Sent" must be one of the choices that the node has.');
  const { credential, data } = await credentialOfNode(context, type);
  checkSentLogin(data, { ...credential, type });
  return { credential, mailbox: mailText(options['sentMailbox']).trim() || null };
}
