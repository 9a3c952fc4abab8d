// Finds the newest mail that a trigger would take, for somebody who is looking. Changes nothing.
// Invariant: it reads a few mails at the most, since each costs quota that the trigger itself may need.
import type { GmailApi } from '../api/api';
import type { MessageQuery, RawMessage } from '../api/types';
import { STARRED } from '../mail/event';
import { type Asking, eventLabelsAmong, passesGmail } from '../read/selection';

/** How many mails are read at the most; and in a list that leaves nothing to Gmail's search. */
const MOST_LOOKED = 20;
const MOST_UNSEARCHED = 10;

/** What is asked of Gmail; its answer still has to be judged. */
interface Listing {
  readonly labelIds: readonly string[];
  readonly q: string;
}

/**
 * A mail that was just sent may not be in Gmail's search yet, but is in its lists; a mail that hides behind many others
 * is found by the search. So both are asked.
 * @returns the mail; or how many were looked at in vain
 * @throws GmailFault `refused`: Gmail does not understand the search, or does not have the label
 */
export async function readNewest(
  api: Pick<GmailApi, 'messages' | 'message'>,
  reading: Asking,
): Promise<{ readonly message: RawMessage } | { readonly looked: number }> {
  const look = new Look(api, reading);
  const asked = reading.filter.search === null ? [] : [`(${reading.filter.search})`];
  const plain = asked.join(' ');
  const narrowed = [...asked, ...narrowing(reading)].join(' ');
  for (const q of new Set([plain, narrowed])) {
    const most = q === '' && narrowed !== '' ? MOST_UNSEARCHED : MOST_LOOKED;
    const newest = await look.newest(
      labelsOf(reading).map((labelIds) => ({ labelIds, q })),
      most,
    );
    if (newest) return { message: newest };
  }
  return { looked: look.looked };
}

class Look {
  readonly #api: Pick<GmailApi, 'messages' | 'message'>;
  readonly #reading: Asking;
  /** What was read; whether it fits. */
  readonly #judged = new Map<string, boolean>();

  constructor(api: Pick<GmailApi, 'messages' | 'message'>, reading: Asking) {
    this.#api = api;
    this.#reading = reading;
  }

  get looked(): number {
    return this.#judged.size;
  }

  /** The newest of all lists; each of them has its own newest first. */
  async newest(listings: readonly Listing[], most: number): Promise<RawMessage | null> {
    let newest: RawMessage | null = null;
    for (const listing of listings) {
      for (const id of await this.#list(listing)) {
        const known = this.#judged.get(id);
        // What follows it is older.
        if (known === true) break;
        if (known === false) continue;
        if (this.looked >= most) return newest;
        const message = await this.#fitting(id);
        if (!message) continue;
        if (!newest || message.internalDate > newest.internalDate) newest = message;
        break;
      }
    }
    return newest;
  }

  async #list({ labelIds, q }: Listing): Promise<readonly string[]> {
    const { filter, eventLabels } = this.#reading;
    const isNamed = [...eventLabels, ...(filter.labels?.ids ?? [])].some((id) => HIDDEN.has(id));
    const query: MessageQuery = {
      maxResults: MOST_LOOKED,
      includeSpamTrash: filter.spamAndTrash || isNamed,
      ...(labelIds.length > 0 && { labelIds }),
      ...(q !== '' && { q }),
    };
    return ((await this.#api.messages(query, 'new')).messages ?? []).map(({ id }) => id);
  }

  async #fitting(id: string): Promise<RawMessage | null> {
    const message = await this.#api.message(id, 'new');
    const fits = message !== null && (await isTaken(this.#reading, message));
    this.#judged.set(id, fits);
    return fits ? message : null;
  }
}

const HIDDEN: ReadonlySet<string> = new Set(['SPAM', 'TRASH']);

async function isTaken(reading: Asking, message: RawMessage): Promise<boolean> {
  const isOfLabels = reading.event === 'labelAdded' || reading.event === 'starred';
  if (isOfLabels && eventLabelsAmong(reading, message.labelIds).length === 0) return false;
  return passesGmail(reading.filter, message, reading);
}

/** Sets of labels: a mail that fits has all of one of them. */
function labelsOf({ event, eventLabels, filter }: Asking): readonly (readonly string[])[] {
  const needed = new Set<string>();
  if (event === 'sent') needed.add('SENT');
  if (event === 'starred') needed.add(STARRED);
  if (filter.readStatus === 'unread') needed.add('UNREAD');
  const { ids, match } = filter.labels ?? { ids: [], match: 'all' };
  if (match === 'all') for (const id of ids) needed.add(id);
  // Of two choices one is left to who judges.
  const choice = event === 'labelAdded' && eventLabels.length > 0 ? eventLabels : match === 'any' ? ids : [];
  if (choice.length === 0) return [[...needed]];
  return choice.map((id) => [...new Set([...needed, id])]);
}

/** What leaves mails out, in the words of Gmail's search, that would be refused anyway. */
function narrowing({ event, eventLabels, filter }: Asking): string[] {
  const named = new Set([...eventLabels, ...(filter.labels?.ids ?? [])]);
  const terms: string[] = [];
  if (filter.readStatus === 'read') terms.push('is:read');
  if (event === 'labelAdded' && eventLabels.length === 0) terms.push('has:userlabels');
  // A scheduled mail may be shown as a draft or as sent, too.
  if (filter.scheduled || named.has('SCHEDULED')) return terms;
  if (!filter.drafts && !named.has('DRAFT')) terms.push('-in:drafts');
  if (!filter.sent && event !== 'sent' && !named.has('SENT')) terms.push('(in:inbox OR -in:sent)');
  return terms;
}
