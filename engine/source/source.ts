// What all kinds of sources share: who listens, and what a watch of one is asked to do.
import type { SourceKey } from '../ledger/sources';
import type { Subscription } from '../ledger/subscriptions';

/** Where a new subscription begins. Times in ms since 1970. */
export type Start =
  | { readonly kind: 'new' }
  | { readonly kind: 'last'; readonly count: number }
  | { readonly kind: 'since'; readonly at: number }
  | { readonly kind: 'everything' };

/** When a person is told about an outage. */
export interface OutageReporting {
  /** After so many ms; null: never. */
  readonly afterMs: number | null;
  /** Once more, when it is over. */
  readonly whenOver: boolean;
}

/** A trigger that listens to a source, for as long as it is registered. */
export interface Subscriber<Login, Reading> {
  readonly subscription: Subscription;
  readonly reading: Reading;
  readonly outage: OutageReporting;
  /** Something may have to be done with mails on their server when their runs have ended. */
  readonly hasActions: boolean;
  /** The most connections its account may have. */
  readonly mostConnections: number;
  /** When it was registered, ms since 1970. */
  readonly joinedAt: number;
  /**
   * Who reads the source for it: this process (default); a collector elsewhere, this one only while there is none
   * (`reserve`); or never this one (`elsewhere`).
   */
  readonly readBy?: 'here' | 'reserve' | 'elsewhere';
  /** It listens in another process: that one tells people, and what it has counts for nothing here but its reading. */
  readonly isGuest?: boolean;
  /** Its trigger listens in another process, and hears in time what is wrong, as often as that is said. */
  readonly isToldElsewhere?: boolean;
  /** It was switched on then, and passes over what came before, ms since 1970: its cursor says so when that was done (elsewhere.ts). */
  readonly passesOverUntil?: number;
  /** A person has just published it, or an edit of it: what is wrong is said anew. */
  readonly isByPerson?: boolean;
  /** Whether people were told that it listens: every mail that arrives after that is theirs. */
  readonly begun: () => boolean;
  /** The source was just read to its end for it. */
  readonly synced: () => void;
  /** The login as it is stored now: read again before every connect, since an edit restarts nothing. */
  readonly login: () => Promise<Login>;
  /** Names what is stored as the login now, asking nobody but n8n: it changes with each edit. */
  readonly stored?: () => Promise<string>;
  /** Tells a person, through n8n's error workflow, that the source is not being read. */
  readonly report: (fault: Error) => void;
  /** Tells a person of something else that is wrong, while the source is being read. */
  readonly warn: (fault: Error) => void;
  /** Tells a person that what was reported is over. */
  readonly reportOver: (lastedMs: number) => void;
  /** Its login now leads to another account: it has to subscribe anew. */
  readonly moved: () => void;
}

/** What whoever reads a source needs to know of one who listens to it. */
export interface Beginning<Reading> {
  readonly subscription: Subscription;
  readonly reading: Reading;
  /** People were told that the subscription listens before the source was first reached. */
  readonly reachedLate: boolean;
  /**
   * It was just switched on; ms since 1970. Undefined once it has read the source since, as far as this process knows.
   */
  readonly switchedOnAt: number | undefined;
}

/** One running watch of a source, shared by its subscribers. */
export interface Watch {
  /** There may be something to do: somebody joined. */
  nudge(): void;
  /** It is this process that reads it. */
  readonly isHeld: boolean;
  /** Ends it: nothing is recorded any more. */
  stop(): Promise<void>;
}

export type StartWatch<Login, Reading> = (
  key: SourceKey,
  sourceId: number,
  subscribers: () => readonly Subscriber<Login, Reading>[],
) => Watch;
