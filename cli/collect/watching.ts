// How one account of one job is watched, by what kind of account it is: the one place here that knows how that differs.
// Invariant: its place in the ledger is named by the job and the account, whatever else of it changes.
import type { Engine } from '../../engine/instance/engine';
import { accountName } from '../../engine/imap/session/login';
import { Roster } from '../../engine/imap/watch/roster';
import { gmailSource } from '../../engine/gmail/mail/source';
import { compileGmailReading } from '../../engine/gmail/read/reading-data';
import { sourceName } from '../../engine/ledger/keys';
import type { NodeId } from '../../engine/ledger/serving';
import type { Log } from '../../engine/runtime/log';
import type { Subscriber } from '../../engine/source/source';
import {
  type GmailAccount,
  gmailAddress,
  gmailLoginOf,
  pubsubTokenOf,
  storedGmailLogin,
} from '../config/gmail-account';
import { type ImapAccount, imapLoginOf } from '../config/imap-account';
import { gmailReadingOf, imapReadingOf, subscriptionOf } from '../config/job';
import type { ToDo } from './to-do';

export interface Watching {
  /** @returns its subscriptions @throws LedgerFault */
  start(): Promise<readonly number[]>;
  /** Resolves when nothing of it is read any more. */
  stop(): Promise<void>;
}

/** What is the same for each of its sources. */
export type Listener = Omit<
  Subscriber<never, never>,
  'subscription' | 'reading' | 'login' | 'mostConnections'
>;

export interface WatchingPorts {
  readonly engine: Pick<Engine, 'ledger' | 'imap' | 'gmail'>;
  readonly log: Log;
  /** As which it stands in the ledger. */
  readonly node: NodeId;
  readonly listener: Listener;
  /** One of its sources, by `sourceName`. */
  readonly reads: (source: string) => void;
  /** All of its subscriptions, where they have changed since it began. */
  readonly changed: (subscriptionIds: readonly number[]) => void;
  /** Its mailboxes could not be listed, so often in a row. */
  readonly failed: (fault: Error, failures: number) => void;
}

/** @throws Error: what it takes cannot be compiled */
export function watchingOf(todo: ToDo, ports: WatchingPorts): Watching {
  const { account } = todo;
  return account.kind === 'gmail' ? watchingGmail(todo, account, ports) : watchingImap(todo, account, ports);
}

const nodeName = ({ name, accountName: account }: ToDo): string => `${name} (${account})`;

function watchingImap(todo: ToDo, account: ImapAccount, ports: WatchingPorts): Watching {
  const { engine, log, node, listener, reads, changed, failed } = ports;
  const login = imapLoginOf(todo.accountName, account);
  const { mostConnections } = account;
  return new Roster(
    {
      ...node,
      nodeName: nodeName(todo),
      account: accountName(account),
      subscription: subscriptionOf(todo.job),
      reading: imapReadingOf(todo.job),
      login,
    },
    {
      ...{ ledger: engine.ledger, registry: engine.imap, log, changed, failed },
      ...{ listed: () => undefined, moved: listener.moved },
      subscriber: (subscription, reading, source) => {
        reads(sourceName(source));
        return { ...listener, subscription, reading, login, mostConnections };
      },
    },
  );
}

function watchingGmail(todo: ToDo, account: GmailAccount, ports: WatchingPorts): Watching {
  const { engine, node, listener, reads } = ports;
  const data = gmailReadingOf(todo.job, account);
  const reading = compileGmailReading(data, pubsubTokenOf(todo.accountName, account));
  const login = gmailLoginOf(todo.accountName, account);
  const source = gmailSource(gmailAddress(account));
  let leave: (() => Promise<void>) | undefined;
  return {
    start: async () => {
      const { ledger } = engine;
      const subscription = await ledger.subscribe({
        ...{ ...node, nodeName: nodeName(todo), source, reading: data },
        ...subscriptionOf(todo.job),
      });
      await ledger.listensWith(node, [subscription.id]);
      reads(sourceName(source));
      const logins = { login, stored: storedGmailLogin(account), mostConnections: 1 };
      leave = engine.gmail.join(source, { ...listener, subscription, reading, ...logins });
      return subscription.nodeIds;
    },
    stop: async () => leave?.(),
  };
}
