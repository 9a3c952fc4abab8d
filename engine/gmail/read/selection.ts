// Which mails a subscription takes, judged from what Gmail says of them now. Its search is judged elsewhere (search.ts).
// Invariant: drafts, sent and scheduled mails, chats, spam and trash are no news to anybody who did not ask for them.
import { readHeaders, headerBlock } from '../../mail/headers';
import { decodeWords } from '../../mail/words';
import type { RawMessage } from '../api/types';
import type { GmailFilter, GmailReading } from './reading';
import { isOwnLabel, STARRED } from '../mail/event';

export type Asking = Pick<GmailReading, 'event' | 'eventLabels' | 'filter'>;
type About = Pick<GmailReading, 'event' | 'eventLabels'>;

const RECEIVED: About = { event: 'received', eventLabels: [] };

/**
 * Whether the filter lets the mail through, but for its search.
 * @param about what the trigger waits for; what is asked for by name there need not be asked for in the filter
 */
export async function passesGmail(
  filter: GmailFilter,
  message: RawMessage,
  about: About = RECEIVED,
): Promise<boolean> {
  if (!isCounted({ ...about, filter }, message.labelIds)) return false;
  if (!filter.sender) return true;
  const from = readHeaders(headerBlock(message.raw)).get('from') ?? [];
  return filter.sender.matches(await decodeWords(from.join(', ')));
}

/** Whether it is of those among which the last N are counted: by its labels, before sender and search. */
export const isCounted = (asking: Asking, labelIds: readonly string[]): boolean =>
  isAskedFor(asking, labelIds) &&
  meetsLabels(asking.filter, labelIds) &&
  meetsReadStatus(asking.filter, labelIds);

/** Whether a mail with these labels is news at all. */
export function isAskedFor({ event, eventLabels, filter }: Asking, labelIds: readonly string[]): boolean {
  const has = new Set(labelIds);
  const named = new Set([...eventLabels, ...(filter.labels?.ids ?? [])]);
  const isWanted = (label: string, asked: boolean): boolean => !has.has(label) || asked || named.has(label);
  if (!isWanted('SPAM', filter.spamAndTrash) || !isWanted('TRASH', filter.spamAndTrash)) return false;
  if (!isWanted('CHAT', false)) return false;
  // A scheduled mail may be shown as a draft or as sent, too.
  if (has.has('SCHEDULED')) return isWanted('SCHEDULED', filter.scheduled);
  if (!isWanted('DRAFT', filter.drafts)) return false;
  // What somebody writes to himself is sent and received.
  return has.has('INBOX') || isWanted('SENT', filter.sent || event === 'sent');
}

export function meetsLabels({ labels }: GmailFilter, labelIds: readonly string[]): boolean {
  if (!labels || labels.ids.length === 0) return true;
  const has = (id: string): boolean => labelIds.includes(id);
  return labels.match === 'all' ? labels.ids.every(has) : labels.ids.some(has);
}

function meetsReadStatus({ readStatus }: GmailFilter, labelIds: readonly string[]): boolean {
  return readStatus === 'both' || labelIds.includes('UNREAD') === (readStatus === 'unread');
}

/** Those of the labels whose addition is the event. */
export function eventLabelsAmong({ event, eventLabels }: Asking, labelIds: readonly string[]): string[] {
  if (event === 'starred') return labelIds.filter((id) => id === STARRED);
  if (event !== 'labelAdded') return [];
  return labelIds.filter((id) => (eventLabels.length > 0 ? eventLabels.includes(id) : isOwnLabel(id)));
}

/** Whether one of the labels, when a mail is given it, can make it a mail that is received by this filter. */
export function canBringIn({ filter }: Asking, labelIds: readonly string[]): boolean {
  const { labels, sent, drafts, scheduled, spamAndTrash } = filter;
  const bringing = new Set([
    ...['INBOX', ...(labels?.ids ?? [])],
    ...[...(sent ? ['SENT'] : []), ...(drafts ? ['DRAFT'] : []), ...(scheduled ? ['SCHEDULED'] : [])],
    ...(spamAndTrash ? ['SPAM', 'TRASH'] : []),
  ]);
  return labelIds.some((id) => bringing.has(id) || isOwnLabel(id));
}
