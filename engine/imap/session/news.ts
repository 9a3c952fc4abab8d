// What is new in the open mailbox.
// Invariants: an announcement is only a hint, and what nobody announced is found, too; where there is something new and
// nothing can be read of it, that is a fault, never "nothing new".
import type { FetchMessageObject, FetchQueryObject } from 'imapflow';
import { Answers } from './answers';
import type { ImapConnection } from './connection';
import { type FactNeeds, factQuery, factsOf, isAnswered, type MailFacts, withHeader } from './facts';
import { forLess, isRefusal } from './fault';
import type { MailboxListing } from './listing';
import { Lowest } from './lowest';

/** So many new mails are asked for with everything at once. */
export const FEW_MAILS = 50;

export interface OpenedMailbox {
  readonly name: string;
  readonly uidValidity: string;
  /** The UID that the next mail will have at least, when the mailbox was opened. */
  readonly uidNext: number;
}

export interface News {
  /** Ascending. */
  readonly uids: number[];
  /** Of some of them. */
  readonly facts: ReadonlyMap<number, MailFacts>;
}

/** What comes of each mail with the same answer. */
interface Asked {
  readonly needs: FactNeeds | null;
  readonly wholeBelow: number;
}

export class MailboxNews {
  readonly #connection: ImapConnection;
  readonly #listing: MailboxListing;
  #opened: OpenedMailbox | undefined;
  /** How many mails there were when it was last looked for new ones, and are there yet. */
  #existed = 0;
  /** Nothing that was there then has a higher UID. */
  #highest = 0;
  /** It was opened just now: what the server told of it then need not be asked. */
  #isFresh = false;

  constructor(connection: ImapConnection, listing: MailboxListing) {
    this.#connection = connection;
    this.#listing = listing;
    connection.onExpunge((seq) => {
      if (seq <= this.#existed) this.#existed--;
    });
  }

  /** The mailbox that counts from now on. @param isFresh what the server told when it was opened counts as seen */
  open(opened: OpenedMailbox, isFresh: boolean): void {
    this.#opened = opened;
    this.#existed = this.#connection.exists;
    this.#highest = opened.uidNext - 1;
    this.#isFresh = isFresh;
  }

  /**
   * What is new: UIDs above `after`, ascending, `most` of them at the most. Asks for what nobody announced, too.
   * @param needs what is wanted of each mail; where few are new, it comes with the same answer; null: nothing
   * @param wholeBelow where only what was announced is asked for, a mail of fewer octets comes with its content, too
   * @throws ImapFault `unreadable`: there is something new, and nothing can be read of it
   */
  async above(after: number, most: number, needs: FactNeeds | null, wholeBelow = 0): Promise<News> {
    const isFresh = this.#isFresh;
    this.#isFresh = false;
    // Coming out of IDLE the server has told what is new; otherwise a NOOP makes it look.
    if (!this.#connection.takeHint() && !isFresh) await this.#connection.probe();
    try {
      return await this.#look(after, most, { needs, wholeBelow }, isFresh);
    } catch (error) {
      throw this.#listing.atOnce > 1 ? forLess(error) : error;
    }
  }

  async #look(after: number, most: number, asked: Asked, isFresh: boolean): Promise<News> {
    const { exists } = this.#connection;
    // Where it was just opened, nobody has counted: UIDs tell what may have come before that.
    const unseen = (this.#opened?.uidNext ?? 0) - 1 - after;
    const isBurst = Math.max(exists - this.#existed, unseen) > FEW_MAILS;
    const isAsOpened = isFresh && exists === this.#existed && this.#opened;
    const newest = async (): Promise<number> =>
      isAsOpened ? isAsOpened.uidNext - 1 : await this.#listing.newestUid();
    const listed = (uids: number[]): News => ({ uids, facts: new Map() });
    const news = isBurst
      ? listed(await this.#many(after, await newest(), most))
      : this.#listing.atOnce < FEW_MAILS
        ? listed(await this.#listing.fromTheEnd(after, most))
        : await this.#few(after, most, this.#isAnnounced(after) ? asked : { ...asked, wholeBelow: 0 });
    if (news.uids.length === 0) await this.#nothingNew();
    if (news.uids.length < most) {
      this.#existed = Math.min(exists, this.#connection.exists);
      this.#highest = Math.max(this.#highest, after, ...news.uids.slice(-1));
    }
    return news;
  }

  /** Something above it is new, and all above it is: else the last mail is told of in any case, or many are. */
  #isAnnounced(after: number): boolean {
    return this.#connection.exists > this.#existed && after >= this.#highest;
  }

  /**
   * There seem to be more mails than there were, and none of them was told of: they may have been told of before they were
   * announced, or be gone. @throws ImapFault `unreadable`: nor is the last mail
   */
  async #nothingNew(): Promise<void> {
    if (this.#connection.exists <= this.#existed) return;
    await this.#connection.lookAgain();
    if (this.#connection.exists > this.#existed) await this.#listing.newestUid();
  }

  async #few(after: number, most: number, { needs, wholeBelow }: Asked): Promise<News> {
    const lowest = new Lowest(most);
    const isKept = (uid: number): boolean => answers.get(uid) !== undefined || answers.size < FEW_MAILS;
    const answers: Answers = new Answers((uid) => uid > after && isKept(uid));
    const take = (message: FetchMessageObject): void => {
      answers.take(withHeader(message));
      if (message.uid > after) lowest.add(message.uid);
    };
    // `*` is the last mail even where its UID is not above `after` (RFC 3501, 6.4.8).
    const range = `${after + 1}:*`;
    const list = (query: FetchQueryObject): Promise<void> =>
      this.#connection.fetch('Looking for new mail', range, query, take);
    await list(needs ? factQuery(needs, wholeBelow) : {}).catch((error: unknown) => {
      if (!isRefusal(error)) throw error;
      // One of them may be refused: then without what identifies them. Or all is, as of a mailbox that was deleted.
      return list({});
    });
    if (answers.heard === 0 || lowest.numbers.length < this.#connection.exists - this.#existed) {
      const there = (): string | undefined => (this.#connection.exists > 0 ? range : undefined);
      await this.#connection.fetchThere('Looking for new mail', there, {}, take);
    }
    const facts = new Map<number, MailFacts>();
    for (const uid of answers.uids) {
      const answer = answers.get(uid);
      if (needs && isAnswered(answer, needs, this.#connection.hasIds))
        facts.set(uid, factsOf(answer, wholeBelow));
    }
    return { uids: lowest.numbers, facts };
  }

  /** In windows, as `below`. */
  async #many(after: number, newest: number, most: number): Promise<number[]> {
    const uids: number[] = [];
    let width = most;
    for (let low = after + 1; low <= newest && uids.length < most; low += width, width *= 2) {
      const found = await this.#allIn(low, Math.min(newest, low + width - 1));
      if (!found) return this.#listing.fromTheEnd(after, most);
      for (const uid of found) uids.push(uid);
    }
    return uids.sort((a, b) => a - b).slice(0, most);
  }

  /**
   * The UIDs in a window. SEARCH tells them in a tenth of the time of FETCH, but by an index, which may lag: so it is
   * looked whether what it found stands together in the mailbox, with nothing before and after it.
   * @returns null: it does not, or the server refuses to search
   */
  async #allIn(low: number, high: number): Promise<number[] | null> {
    const found = await this.#listing.searched({ uid: `${low}:${high}` }, (uid) => uid >= low && uid <= high);
    const [first, last] = [found?.[0], found?.at(-1)];
    if (!found || first === undefined || last === undefined) return null;
    const places = new Map<number, number>();
    await this.#connection.fetch(
      'Looking for new mail',
      `${low}:${first},${last}:${high}`,
      {},
      ({ uid, seq }) => {
        if (uid >= low && uid <= high && (uid <= first || uid >= last)) places.set(uid, seq);
      },
    );
    const isEach = places.size === new Set([first, last]).size && places.has(first) && places.has(last);
    return isEach && places.get(last)! - places.get(first)! + 1 === found.length ? found : null;
  }
}
