// From what the ledger keeps of a mail of an IMAP server, its bytes, to the item of a run.
import { headerBlock } from '../../engine/mail/headers';
import { wholeOf } from '../../engine/mail/mail-source';
import { type ItemSettings, mailItem } from '../host/items/mail';
import type { RunSettings } from '../host/run/run';

export const imapShape =
  (settings: ItemSettings): RunSettings['shape'] =>
  async (context, content, facts) => {
    const isWhole = facts.truncatedSize === undefined;
    return mailItem(context, isWhole ? content : headerBlock(await wholeOf(content)), facts, settings);
  };
