// messages.list: which messages, newest first, page by page.
// https://developers.google.com/gmail/api/reference/rest/v1/users.messages/list
import { ApiError } from './http';
import type { Mailbox, StoredMessage } from './mailbox';
import { parseSearch, searchable } from './search';

/** Behind which message the next page goes on: messages that come meanwhile shift nothing. */
interface PageToken {
  readonly internalDate: number;
  readonly id: string;
}

/** @throws ApiError 400: a token that is none */
export function listMessages(
  mailbox: Mailbox,
  query: URLSearchParams,
  size: number,
  searchLagMs: number,
): object {
  const token = readPageToken(query.get('pageToken'));
  const wanted = [...mailbox.messages.values()]
    .filter(isListed(mailbox, query, searchLagMs))
    .sort(newestFirst);
  const rest = token ? wanted.filter((message) => newestFirst(token, message) < 0) : wanted;
  const page = rest.slice(0, size);
  const last = page.at(-1);
  return {
    ...(page.length > 0 && { messages: page.map(({ id, threadId }) => ({ id, threadId })) }),
    ...(last && rest.length > size && { nextPageToken: writePageToken(last) }),
    resultSizeEstimate: wanted.length,
  };
}

function isListed(
  mailbox: Mailbox,
  query: URLSearchParams,
  searchLagMs: number,
): (message: StoredMessage) => boolean {
  const q = query.get('q') ?? '';
  const labelIds = query.getAll('labelIds');
  const { matches, isAnywhere } = parseSearch(q);
  const withAll =
    isAnywhere || query.get('includeSpamTrash') === 'true' || labelIds.some((id) => HIDDEN.includes(id));
  const indexedUntil = Date.now() - searchLagMs;
  return (message) => {
    if (!labelIds.every((id) => message.labelIds.includes(id))) return false;
    if (!withAll && message.labelIds.some((id) => HIDDEN.includes(id))) return false;
    if (q === '') return true;
    return message.addedAt <= indexedUntil && matches(searchable(message, mailbox.labels));
  };
}

const HIDDEN: readonly string[] = ['SPAM', 'TRASH'];

function newestFirst(a: PageToken, b: PageToken): number {
  if (a.internalDate !== b.internalDate) return b.internalDate - a.internalDate;
  return a.id === b.id ? 0 : a.id < b.id ? 1 : -1;
}

const writePageToken = ({ internalDate, id }: PageToken): string =>
  Buffer.from(JSON.stringify([internalDate, id])).toString('base64url');

function readPageToken(token: string | null): PageToken | null {
  if (token === null) return null;
  try {
    const value: unknown = JSON.parse(Buffer.from(token, 'base64url').toString('utf8'));
    if (Array.isArray(value) && typeof value[0] === 'number' && typeof value[1] === 'string')
      return { internalDate: value[0], id: value[1] };
  } catch {
    // Told below.
  }
  throw new ApiError(400, 'Invalid pageToken', { reason: 'invalidArgument' });
}
