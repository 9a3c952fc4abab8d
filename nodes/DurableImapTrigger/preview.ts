// A manual test in the editor: the newest mail that fits, read and shown. The ledger is not touched, and neither is
// the mailbox.
import type { IExecuteFunctions, INodeExecutionData } from 'n8n-workflow';
import { accountName, type ImapLogin } from '../../engine/imap/session/login';
import { type NewestQuery, type NothingFits, readNewest } from '../../engine/imap/find/newest';
import { imapIdentity, idempotencyKey } from '../../engine/mail/identity';
import { cancelSignal } from '../host/n8n/cancel';
import { type ItemSettings, mailItem } from '../host/items/mail';

export interface PreviewSettings extends NewestQuery {
  readonly items: ItemSettings;
}

/** @throws Error that says what is wrong with the login or the mailbox, or that no mail fits */
export async function newestMail(
  context: IExecuteFunctions,
  login: ImapLogin,
  settings: PreviewSettings,
): Promise<INodeExecutionData> {
  const signal = cancelSignal(context);
  const newest = await readNewest(login, settings, signal);
  if (!('content' in newest)) throw new Error(whyNothing(newest, login));
  const { mailbox, facts, uidValidity, content, truncated } = newest;
  const identity = imapIdentity({ mailbox, uidValidity, uid: facts.uid, emailId: facts.emailId });
  return mailItem(
    context,
    content,
    {
      uid: facts.uid,
      delivery: {
        eventId: 'manual-test',
        attempt: 1,
        idempotencyKey: idempotencyKey(`manual test of ${accountName(login)}`, identity),
        receivedAt: facts.receivedAt === null ? null : new Date(facts.receivedAt).toISOString(),
        account: accountName(login),
        mailbox,
        workflowId: context.getWorkflow().id ?? '',
      },
      ...(truncated && { truncatedSize: facts.size }),
    },
    settings.items,
  );
}

function whyNothing({ mailboxes, looked }: NothingFits, { user }: ImapLogin): string {
  const [first, ...others] = mailboxes.map((name) => `"${name}"`);
  const where =
    others.length === 0 ? `The mailbox ${first}` : `Each of the mailboxes ${[first, ...others].join(', ')}`;
  if (looked === 0) return `${where} is empty. Send an email to ${user}, then test this step again.`;
  const among = others.length === 0 ? `"${mailboxes[0]}"` : `${mailboxes.length} mailboxes`;
  const mails = looked === 1 ? 'the only email' : `the newest ${looked} emails`;
  return (
    `No email fits the filters and rules: ${mails} in ${among} ${looked === 1 ? 'was' : 'were'} looked at. ` +
    'Change them, or send an email that fits, then test this step again.'
  );
}
