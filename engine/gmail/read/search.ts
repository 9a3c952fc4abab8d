// Whether mails match a search as in Gmail's search box, asked for the new mails only, without losing any.
// How: Gmail's index is behind its mailbox, by seconds or more, so an empty answer means nothing by itself. For mails
// received within an hour of one another, the search is asked with that span. A mail it does not find is looked for in
// the same span without the user's words: only if the index has it there, and the search, asked once more, still does
// not find it, it does not match. A mail that the index does not know yet is asked for again, with the subscription's
// cursor held, and taken when it stays unknown: a mail too many is better than one too few.
import type { Priority } from '../../http/quota';
import type { GmailApi } from '../api/api';
import { idsOf } from './unindexed';

export interface Dated {
  readonly id: string;
  /** Ms since 1970. */
  readonly internalDate: number;
}

/** `unknown`: the index does not have the mail yet. */
export type Answer = 'matches' | 'differs' | 'unknown';

const SPAN_S = 3_600;
const MOST_IN_SPAN = 200;
const PAGE = 500;
/** How long after the first look a mail is looked for again, ms: after 2 s, 5 s, 15 s, 30 s and 60 s more. */
const LOOKS_MS = [2_000, 7_000, 22_000, 52_000, 112_000];

/** @returns in how many ms to look again; null: it is not waited for any longer */
export function lookAgainIn(passedMs: number): number | null {
  const next = LOOKS_MS.find((at) => at > passedMs);
  return next === undefined ? null : next - passedMs;
}

/** @throws GmailFault; `refused`: Gmail does not understand the search */
export async function askSearch(
  api: GmailApi,
  search: string,
  mails: readonly Dated[],
  priority: Priority,
): Promise<ReadonlyMap<string, Answer>> {
  const answers = new Map<string, Answer>();
  for (const cluster of clusters(mails)) {
    const span = spanOf(cluster);
    const isIn = (found: ReadonlySet<string>): boolean => cluster.every(({ id }) => found.has(id));
    let matching = await found(api, `(${search}) ${span}`, priority);
    let indexed = matching;
    if (!isIn(matching)) {
      indexed = await found(api, span, priority);
      // What was indexed between the two must not seem to differ.
      const isDoubtful = cluster.some(({ id }) => indexed.has(id) && !matching.has(id));
      if (isDoubtful) matching = await found(api, `(${search}) ${span}`, priority);
    }
    for (const { id } of cluster) {
      answers.set(id, matching.has(id) ? 'matches' : indexed.has(id) ? 'differs' : 'unknown');
    }
  }
  return answers;
}

const seconds = ({ internalDate }: Dated): number => Math.floor(internalDate / 1000);

/** Both ends of `after` and `before` are left to Gmail: a second more on each side. */
const spanOf = (cluster: readonly Dated[]): string =>
  `after:${Math.max(seconds(cluster[0]!) - 1, 0)} before:${seconds(cluster.at(-1)!) + 2}`;

function clusters(mails: readonly Dated[]): Dated[][] {
  const groups: Dated[][] = [];
  for (const mail of [...mails].sort((a, b) => a.internalDate - b.internalDate)) {
    const group = groups.at(-1);
    const fits = group && group.length < MOST_IN_SPAN && seconds(mail) - seconds(group[0]!) <= SPAN_S;
    if (fits) group.push(mail);
    else groups.push([mail]);
  }
  return groups;
}

const found = (api: GmailApi, q: string, priority: Priority): Promise<ReadonlySet<string>> =>
  idsOf(api, { q, includeSpamTrash: true, maxResults: PAGE }, priority);
