// A manual test in the editor: the newest mail that fits, read and shown. The ledger is not touched, and neither is
// the account.
import type { IExecuteFunctions, INodeExecutionData } from 'n8n-workflow';
import { GmailClient } from '../../engine/gmail/api/client';
import type { GmailLogin } from '../../engine/gmail/api/login';
import { GMAIL_MAILBOX } from '../../engine/gmail/mail/source';
import { gmailMailBytes } from '../../engine/gmail/mail/stored';
import { readNewest } from '../../engine/gmail/find/newest';
import { gmailIdentity } from '../../engine/gmail/mail/identity';
import { type Asking, eventLabelsAmong } from '../../engine/gmail/read/selection';
import { idempotencyKey } from '../../engine/mail/identity';
import { cancelSignal } from '../host/n8n/cancel';
import { gmailItem, type GmailItemSettings } from '../host/items/gmail';

export interface PreviewSettings {
  readonly wanted: Asking;
  /** A mail above this size is shown without its body. Octets. */
  readonly mostReadBytes: number;
  readonly items: GmailItemSettings;
}

/** @throws Error that says what is wrong with the login or a filter, or that no mail fits */
export async function newestMail(
  context: IExecuteFunctions,
  login: GmailLogin,
  { wanted, mostReadBytes, items }: PreviewSettings,
): Promise<INodeExecutionData> {
  const signal = cancelSignal(context);
  const newest = await readNewest(new GmailClient(login, { signal }), wanted);
  if (!('message' in newest)) throw new Error(whyNothing(newest.looked, login));
  const { message } = newest;
  // Nobody knows which label was added when; that it is there is what can be shown.
  const added = eventLabelsAmong(wanted, message.labelIds).slice(0, 1);
  const size = message.raw.length;
  return gmailItem(
    context,
    gmailMailBytes(message, wanted.event, added),
    {
      uid: null,
      delivery: {
        eventId: 'manual-test',
        attempt: 1,
        idempotencyKey: idempotencyKey(
          `manual test of ${login.address}`,
          gmailIdentity(wanted.event, message.id, added[0]),
        ),
        receivedAt: new Date(message.internalDate).toISOString(),
        account: login.address,
        mailbox: GMAIL_MAILBOX,
        workflowId: context.getWorkflow().id ?? '',
      },
      ...(size > mostReadBytes && { truncatedSize: size }),
    },
    items,
  );
}

function whyNothing(looked: number, { address }: GmailLogin): string {
  if (looked === 0)
    return `No mail in ${address} fits the event and the filters. Change them, or send a mail that fits, then test this step again.`;
  const mails = looked === 1 ? 'the only mail that came near' : `the newest ${looked} mails`;
  return (
    `No mail fits the event and the filters: ${mails} in ${address} ${looked === 1 ? 'was' : 'were'} looked at. ` +
    'Change them, or send a mail that fits, then test this step again.'
  );
}
