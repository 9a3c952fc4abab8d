// A trigger's settings when its workflow was published, as whoever reads for it has them: its reading has been data in the
// ledger, and was compiled then.
import type { ITriggerFunctions } from 'n8n-workflow';
import type { GmailReading } from '../../engine/gmail/read/reading';
import { compileGmailReading } from '../../engine/gmail/read/reading-data';
import type { ImapReading } from '../../engine/imap/read/reading';
import { compileImapReading } from '../../engine/imap/read/reading-data';
import type { MailboxChoice } from '../../engine/imap/session/mailboxes';
import { listenSettings as gmailSettings } from '../../nodes/DurableGmailTrigger/settings';
import { listenSettings as imapSettings } from '../../nodes/DurableImapTrigger/settings';
import { asStored } from './reading';

type Read<Settings, Reading> = Omit<Settings, 'reading'> & { readonly reading: Reading };

export function imapPublished(
  context: ITriggerFunctions,
): Read<ReturnType<typeof imapSettings>, ImapReading> & { readonly mailboxes: MailboxChoice } {
  const { reading, ...settings } = imapSettings(context);
  const stored = asStored(reading);
  return { ...settings, mailboxes: stored.mailboxes, reading: compileImapReading(stored) };
}

export function gmailPublished(
  context: ITriggerFunctions,
): Read<ReturnType<typeof gmailSettings>, GmailReading> {
  const { reading, ...settings } = gmailSettings(context);
  const noToken = (): Promise<never> => Promise.reject(new Error('There is none.'));
  return { ...settings, reading: compileGmailReading(asStored(reading), noToken) };
}
