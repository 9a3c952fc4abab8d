// Which lists of Gmail hold the mails that a subscription takes, besides others: by labels, read status and date.
// Invariant: what they have besides, the judgement of each mail leaves out; what they lack, newest.ts looks for.
import type { MessageQuery } from '../api/types';
import { isOwnLabel, STARRED } from '../mail/event';
import type { GmailReading } from './reading';
import type { Round } from './round';

export interface Listing {
  /** All of them. */
  readonly labelIds: readonly string[];
  readonly includeSpamTrash: boolean;
  /** In Gmail's words; empty: none. */
  readonly q: string;
  /** The event's label by which these mails are listed; null: none. */
  readonly label: string | null;
}

/**
 * The lists to be read, one after the other; a mail may be in several.
 * @param since ms since 1970 @param withSearch what the subscription's own search does not find is left out
 */
export async function listingsOf(
  round: Round,
  reading: GmailReading,
  { since, withSearch }: { readonly since?: number | undefined; readonly withSearch: boolean },
): Promise<Listing[]> {
  const { filter, event } = reading;
  const q = [
    ...(withSearch && filter.search ? [`(${filter.search})`] : []),
    ...(filter.readStatus === 'read' ? ['is:read'] : []),
    ...(since !== undefined ? [receivedSince(since)] : []),
  ].join(' ');
  const always = [
    ...(filter.readStatus === 'unread' ? ['UNREAD'] : []),
    ...(event === 'sent' ? ['SENT'] : []),
  ];
  const choices = choicesOf(reading);
  return (await eventLabels(round, reading)).flatMap((label) =>
    choices.map((choice) => {
      const labelIds = [...new Set([...choice, ...(label === null ? [] : [label]), ...always])];
      const isHidden = labelIds.includes('SPAM') || labelIds.includes('TRASH');
      return { labelIds, includeSpamTrash: filter.spamAndTrash || isHidden, q, label };
    }),
  );
}

/** In Gmail's words; a second more, since nobody says on which side its ends are. @param since ms since 1970 */
export const receivedSince = (since: number): string => `after:${seconds(since)}`;

/** All others, but for that second. */
export const receivedBefore = (since: number): string => `before:${seconds(since)}`;

const seconds = (since: number): number => Math.max(Math.floor(since / 1000) - 1, 0);

function choicesOf({ filter: { labels } }: GmailReading): readonly (readonly string[])[] {
  if (!labels || labels.ids.length === 0) return [[]];
  return labels.match === 'all' ? [labels.ids] : labels.ids.map((id) => [id]);
}

async function eventLabels(
  round: Round,
  { event, eventLabels: labels }: GmailReading,
): Promise<readonly (string | null)[]> {
  if (event === 'starred') return [STARRED];
  if (event !== 'labelAdded') return [null];
  if (labels.length > 0) return labels;
  const all = await round.job.api.labels();
  // In the same order every time.
  return all
    .map(({ id }) => id)
    .filter(isOwnLabel)
    .sort();
}

export function queryOf({ labelIds, includeSpamTrash, q }: Listing, maxResults: number): MessageQuery {
  return {
    maxResults,
    ...(q !== '' && { q }),
    ...(labelIds.length > 0 && { labelIds }),
    ...(includeSpamTrash && { includeSpamTrash }),
  };
}
