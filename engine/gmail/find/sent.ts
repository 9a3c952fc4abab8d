// Whether a mail that was sent is in a Gmail account, by its Message-ID: for one of which nobody knows whether it went out.
import type { GmailApi } from '../api/api';

/** Wherever it is by now: it has this Message-ID from nobody else. @throws GmailFault */
export async function isInGmail(api: Pick<GmailApi, 'messages'>, messageId: string): Promise<boolean> {
  const q = `rfc822msgid:${messageId.replace(/^<|>$/g, '')}`;
  const { messages = [] } = await api.messages({ q, includeSpamTrash: true, maxResults: 1 }, 'new');
  return messages.length > 0;
}
