// A manual test in the editor: the newest mail of the mailbox, read and shown. The ledger is not touched, and
// neither is the mailbox.
import type { IExecuteFunctions, INodeExecutionData } from 'n8n-workflow';
import { accountName, type ImapLogin } from '../../engine/imap/login';
import { readNewest } from '../../engine/imap/newest';
import { imapIdentity, idempotencyKey } from '../../engine/mail/identity';
import { parseMail } from '../../engine/mail/parse';
import { type ItemSettings, mailItem } from './items';

/** @throws Error that says what is wrong with the login or the mailbox, or that the mailbox is empty */
export async function newestMail(
  context: IExecuteFunctions,
  login: ImapLogin,
  mailbox: string,
  settings: ItemSettings,
): Promise<INodeExecutionData> {
  const signal = context.getExecutionCancelSignal() ?? new AbortController().signal;
  const newest = await readNewest(login, mailbox, signal);
  if (!newest) {
    throw new Error(
      `The mailbox "${mailbox}" is empty. Send an email to ${login.user}, then test this step again.`,
    );
  }
  const { facts, uidValidity, content, truncated } = newest;
  const identity = imapIdentity({ mailbox, uidValidity, uid: facts.uid, emailId: facts.emailId });
  return mailItem(
    context,
    await parseMail(content),
    {
      uid: facts.uid,
      delivery: {
        eventId: 'manual-test',
        attempt: 1,
        idempotencyKey: idempotencyKey(`manual test of ${accountName(login)}`, identity),
        receivedAt: facts.receivedAt === null ? null : new Date(facts.receivedAt).toISOString(),
      },
      ...(truncated && { truncatedSize: facts.size }),
    },
    settings,
  );
}
