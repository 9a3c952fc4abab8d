// From what the ledger keeps of a mail of an IMAP server, its bytes, to the item of a run.
import { headerBlock } from '../../engine/mail/headers';
import { type ItemSettings, mailItem } from '../host/items/mail';
import type { RunSettings } from '../host/run/run';

export const imapShape =
  (settings: ItemSettings): RunSettings['shape'] =>
  (context, content, facts) =>
    mailItem(context, facts.truncatedSize === undefined ? content : headerBlock(content), facts, settings);
