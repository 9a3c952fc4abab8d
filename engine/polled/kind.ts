// What a kind of account that is asked over HTTP brings to being watched. All else is the same for every kind: when it is
// asked (loop.ts), over whose login (reach.ts), and what of it is told.
import type { Backfill, ConnectionState } from '../ledger/states';
import type { Bell } from '../runtime/bell';
import type { Subscriber } from '../source/source';
import type { WasRead } from '../source/standing';
import type { WatchedNames, WatchedSource } from '../source/watched';
import type { AccountFault, Purpose } from './fault';
import type { Notices } from './notices';

/**
 * What calls the watch of an account from its rest:
 * - `joined`: somebody listens who did not;
 * - `notice`: there may be news in the account;
 * - `look`: a person wants it read, or tried again, now;
 * - `actions`: runs have ended, after which something may have to be done with their mails;
 * - `done`: what was done beside the reading has ended.
 */
export type PolledCall = 'joined' | 'notice' | 'look' | 'actions' | 'done';

/** Over what the account is reached: as far as it is the same for all kinds. */
export interface PolledLogin {
  /** The account that it leads to, as the source's key names it. */
  readonly address: string;
  /** Undefined: it is of none, as in a test. */
  readonly credential?: { readonly id: string };
  /** Names what was stored as the login when it was read: it changes with each edit. */
  readonly stored?: string;
}

export interface PolledReading {
  /** How often the account is asked, ms. */
  readonly pollMs: number;
}

/** The types of one kind. */
export interface PolledTypes {
  readonly login: PolledLogin;
  readonly reading: PolledReading;
  /** What one account can be asked. */
  readonly api: unknown;
}

export type PolledSubscriber<K extends PolledTypes> = Subscriber<K['login'], K['reading']>;

/** The account, reached over the logins of those who listen to it. */
export interface Reached<K extends PolledTypes> {
  /** Over any login that works. */
  readonly api: K['api'];
  /** The first of them: how requests go out. */
  readonly login: K['login'];
  /** Names the server that is asked. */
  readonly server: string;
  /** Those who are still on this account. */
  readonly subscribers: readonly PolledSubscriber<K>[];
  /** Over the subscription's own login, as long as that is not refused. */
  readonly apiOf: (subscriptionId: number) => K['api'];
  /** Names the subscription's own login. */
  readonly keyOf: (subscriptionId: number) => string;
}

/** Asks the logins in turn, until one of them does it. */
export type Ask<Api> = <T>(purpose: Purpose, call: (api: Api) => Promise<T>) => Promise<T>;

/** How the API is reached, and what is said of it. */
export interface Reaching<K extends PolledTypes> {
  /** Over one login. @param key names it, where it is of no credential */
  open(login: K['login'], key: string, signal: AbortSignal): K['api'];
  /** Names the server that is asked, for all accounts and kinds in this process. */
  serverOf(login: K['login']): string;
  /** Over several: each request goes through `ask`. */
  shared(ask: Ask<K['api']>): K['api'];
  /** Who does not ask for it need not know that the own login may not do it. */
  asksFor(subscriber: PolledSubscriber<K>, purpose: 'change' | 'notify'): boolean;
  /** Every login is refused. @param cause the fault of the one that was to be asked first */
  allRefused(cause: unknown): AccountFault;
}

/** What a round came to. */
export interface RoundEnd extends WasRead {
  /** `waits`: when some of what was read has run. */
  readonly older: (Backfill & { readonly waits: boolean }) | null;
  readonly recovered: number | null;
  /** Something could not be read or judged yet: to be looked at again after so many ms; null: nothing. */
  readonly againInMs: number | null;
  /** Whether there was anything new. */
  readonly news: boolean;
}

/** What is read, for whom. */
export interface Look<K extends PolledTypes> {
  readonly api: K['api'];
  readonly subscribers: readonly PolledSubscriber<K>[];
  readonly connection: Extract<ConnectionState, 'idling' | 'polling'>;
}

/** How an account hears of news before its next poll. */
export interface Announcing<K extends PolledTypes> {
  /** Announcements are seen to come: the poll underneath may be rarer. */
  readonly isWorking: boolean;
  /** Until when they are sent, ms since 1970; null: they are not. */
  readonly until: number | null;
  /** They are told to this process by another. */
  heard(): void;
  /** There was news that nobody had announced. */
  missed(): void;
  /** Who listens now, and over which login. */
  want(reached: Reached<K>): void;
  /** Resolves when nothing is under way; from now on nothing is heard. */
  leave(): Promise<void>;
}

/** Something that is done beside the reading. */
export interface Chore<K extends PolledTypes> {
  /** @param wasRead the account was read since this process has it @returns ms; Infinity: nobody wants it */
  dueInMs(wasRead: boolean): number;
  /** Never rejects: what goes wrong is told, and due again. */
  run(reached: Reached<K>, signal: AbortSignal): Promise<void>;
}

/** One account of a kind, while it is watched. */
export interface PolledAccount<K extends PolledTypes> {
  readonly announcing: Announcing<K>;
  /** The first that is due is done first; acting on mails comes last. */
  readonly chores: readonly Chore<K>[];
  /** Reads what is new, and a page of what is old. @throws AccountFault, LedgerFault */
  read(look: Look<K>, signal: AbortSignal): Promise<RoundEnd>;
  /** Does what is due with mails after their run. @returns whether there may be more @throws AccountFault, LedgerFault */
  act(reached: Reached<K>, signal: AbortSignal): Promise<boolean>;
}

export interface PolledKind<K extends PolledTypes> {
  /** @param account as the source's key has it */
  names(account: string): WatchedNames & {
    /** Who may refuse something, at the beginning of a sentence. */
    readonly server: string;
  };
  readonly reaching: Reaching<K>;
  watch(
    source: WatchedSource<PolledSubscriber<K>>,
    bell: Bell<PolledCall>,
    notices: Notices,
  ): PolledAccount<K>;
}
