// One round of reading an account: who takes part, where each stands, and what was found out on the way.
// Invariants: a cursor changes here only when it is stored; who was refused takes no part any more and keeps its place.
import type { NewMessage } from '../../ledger/recording';
import { noteBounces } from '../../source/bounces';
import { type GmailCursor, storedCursor } from './cursor';
import type { GmailBeginning, GmailSyncJob } from './job';

export interface Place {
  readonly beginning: GmailBeginning;
  readonly cursor: GmailCursor;
}

export type Cursors = ReadonlyMap<number, GmailCursor>;

/** No history id is higher. */
export const FOR_GOOD = 2n ** 64n;
/** In the place of a record's id: the mail was not told by the history, but listed. */
export const LISTED = 0n;
/** What is remembered of mails that nobody took. */
const MOST_REMEMBERED = 100_000;

interface Judged {
  /** What brought the mail up. */
  readonly record: bigint;
  /** From when on it would have been taken, ms since 1970. */
  readonly since: number;
}

const judgementKey = (subscriptionId: number, identity: string, since: number): string =>
  `${subscriptionId} ${identity} ${since}`;

export class Round {
  readonly job: GmailSyncJob;
  readonly signal: AbortSignal;
  readonly #places = new Map<number, Place>();
  /** At which history id a mail was judged and not taken. */
  readonly #passedOver = new Map<string, bigint>();
  /** How many mails could be read. */
  readable = 0;
  #againInMs: number | null = null;
  #isReading = false;

  constructor(job: GmailSyncJob, cursors: Cursors, signal: AbortSignal) {
    this.job = job;
    this.signal = signal;
    for (const beginning of job.subscriptions) {
      const cursor = cursors.get(beginning.subscription.id);
      if (cursor) this.#places.set(beginning.subscription.id, { beginning, cursor });
    }
  }

  /** @param begun those of the cursors that are not stored yet */
  static async begin(
    job: GmailSyncJob,
    cursors: Cursors,
    begun: Cursors,
    signal: AbortSignal,
  ): Promise<Round> {
    const round = new Round(job, cursors, signal);
    await round.#store([], [...begun]);
    return round;
  }

  get places(): ReadonlyMap<number, Place> {
    return this.#places;
  }

  get againInMs(): number | null {
    return this.#againInMs;
  }

  /** Something is to be looked at again. */
  again(inMs: number): void {
    this.#againInMs = Math.min(this.#againInMs ?? Infinity, inMs);
  }

  /** Gmail does not do what they ask for. */
  refuse(subscriptionIds: Iterable<number>, fault: Error): void {
    for (const id of subscriptionIds) if (this.#places.delete(id)) this.job.refused(id, fault);
  }

  /** There are mails to be read: for people, told once. */
  async reads(): Promise<void> {
    if (this.#isReading) return;
    this.#isReading = true;
    await this.job.doing('syncing');
  }

  /** Records, and moves the cursors with it. */
  async record(messages: readonly NewMessage[], moves: Cursors): Promise<void> {
    const isMove = ([id, cursor]: readonly [number, GmailCursor]): boolean =>
      this.#places.has(id) && this.#places.get(id)?.cursor !== cursor;
    await this.#store(messages, [...moves].filter(isMove));
  }

  async #store(
    messages: readonly NewMessage[],
    moves: readonly (readonly [number, GmailCursor])[],
  ): Promise<void> {
    if (messages.length === 0 && moves.length === 0) return;
    const cursors = moves.map(([subscriptionId, cursor]) => ({
      subscriptionId,
      cursor: storedCursor(cursor),
    }));
    const { ledger, hold, log, recorded } = this.job;
    await noteBounces(ledger, messages, log);
    const news = await ledger.record({ hold, messages, cursors });
    for (const [id, cursor] of moves) {
      const place = this.#places.get(id);
      if (place) this.#places.set(id, { ...place, cursor });
    }
    if (news.length > 0) recorded(news);
  }

  /**
   * A subscription does not take a mail as it is now. What happens to the mail later is judged anew.
   * @param historyId the mail's own when it was judged: all up to it is in the judgement
   */
  passOver(subscriptionId: number, identity: string, { record, since }: Judged, historyId: bigint): void {
    const key = judgementKey(subscriptionId, identity, since);
    this.#passedOver.set(key, historyId > record ? historyId : record);
    const { passedOver } = this.job.memory;
    if (passedOver.size >= MOST_REMEMBERED) passedOver.clear();
    passedOver.add(`${key} ${record}`);
  }

  isPassedOver(subscriptionId: number, identity: string, { record, since }: Judged): boolean {
    // What was not taken whatever its date is not taken by a date either; but not the other way round.
    return [-Infinity, since].some((one) => {
      const key = judgementKey(subscriptionId, identity, one);
      const judgedAt = this.#passedOver.get(key);
      if (judgedAt !== undefined && record <= judgedAt) return true;
      return this.job.memory.passedOver.has(`${key} ${record}`);
    });
  }

  /** They are past what they did not take: of the history, or of what is listed. */
  forgetPassedOver(subscriptionIds: Iterable<number>, of: 'history' | 'listed'): void {
    const { passedOver } = this.job.memory;
    if (passedOver.size === 0) return;
    const ids = new Set([...subscriptionIds].map(String));
    for (const key of passedOver) {
      const isListed = key.endsWith(` ${LISTED}`);
      if (isListed === (of === 'listed') && ids.has(key.slice(0, key.indexOf(' ')))) passedOver.delete(key);
    }
  }
}
