// What reading an account is given, and what it comes to.
import type { Ledger } from '../../ledger/ledger';
import type { SourceHold } from '../../ledger/source-holds';
import type { Log } from '../../runtime/log';
import type { Beginning } from '../../source/source';
import type { GmailApi } from '../api/api';
import type { GmailReading } from './reading';

export type GmailBeginning = Beginning<GmailReading>;

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

/** What of the ledger is asked and told while an account is read. */
type SyncLedger = Pick<Ledger, 'cursors' | 'noteBounces' | 'record' | 'unrecorded' | 'waiting'>;

export interface GmailSyncJob {
  readonly api: GmailApi;
  readonly address: string;
  readonly hold: SourceHold;
  readonly ledger: SyncLedger;
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
