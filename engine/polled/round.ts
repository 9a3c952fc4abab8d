// One round of a polled account: reach it over a login that works, read what is new and a page of what is old, and begin
// what is done beside the reading.
// Invariant: what is read counts as read only when all of it is recorded, for those who were reached.
import { foundBack } from '../source/found-back';
import type { WatchedSource } from '../source/watched';
import type { Aside } from './aside';
import type { PolledAccount, PolledSubscriber, PolledTypes, Reached, RoundEnd } from './kind';
import type { Looks } from './looks';
import type { Notices } from './notices';
import type { Reach } from './reach';

export interface RoundParts<K extends PolledTypes> {
  /** Who may refuse something, for people, at the beginning of a sentence. */
  readonly server: string;
  readonly source: WatchedSource<PolledSubscriber<K>>;
  readonly account: PolledAccount<K>;
  readonly notices: Notices;
  readonly reach: Reach<K>;
  readonly looks: Looks;
  readonly aside: Aside<K>;
}

/**
 * - `done`;
 * - `moved`: everybody moved to another account, and is leaving.
 */
export type RoundCame = 'done' | 'moved';

const NOTHING = { older: null, recovered: null, againInMs: null, news: false } as const;

export class Round<K extends PolledTypes> {
  readonly #parts: RoundParts<K>;

  constructor(parts: RoundParts<K>) {
    this.#parts = parts;
  }

  /** @param reads false: only what is done beside the reading is due @throws AccountFault, LedgerFault */
  async go(reads: boolean, signal: AbortSignal): Promise<RoundCame> {
    const { source, account, reach, looks, aside } = this.#parts;
    const { announcing } = account;
    if (looks.isFresh)
      await source.standing.is('gap_checking', 'connecting', { notifiedUntil: announcing.until });
    const reached = await reach.account(source.subscribers(), signal);
    if (!reached) return 'moved';
    announcing.want(reached);
    if (reads) await this.#read(reached, signal);
    if (!signal.aborted) aside.begin(reached, !looks.isFresh, signal);
    return 'done';
  }

  async #read(reached: Reached<K>, signal: AbortSignal): Promise<void> {
    const { source, account, notices, looks } = this.#parts;
    const { announcing } = account;
    const isOver = (): boolean => signal.aborted;
    const look = looks.begin();
    const looked = notices.look();
    const connection = announcing.isWorking ? 'idling' : 'polling';
    const subscribers = source.accepted(reached.subscribers);
    const end =
      subscribers.length === 0
        ? await this.#allAreRefused(connection)
        : await account.read({ api: reached.api, subscribers, connection }, signal);
    if (isOver()) return;
    if (subscribers.length > 0) {
      foundBack().reached(reached.server);
      await source.wasRead(subscribers, end, connection);
    }
    if (isOver()) return;
    looked(end.news);
    if (look.isPoll && end.news) announcing.missed();
    look.ended(end, notices.areEarly);
  }

  async #allAreRefused(connection: 'idling' | 'polling'): Promise<RoundEnd> {
    const error = `${this.#parts.server} refuses the settings of every trigger that listens to it`;
    await this.#parts.source.standing.is('error', connection, { error });
    return NOTHING;
  }
}
