// What the console asks of the ledger and of the feed: the parts that it needs, and no more.
import type { Feed } from '../feed/feed';
import type { Endpoints } from '../ledger/endpoints';
import type { Ledger } from '../ledger/ledger';
import type { Outbox } from '../ledger/outbox';
import type { Templates } from '../ledger/templates';

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
      | 'contentPiece'
    )
  | ('replay' | 'retryNow' | 'markDone' | 'forget')
  | ('claim' | 'settle');

type OfOutbox =
  | ('entries' | 'entriesOf' | 'entriesFound' | 'countEntries' | 'oldestQueuedAt' | 'actOnEntries')
  | keyof Templates
  | ('endpoints' | 'removeEndpoint' | 'takeBack');

export type ConsoleLedger = Pick<Ledger, Asked> & Pick<Outbox & Templates & Endpoints, OfOutbox>;

export type ConsoleFeed = Pick<Feed, 'clients' | 'cut' | 'join'>;
