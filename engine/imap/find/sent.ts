// Whether a mail that was sent is in the account's Sent mailbox, by its Message-ID: for one of which nobody knows whether it went out.
// Invariant: "it is not there" is said only of a mailbox that was looked into; all else throws.
import { headerBlock, readHeaders } from '../../mail/headers';
import { messageIdOf } from '../../mail/identity';
import { ImapFault } from '../session/fault';
import { accountName, type ImapLogin } from '../session/login';
import { ImapSession } from '../session/session';

/** Among the newest it is looked for by hand, too: an index may be behind, and a server may not search. */
const NEWEST = 50;

/** @param mailbox null: the one that the server names as Sent @throws ImapFault */
export async function isInSent(
  login: ImapLogin,
  mailbox: string | null,
  messageId: string,
  signal: AbortSignal,
): Promise<boolean> {
  const session = await ImapSession.connect(login, signal);
  const stop = (): void => void session.end();
  signal.addEventListener('abort', stop, { once: true });
  try {
    await session.open(mailbox ?? (await sentOf(session, login)));
    const query = { header: { 'message-id': messageId } };
    const found = await session.listing.searched(query, () => true);
    if (found && found.length > 0) return true;
    if (await isAmongNewest(session, messageId)) return true;
    if (found) return false;
    throw new ImapFault('other', `${login.host} does not search ${session.place}.`);
  } finally {
    signal.removeEventListener('abort', stop);
    await session.end();
  }
}

/** Where a server says nothing of it, imapflow knows what such mailboxes are called in many languages. */
async function sentOf(session: ImapSession, login: ImapLogin): Promise<string> {
  const sent = (await session.list()).find(({ specialUse, selectable }) => selectable && isSent(specialUse));
  if (sent) return sent.path;
  throw new ImapFault(
    'mailbox',
    `The server of ${accountName(login)} does not say which mailbox holds what was sent. Enter its name as "Sent Mailbox" in the step that sends.`,
  );
}

const isSent = (use: string | null): boolean => use?.toLowerCase() === '\\sent';

async function isAmongNewest({ listing, mails }: ImapSession, messageId: string): Promise<boolean> {
  const uids = await listing.fromTheEnd((await listing.fromEnd(NEWEST)) - 1, NEWEST);
  const { answers, fault } = await mails.headers(uids);
  if (fault) throw fault;
  return [...answers.values()].some((header) => messageIdOf(readHeaders(headerBlock(header))) === messageId);
}
