// Which mails are in the open mailbox: UIDs.
// Invariants: what is there is listed, also where the server refuses to search; neither side ever lists the whole mailbox in
// one answer.
import type { FetchMessageObject, FetchQueryObject, SearchObject } from 'imapflow';
import { type Answer, answerOf, Answers } from './answers';
import type { ImapConnection } from './connection';
import { Lowest } from './lowest';
import { Refusal } from './refusal';

/** So many are told of in one answer, where it has to be gone through many. */
const PART_MAILS = 1_000;

export class MailboxListing {
  readonly #connection: ImapConnection;
  /** The server has refused to search: it is not asked again over this connection. */
  #hasNoSearch = false;
  /** So many mails may be told of in one answer. */
  atOnce = Infinity;

  constructor(connection: ImapConnection) {
    this.#connection = connection;
  }

  /** The lowest UIDs above `after`, by FETCH. */
  async fromTheEnd(after: number, most: number): Promise<number[]> {
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
    const found = await this.searched({ larger: size - 1, smaller: size + 1 }, () => true);
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
    return this.searched(query, (uid) => uid >= low && uid <= high);
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
  async searched(query: SearchObject, isMeant: (uid: number) => boolean): Promise<number[] | null> {
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
