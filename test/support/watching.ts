// The engine without n8n: a ledger of the test's own, and watches of mailboxes that record into it.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { accountName, type ImapLogin } from '../../engine/imap/session/login';
import { ImapAccounts } from '../../engine/imap/watch/accounts';
import type { LineTimes } from '../../engine/imap/watch/pace';
import type { ImapReading } from '../../engine/imap/read/reading';
import { unpackContent } from '../../engine/ledger/content';
import type { Ledger } from '../../engine/ledger/ledger';
import type { Subscription, SubscriptionSettings } from '../../engine/ledger/subscriptions';
import { openSqliteLedger } from '../../engine/ledger/sqlite/sqlite-ledger';
import type { Log } from '../../engine/runtime/log';
import { ProcessWake } from '../../engine/signal/wake';
import type { OutageReporting } from '../../engine/source/source';
import { SourceLeases } from '../../engine/source/leases';
import { SourceRegistry } from '../../engine/source/registry';
import { until } from './until';
import { readingOf } from './reading';

export interface Joined {
  readonly subscription: Subscription;
  readonly reports: Error[];
  /** What people were told while the mailbox was read. */
  readonly warnings: Error[];
  /** How long outages had lasted when people were told that they are over, ms. */
  readonly overs: number[];
  readonly leave: () => Promise<void>;
  /** Set it when people would have been told that the trigger listens. */
  begun: boolean;
}

export interface JoinOptions {
  readonly workflowId?: string;
  readonly nodeId?: string;
  readonly mailbox?: string;
  readonly mostStoredBytes?: number;
  readonly reading?: Partial<ImapReading>;
  readonly outage?: Partial<OutageReporting>;
  readonly subscription?: Partial<SubscriptionSettings>;
}

export interface RecordedMail {
  readonly event: string;
  readonly uid: number;
  readonly identity: string;
  readonly subject: string | null;
  readonly size: number;
  readonly receivedAt: number | null;
  /** Null: it was recorded without it. */
  readonly content: Buffer | null;
}

export interface WatchingOptions {
  /** The ledger's file of another one: two processes with one ledger. */
  readonly file?: string;
  /** The process's name for its leases. */
  readonly holder?: string;
  readonly leaseMs?: number;
}

export class Watching {
  readonly #folder: string;
  readonly #beside: DatabaseSync;
  readonly ledger: Ledger;
  readonly log: string[] = [];
  readonly wake = new ProcessWake();
  readonly file: string;
  readonly #registry: SourceRegistry<ImapLogin, ImapReading>;

  private constructor(
    folder: string,
    file: string,
    ledger: Ledger,
    beside: DatabaseSync,
    times: Partial<LineTimes>,
    { holder, leaseMs }: WatchingOptions,
  ) {
    this.#folder = folder;
    this.file = file;
    this.ledger = ledger;
    this.#beside = beside;
    const write = (message: string): unknown => this.log.push(message);
    const log: Log = { debug: write, info: write, warn: write, error: write };
    const leases = new SourceLeases(ledger, log, { ...(holder && { holder }), ...(leaseMs && { leaseMs }) });
    this.#registry = new SourceRegistry(
      new ImapAccounts({ ledger, leases, wake: this.wake, log }, times).start,
    );
  }

  static async start(times: Partial<LineTimes> = {}, options: WatchingOptions = {}): Promise<Watching> {
    const folder = await mkdtemp(join(tmpdir(), 'durable-mail-watch-'));
    const file = options.file ?? join(folder, 'ledger.sqlite');
    const ledger = await openSqliteLedger(file);
    return new Watching(folder, file, ledger, new DatabaseSync(file, { timeout: 5_000 }), times, options);
  }

  /** Subscribes as a published trigger would. */
  async join(
    login: ImapLogin | (() => Promise<ImapLogin>),
    {
      workflowId = 'workflow',
      nodeId = 'node',
      mailbox = 'INBOX',
      mostStoredBytes = 50 * 1024 * 1024,
      reading = {},
      outage = {},
      subscription: settings = {},
    }: JoinOptions = {},
  ): Promise<Joined> {
    const read = typeof login === 'function' ? login : () => Promise.resolve(login);
    const first = await read();
    const source = { kind: 'imap', account: accountName(first), mailbox } as const;
    const subscription = await this.ledger.subscribe({
      workflowId,
      nodeId,
      source,
      retryDelaysMs: [],
      guarantee: 'atLeastOnce',
      keepContentMs: 0,
      retentionMs: 90 * 86_400_000,
      afterSuccess: null,
      whenDead: null,
      ...settings,
    });
    const joined: Joined = {
      subscription,
      reports: [],
      warnings: [],
      overs: [],
      leave: () => leave(),
      begun: false,
    };
    const leave = this.#registry.join(source, {
      subscription,
      reading: readingOf({ mostStoredBytes, ...reading }),
      outage: { afterMs: 15 * 60_000, whenOver: false, ...outage },
      hasActions: Boolean(settings.afterSuccess ?? settings.whenDead),
      mostConnections: first.mostConnections,
      joinedAt: Date.now(),
      begun: () => joined.begun,
      synced: () => undefined,
      login: read,
      report: (fault) => joined.reports.push(fault),
      warn: (fault) => joined.warnings.push(fault),
      reportOver: (lastedMs) => joined.overs.push(lastedMs),
      moved: () => undefined,
    });
    return joined;
  }

  /** Waits until every mail up to the UID has been read, and the reading back is over. */
  async read({ id }: Subscription, uid: number): Promise<void> {
    await until('the mailbox is read', async () => {
      const cursor = (await this.ledger.cursors([id])).get(id);
      return cursor?.['uid'] === uid && cursor['since'] === undefined;
    });
  }

  /** The UIDs of recorded mails that are due to the subscription, in order. */
  uids({ id }: Subscription): number[] {
    return this.#beside
      .prepare(
        'select uid from event join message on message.id = message_id where subscription_id = ? order by seq',
      )
      .all(id)
      .map((row) => Number(row['uid']));
  }

  /** What was recorded of them, in order. */
  async recorded({ id }: Subscription): Promise<RecordedMail[]> {
    const rows = this.#beside
      .prepare(
        `select event.id as event, uid, message.identity as identity, subject, size, received_at as receivedAt
         from event join message on message.id = message_id where subscription_id = ? order by seq`,
      )
      .all(id) as unknown as Omit<RecordedMail, 'content'>[];
    const contents = await this.ledger.contents(rows.map(({ event }) => event));
    return Promise.all(
      rows.map(async (row) => {
        const packed = contents.get(row.event);
        return { ...row, content: packed ? await unpackContent(packed) : null };
      }),
    );
  }

  /** The UIDs of mails that were recorded without their content. */
  unstored(): number[] {
    return this.#beside
      .prepare('select uid from message where id not in (select message_id from content) order by uid')
      .all()
      .map((row) => Number(row['uid']));
  }

  source(): { state: string; connection: string; error: string | null } {
    return this.#beside.prepare('select state, connection, last_error as error from source').get() as never;
  }

  async dispose(): Promise<void> {
    this.#beside.close();
    await this.ledger.close();
    await rm(this.#folder, { recursive: true, force: true });
  }
}
