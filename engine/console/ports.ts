// What the console asks of the ledger and of the feed: the parts that it needs, and no more.
import type { Feed } from '../feed/feed';
import type { Ledger } from '../ledger/ledger';

type Asked =
  | (
      | 'place'
      | 'sources'
      | 'events'
      | 'event'
      | 'count'
      | 'statistics'
      | 'unserved'
      | 'life'
      | 'series'
      | 'waitingBefore'
      | 'triggers'
    )
  | ('replay' | 'retryNow' | 'markDone' | 'forget');

export type ConsoleLedger = Pick<Ledger, Asked>;

export type ConsoleFeed = Pick<Feed, 'clients' | 'cut' | 'join'>;
