// What Gmail's search does not know yet: its index is behind the mailbox. A list without words is not made from the
// index: what is in such a list, and in none that words make, is not indexed.
import type { Priority } from '../../http/quota';
import type { GmailApi } from '../api/api';
import { GmailFault } from '../api/fault';
import type { MessagePage, MessageQuery } from '../api/types';

/** Words that fit every mail: Gmail is younger. */
export const ANY_MAIL = 'after:1072915200';

/**
 * Ids of all that the query finds, page by page.
 * @throws GmailFault `refused`: Gmail does not understand the query; `busy` also for a page that is not there any more
 */
export async function* listed(
  api: GmailApi,
  query: MessageQuery,
  priority: Priority,
): AsyncGenerator<readonly string[], undefined> {
  let pageToken: string | undefined;
  do {
    const page = await pageAt(api, query, pageToken, priority);
    yield (page.messages ?? []).map(({ id }) => id);
    pageToken = page.nextPageToken || undefined;
  } while (pageToken);
  return undefined;
}

/** All of them. @throws as `listed` */
export async function idsOf(api: GmailApi, query: MessageQuery, priority: Priority): Promise<Set<string>> {
  const ids = new Set<string>();
  for await (const page of listed(api, query, priority)) for (const id of page) ids.add(id);
  return ids;
}

async function pageAt(
  api: GmailApi,
  query: MessageQuery,
  pageToken: string | undefined,
  priority: Priority,
): Promise<MessagePage> {
  if (pageToken === undefined) return api.messages(query, priority);
  try {
    return await api.messages({ ...query, pageToken }, priority);
  } catch (error) {
    // The first page was not refused, so it is not the query: the list has to be begun anew.
    const isGone = error instanceof GmailFault && error.kind === 'refused';
    throw isGone ? new GmailFault('busy', error.message, { cause: error }) : error;
  }
}

export interface Known {
  /** What was found by words already. */
  readonly ids: ReadonlySet<string>;
  /** Words that find all others which are indexed, or of no interest. */
  readonly words: string;
}

/**
 * Pages of the list's mails that the index does not have, the newest first, as far as it is behind.
 * @param list without words
 */
export async function* unindexed(
  api: GmailApi,
  list: MessageQuery,
  { ids, words }: Known,
  priority: Priority,
): AsyncGenerator<readonly string[]> {
  const known = new Set(ids);
  // First what is indexed: what is indexed only after that seems to be missing, and is merely looked at.
  const indexed = listed(api, { ...list, q: words }, priority);
  const all = listed(api, list, priority);
  for (;;) {
    for (const id of (await indexed.next()).value ?? []) known.add(id);
    const page = (await all.next()).value;
    const missing = page?.filter((id) => !known.has(id)) ?? [];
    if (missing.length === 0) return;
    yield missing;
  }
}
