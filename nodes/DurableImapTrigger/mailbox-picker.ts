// The editor's lists of mailboxes: what the server has, in its order, with what each is for.
import type { ILoadOptionsFunctions, INodeListSearchResult, INodePropertyOptions } from 'n8n-workflow';
import type { ListedMailbox } from '../../engine/imap/session/mailboxes';
import { ImapSession } from '../../engine/imap/session/session';
import type { ImapType } from '../host/n8n/imap-credential';
import { nodeError } from '../host/n8n/node-error';
import { readLogin } from './login';

/** The editor waits for the list. */
const LIST_MS = 30_000;

/** What servers say of a mailbox (RFC 6154), in words. */
const USES: Readonly<Record<string, string>> = {
  '\\All': 'all mail',
  '\\Archive': 'archive',
  '\\Drafts': 'drafts',
  '\\Flagged': 'flagged mail',
  '\\Important': 'important mail',
  '\\Junk': 'spam',
  '\\Sent': 'sent mail',
  '\\Trash': 'deleted mail',
};

/** Fills a list of several. */
export async function getMailboxes(this: ILoadOptionsFunctions): Promise<INodePropertyOptions[]> {
  return (await selectable(this)).map(toOption);
}

/** Fills a list of which one is chosen. */
export async function searchMailboxes(
  this: ILoadOptionsFunctions,
  filter = '',
): Promise<INodeListSearchResult> {
  const wanted = filter.toLowerCase();
  const options = (await selectable(this)).map(toOption);
  return { results: options.filter(({ name }) => name.toLowerCase().includes(wanted)) };
}

const toOption = ({ path, specialUse }: ListedMailbox): { name: string; value: string } => {
  const use = specialUse === null ? undefined : USES[specialUse];
  return { name: use ? `${path} (${use})` : path, value: path };
};

async function selectable(context: ILoadOptionsFunctions): Promise<ListedMailbox[]> {
  try {
    const type = (context.getCurrentNodeParameter('authentication') ?? 'imap') as ImapType;
    const login = await readLogin(context, type);
    const session = await ImapSession.connect(login, AbortSignal.timeout(LIST_MS));
    try {
      return (await session.list()).filter((mailbox) => mailbox.selectable);
    } finally {
      await session.end();
    }
  } catch (error) {
    throw nodeError(context.getNode(), error as Error);
  }
}
