// What reading an account is given, and what it comes to.
import type { Ledger, Subscription } from '../../ledger/ledger';
import type { SourceHold } from '../../ledger/source-holds';
import type { Backfill } from '../../ledger/states';
import type { Log } from '../../runtime/log';
import type { GmailApi } from '../api/api';
import type { GmailReading } from './reading';

export interface GmailBeginning {
  readonly subscription: Subscription;
  readonly reading: GmailReading;
  /** People were told that the subscription listens before the account was first reached. */
  readonly reachedLate: boolean;
  /** It was just switched on; ms since 1970. Undefined once it has read the account since. */
  readonly switchedOnAt: number | undefined;
}

/** Times are those of `GmailSyncJob.now`. */
interface Withheld {
  /** How often it could not be read, about. */
  readonly tries: number;
  readonly askAt: number;
}

interface Unsearched {
  readonly since: number;
  readonly askAt: number;
}

/** What is remembered from one sync to the next, in this process; all of it may be lost. */
export interface GmailMemory {
  /** Messages that could not be read, by id. */
  readonly withheld: Map<string, Withheld>;
  /** Messages that the search does not know, by subscription and id. */
  readonly unsearched: Map<string, Unsearched>;
  /** Messages that a subscription does not take, by subscription and id: not read again while its cursor is held. */
  readonly passedOver: Set<string>;
}

export interface GmailSyncJob {
  readonly api: GmailApi;
  readonly address: string;
  readonly hold: SourceHold;
  readonly ledger: Ledger;
  readonly log: Log;
  readonly subscriptions: readonly GmailBeginning[];
  readonly memory: GmailMemory;
  /** Called after each commit with the subscriptions that have new events. */
  readonly recorded: (subscriptionIds: readonly number[]) => void;
  /** For people: what is being done now. */
  readonly doing: (state: 'gap_checking' | 'gap_syncing' | 'syncing') => Promise<void>;
  /** Gmail refuses what the subscription asks for (a label that is not there, a search); it stays where it is. */
  readonly refused: (subscriptionId: number, fault: Error) => void;
  /** While so many mails wait for their run, no older ones are added. */
  readonly mostWaiting: number;
  /** The monotonic clock, ms; for tests that do not wait. */
  readonly now?: () => number;
}

export interface GmailSyncEnd {
  /** Older mail that is still to be read; `waits`: when some of what was read has run. Null: none. */
  readonly older: (Backfill & { readonly waits: boolean }) | null;
  /** How many mails were found although the history had expired; null: it had not. */
  readonly recovered: number | null;
  /** Something could not be read or judged yet: to be looked at again after so many ms; null: nothing. */
  readonly againInMs: number | null;
  /** Whether the history told anything new. */
  readonly news: boolean;
}
