// Which mails are in the open mailbox: UIDs, and what is new.
// Invariants: what is there is listed, also where the server refuses to search, or its index lags; where it tells of
// mails that nobody can read of, that is a fault, never an empty mailbox.
import type { FetchMessageObject, FetchQueryObject, SearchObject } from 'imapflow';
import { type Answer, answerOf, Answers } from './answers';
import type { ImapConnection } from './connection';
import { type FactNeeds, factQuery, factsOf, isAnswered, type MailFacts } from './facts';
import { isRefusal, unreadable } from './fault';
import { Lowest } from './lowest';
import { Refusal } from './refusal';

/** So many new mails are asked for with everything at once. */
export const FEW_MAILS = 50;
/** So many are told of in one answer, where it has to be gone through many. */
const PART_MAILS = 1_000;

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

export class MailboxListing {
  readonly #connection: ImapConnection;
  #opened: OpenedMailbox | undefined;
  /** How many mails there were when it was last looked for new ones, and are there yet. */
  #existed = 0;
  /** It was opened just now: what the server told of it then need not be asked. */
  #isFresh = false;
  /** The server has refused to search: it is not asked again over this connection. */
  #hasNoSearch = false;
  /** So many mails may be told of in one answer. */
  atOnce = Infinity;

  constructor(connection: ImapConnection) {
    this.#connection = connection;
    connection.onExpunge((seq) => {
      if (seq <= this.#existed) this.#existed--;
    });
  }

  /** The mailbox that counts from now on. @param isFresh what the server told when it was opened counts as seen */
  open(opened: OpenedMailbox, isFresh: boolean): void {
    this.#opened = opened;
    this.#existed = this.#connection.exists;
    this.#isFresh = isFresh;
  }

  /**
   * What is new: UIDs above `after`, ascending, `most` of them at the most. Asks for what nobody announced, too.
   * @param needs what is wanted of each mail; where few are new, it comes with the same answer; null: nothing
   * @throws ImapFault `unreadable`: there is something new, and nothing can be read of it
   */
  async news(after: number, most: number, needs: FactNeeds | null): Promise<News> {
    const isFresh = this.#isFresh;
    this.#isFresh = false;
    // Coming out of IDLE the server has told what is new; otherwise a NOOP makes it look.
    if (!this.#connection.takeHint() && !isFresh) await this.#connection.probe();
    const { exists } = this.#connection;
    // Where it was just opened, nobody has counted: UIDs tell what may have come before that.
    const unseen = (this.#opened?.uidNext ?? 0) - 1 - after;
    const isBurst = Math.max(exists - this.#existed, unseen) > FEW_MAILS;
    const isAsOpened = isFresh && exists === this.#existed && this.#opened;
    const newest = async (): Promise<number> =>
      isAsOpened ? isAsOpened.uidNext - 1 : await this.newestUid();
    const listed = (uids: number[]): News => ({ uids, facts: new Map() });
    const news = isBurst
      ? listed(await this.#above(after, await newest(), most))
      : this.atOnce < FEW_MAILS
        ? listed(await this.#fromTheEnd(after, most))
        : await this.#fewAbove(after, most, needs);
    if (news.uids.length === 0) await this.#nothingNew();
    if (news.uids.length < most) this.#existed = Math.min(exists, this.#connection.exists);
    return news;
  }

  /** @throws ImapFault: more mails are there than were, and none of them was told of */
  async #nothingNew(): Promise<void> {
    if (this.#connection.exists <= this.#existed) return;
    await this.#connection.lookAgain();
    const { exists, login } = this.#connection;
    if (exists > this.#existed) throw unreadable(login, exists - this.#existed);
  }

  async #fewAbove(after: number, most: number, needs: FactNeeds | null): Promise<News> {
    const lowest = new Lowest(most);
    const isKept = (uid: number): boolean => answers.get(uid) !== undefined || answers.size < FEW_MAILS;
    const answers: Answers = new Answers((uid) => uid > after && isKept(uid));
    const take = (message: FetchMessageObject): void => {
      answers.take(message);
      if (message.uid > after) lowest.add(message.uid);
    };
    // `*` is the last mail even where its UID is not above `after` (RFC 3501, 6.4.8).
    const range = `${after + 1}:*`;
    const listing = this.#connection.fetch(
      'Looking for new mail',
      range,
      needs ? factQuery(needs) : {},
      take,
    );
    await listing.catch((error: unknown) => {
      // One of them is refused: then without what identifies them.
      if (!isRefusal(error)) throw error;
    });
    if (answers.heard === 0 || lowest.numbers.length < this.#connection.exists - this.#existed) {
      const there = (): string | undefined => (this.#connection.exists > 0 ? range : undefined);
      await this.#connection.fetchThere('Looking for new mail', there, {}, take);
    }
    const facts = new Map<number, MailFacts>();
    for (const uid of answers.uids) {
      const answer = answers.get(uid);
      if (needs && isAnswered(answer, needs, this.#connection.hasIds)) facts.set(uid, factsOf(answer));
    }
    return { uids: lowest.numbers, facts };
  }

  /** In windows, as `below`. */
  async #above(after: number, newest: number, most: number): Promise<number[]> {
    const uids: number[] = [];
    let width = most;
    for (let low = after + 1; low <= newest && uids.length < most; low += width, width *= 2) {
      const found = await this.#allIn(low, Math.min(newest, low + width - 1));
      if (!found) return this.#fromTheEnd(after, most);
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
    const found = await this.#searched({ uid: `${low}:${high}` }, (uid) => uid >= low && uid <= high);
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

  /** The lowest UIDs above `after`, by FETCH. */
  async #fromTheEnd(after: number, most: number): Promise<number[]> {
    const lowest = new Lowest(most);
    await this.#walk(after, {}, ({ uid }) => lowest.add(uid));
    return lowest.numbers;
  }

  /**
   * What is told of each mail above `after`, from the end of the mailbox on in parts by sequence number: so it is never
   * more than `atOnce` at a time, however far apart their UIDs are.
   */
  async #walk(after: number, query: FetchQueryObject, take: (answer: Answer) => void): Promise<void> {
    const most = Math.min(this.atOnce, PART_MAILS);
    // What is deleted meanwhile moves mails down, to where it is still to be looked.
    for (let high = this.#connection.exists; high > 0;) {
      const low = Math.max(1, high - most + 1);
      const answers = new Answers((uid) => uid > after);
      let least = Infinity;
      const hear = (message: FetchMessageObject): void => {
        answers.take(message);
        const answer = answerOf(message);
        if (answer && answer.seq >= low && answer.seq <= high) least = Math.min(least, answer.uid);
      };
      const there = (): string | undefined =>
        this.#connection.exists >= low ? `${low}:${Math.min(high, this.#connection.exists)}` : undefined;
      await this.#connection.fetchThere('Looking for mail', there, query, hear, 'seq');
      for (const uid of answers.uids) take(answers.get(uid)!);
      if (least <= after) return;
      high = low - 1;
    }
  }

  /**
   * The highest UIDs below `below`, down to `downTo`, ascending, `most` of them at the most.
   * @param since only mails received on that day or later (ms since 1970)
   * @returns and down to where it was looked: there is none between that and the lowest of them
   */
  async below(
    below: number,
    downTo: number,
    most: number,
    since?: number,
  ): Promise<{ uids: number[]; lookedTo: number }> {
    // In windows, so that neither side ever lists the whole mailbox. UIDs may have gaps of any size: an empty
    // window is followed by one twice as wide.
    let width = Math.min(most * 2, this.atOnce);
    let high = below - 1;
    const uids: number[] = [];
    while (high >= downTo && uids.length < most) {
      const low = Math.max(downTo, high - width + 1);
      const found = await this.#within(low, high, since);
      for (const uid of found) uids.push(uid);
      high = low - 1;
      width *= 2;
    }
    uids.sort((a, b) => a - b);
    return { uids: uids.slice(-most), lookedTo: uids.length > most ? uids.at(-most)! : high + 1 };
  }

  /** UIDs above `after` of mails received on the day of `since` (ms since 1970) or later, or nobody knows when; ascending. */
  async since(after: number, since: number): Promise<number[]> {
    const found = await this.#searchedSince(after + 1, Infinity, since);
    return found ?? this.#toldBy(after, { internalDate: true }, receivedFrom(since));
  }

  /** UIDs of mails of this size (RFC822.SIZE), ascending. */
  async ofSize(size: number): Promise<number[]> {
    const found = await this.#searched({ larger: size - 1, smaller: size + 1 }, () => true);
    return found ?? this.#toldBy(0, { size: true }, (answer) => answer.size === size);
  }

  /** The UID of the mail that is the `count`th from the end; 1 where there are fewer. */
  async fromEnd(count: number): Promise<number> {
    const { exists } = this.#connection;
    if (exists <= count) return 1;
    const wanted = exists - count + 1;
    let found = 1;
    const take = ({ uid, seq }: { uid: number; seq: number }): void => {
      if (uid && seq === wanted) found = uid;
    };
    await this.#connection.fetch('Looking for older mail', String(wanted), {}, take, 'seq');
    return found;
  }

  /** How many mails there are below the UID, as a sequence number tells; about, where it is not there. */
  async countBelow(uid: number): Promise<number> {
    let below = 0;
    await this.#connection.fetch('Counting older mail', String(uid), {}, (message) => {
      if (message.uid === uid) below = message.seq - 1;
    });
    return below;
  }

  /** The UID of the newest mail, or 0 in an empty mailbox. @throws ImapFault `unreadable` */
  async newestUid(): Promise<number> {
    let last = 0;
    const take = ({ uid }: { uid: number }): void => void (last = Math.max(last, uid || 0));
    const there = (): string | undefined => (this.#connection.exists > 0 ? '*' : undefined);
    await this.#connection.fetchThere('Looking for the last mail', there, {}, take, 'seq');
    return last;
  }

  /** The UIDs in a window, in any order. */
  async #within(low: number, high: number, since: number | undefined): Promise<readonly number[]> {
    const found = since === undefined ? null : await this.#searchedSince(low, high, since);
    if (found) return found;
    const answers = new Answers((uid) => uid >= low && uid <= high);
    const query = since === undefined ? {} : { internalDate: true };
    await this.#connection.fetch('Looking for older mail', `${low}:${high}`, query, (message) =>
      answers.take(message),
    );
    if (since === undefined) return answers.uids;
    return answers.uids.filter((uid) => receivedFrom(since)(answers.get(uid)!));
  }

  /**
   * By date. It is asked as NOT BEFORE, so that a mail of which the server knows no date is among them.
   * @returns null: the server refuses to search, or does not know dates
   */
  async #searchedSince(low: number, high: number, since: number): Promise<number[] | null> {
    if (!(await this.#knowsDates())) return null;
    const query = { uid: `${low}:${high === Infinity ? '*' : high}`, not: { before: dayBefore(since) } };
    return this.#searched(query, (uid) => uid >= low && uid <= high);
  }

  /** Whether the server says of the last mail when it received it: one that does not cannot search by date. */
  async #knowsDates(): Promise<boolean> {
    let last: Answer | undefined;
    await this.#connection.fetch(
      'Looking for older mail',
      '*',
      { internalDate: true },
      (message) => {
        const answer = answerOf(message);
        if (answer?.receivedAt !== undefined && answer.uid >= (last?.uid ?? 0)) last = answer;
      },
      'seq',
    );
    return last?.receivedAt != null || this.#connection.exists === 0;
  }

  /** @returns ascending; null: the server refuses to search */
  async #searched(query: SearchObject, isMeant: (uid: number) => boolean): Promise<number[] | null> {
    if (this.#hasNoSearch) return null;
    try {
      return (await this.#connection.search(query)).filter(isMeant).sort((a, b) => a - b);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.#hasNoSearch = true;
      return null;
    }
  }

  async #toldBy(
    after: number,
    query: FetchQueryObject,
    isMeant: (answer: Answer) => boolean,
  ): Promise<number[]> {
    const uids = new Set<number>();
    await this.#walk(after, query, (answer) => isMeant(answer) && uids.add(answer.uid));
    return [...uids].sort((a, b) => a - b);
  }
}

/** Servers compare dates without a time zone: a day earlier is sure to hold them all. */
const dayBefore = (time: number): Date => new Date(time - 86_400_000);

const receivedFrom =
  (since: number) =>
  ({ receivedAt }: Answer): boolean =>
    (receivedAt ?? Infinity) >= dayBefore(since).getTime();
