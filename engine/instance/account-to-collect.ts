// An account that somebody has a login for, and how it is read there for triggers that listen elsewhere: the one place that knows
// how that differs from kind to kind.
// Invariant: whoever has the login is the one to say how the source is doing: here the triggers are no guests.
import type { AccessToken, GmailLogin } from '../gmail/api/login';
import { compileGmailReading, type GmailReadingData } from '../gmail/read/reading-data';
import { compileImapReading, type ImapReadingData } from '../imap/read/reading-data';
import type { ImapLogin } from '../imap/session/login';
import type { ReadSubscription } from '../ledger/readings';
import type { Log } from '../runtime/log';
import { guestOf } from '../source/guests';
import type { Engine } from './engine';

interface ImapAccountToCollect {
  readonly kind: 'imap';
  /** As the ledger names it: `accountName` of the login. */
  readonly account: string;
  /** As it is stored now: asked before every connect. */
  readonly login: () => Promise<ImapLogin>;
}

interface GmailAccountToCollect {
  readonly kind: 'gmail';
  /** Its address, lower case. */
  readonly account: string;
  readonly login: () => Promise<GmailLogin>;
  /** Names what is stored as the login now (`Subscriber.stored`). */
  readonly stored: () => Promise<string>;
  /** Of a service account that reads Pub/Sub; left out: who pulls notifications is asked as often as it polls, no more. */
  readonly pubsubToken?: () => Promise<AccessToken>;
}

export type AccountToCollect = ImapAccountToCollect | GmailAccountToCollect;

export type CollectingPorts = Pick<Engine, 'ledger' | 'wake' | 'imap' | 'gmail'>;

/** @returns leaves @throws Error: it cannot be compiled, and nothing has begun */
export type Join = (read: ReadSubscription) => Promise<() => Promise<void>>;

/** How triggers of the account are joined. Where one is, the login is asked for, to see how many connections it may have. */
export function joining(account: AccountToCollect, engine: CollectingPorts, log: Log): Join {
  const ports = { ledger: engine.ledger, log };
  switch (account.kind) {
    case 'imap': {
      const { login } = account;
      let limit: Promise<number> | undefined;
      return async (read) => {
        const reading = compileImapReading(read.reading as ImapReadingData);
        // One that cannot be had now is told where it is to be used.
        limit ??= login().then(
          ({ mostConnections }) => mostConnections,
          () => 1,
        );
        const joins = {
          ...guestOf(read, reading, login, ports),
          ...{ isGuest: false, mostConnections: await limit },
        };
        return engine.imap.join(read.source, joins);
      };
    }
    case 'gmail': {
      const { login, stored, pubsubToken } = account;
      return async (read) => {
        const reading = compileGmailReading(read.reading as GmailReadingData, pubsubToken);
        const joins = {
          ...guestOf(read, reading, login, ports),
          ...{ stored, isGuest: false, mostConnections: 1 },
        };
        return engine.gmail.join(read.source, joins);
      };
    }
  }
}
