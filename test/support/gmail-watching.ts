// The engine without n8n: a ledger of the test's own, and watches of Gmail accounts that record into it.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { GmailLogin } from '../../engine/gmail/api/login';
import type { GmailFilter, GmailReading } from '../../engine/gmail/read/reading';
import { GmailAccounts } from '../../engine/gmail/watch/accounts';
import type { GmailTimes } from '../../engine/gmail/watch/pace';
import { GMAIL_MAILBOX } from '../../engine/gmail/mail/source';
import type { Ledger } from '../../engine/ledger/ledger';
import type { SourceKey } from '../../engine/ledger/sources';
import type { Subscription, SubscriptionSettings } from '../../engine/ledger/subscriptions';
import { openSqliteLedger } from '../../engine/ledger/sqlite/sqlite-ledger';
import type { Log } from '../../engine/runtime/log';
import { ProcessWake } from '../../engine/signal/wake';
import { SourceLeases } from '../../engine/source/leases';
import { SourceRegistry } from '../../engine/source/registry';
import type { OutageReporting } from '../../engine/source/source';
import type { FakeGmail } from './gmail/fake';
import { fetchHttp } from '../../engine/http/fetch-http';
import { gmailReading } from './gmail-reading';

export interface GmailJoined {
  readonly subscription: Subscription;
  readonly reports: Error[];
  /** What people were told while the account was read. */
  readonly warnings: Error[];
  /** How long outages had lasted when people were told that they are over, ms. */
  readonly overs: number[];
  /** How often it was told to move to another account. */
  moves: number;
  /** How often the account was read to its end for it. */
  synced: number;
  readonly leave: () => Promise<void>;
}

export interface GmailJoinOptions {
  readonly workflowId?: string;
  /** As a trigger reads where nobody has set anything, but sooner. */
  readonly reading?: Partial<Omit<GmailReading, 'filter'>>;
  readonly filter?: Partial<GmailFilter>;
  readonly outage?: Partial<OutageReporting>;
  readonly subscription?: Partial<SubscriptionSettings>;
  /** Whatever people are told breaks on its way. */
  readonly cannotBeTold?: boolean;
  /** Names what is stored as the login now. */
  readonly stored?: () => Promise<string>;
}

export interface GmailWatchingOptions {
  /** The ledger's file of another one: two processes with one ledger. */
  readonly file?: string;
  /** The process's name for its leases. */
  readonly holder?: string;
  readonly leaseMs?: number;
}

/** A login of the account in the fake; `token` may be renewed as n8n does, or be a text that is good or not. */
export const fakeLogin = (
  gmail: FakeGmail,
  address: string,
  token: GmailLogin['token'] | string = gmail.token(address),
): GmailLogin => ({
  address,
  token: typeof token === 'string' ? () => Promise.resolve(token) : token,
  send: fetchHttp,
  endpoints: { gmail: gmail.url, pubsub: gmail.url },
  quota: 'new',
});

export class GmailWatching {
  readonly #folder: string;
  readonly #beside: DatabaseSync;
  readonly ledger: Ledger;
  readonly log: string[] = [];
  readonly wake = new ProcessWake();
  readonly file: string;
  readonly #registry: SourceRegistry<GmailLogin, GmailReading>;

  private constructor(
    folder: string,
    file: string,
    ledger: Ledger,
    times: Partial<GmailTimes>,
    { holder, leaseMs }: GmailWatchingOptions,
  ) {
    this.#folder = folder;
    this.file = file;
    this.ledger = ledger;
    this.#beside = new DatabaseSync(file, { timeout: 5_000 });
    const write = (message: string): unknown => this.log.push(message);
    const log: Log = { debug: write, info: write, warn: write, error: write };
    const leases = new SourceLeases(ledger, log, { ...(holder && { holder }), ...(leaseMs && { leaseMs }) });
    this.#registry = new SourceRegistry(
      new GmailAccounts({ ledger, leases, wake: this.wake, log }, times).start,
    );
  }

  static async start(
    times: Partial<GmailTimes> = {},
    options: GmailWatchingOptions = {},
  ): Promise<GmailWatching> {
    const folder = await mkdtemp(join(tmpdir(), 'durable-mail-gmail-'));
    const file = options.file ?? join(folder, 'ledger.sqlite');
    return new GmailWatching(folder, file, await openSqliteLedger(file), times, options);
  }

  /** Subscribes as a published trigger would. */
  async join(
    login: GmailLogin | (() => Promise<GmailLogin>),
    {
      workflowId = 'workflow',
      reading = {},
      filter = {},
      outage = {},
      subscription: settings = {},
      cannotBeTold = false,
      stored,
    }: GmailJoinOptions = {},
  ): Promise<GmailJoined> {
    const read = typeof login === 'function' ? login : () => Promise.resolve(login);
    const { address } = await read();
    const source: SourceKey = { kind: 'gmail', account: address, mailbox: GMAIL_MAILBOX };
    const subscription = await this.ledger.subscribe({
      workflowId,
      nodeId: 'node',
      source,
      retryDelaysMs: [],
      guarantee: 'atLeastOnce',
      keepContentMs: 0,
      retentionMs: 90 * 86_400_000,
      afterSuccess: null,
      whenDead: null,
      ...settings,
    });
    const joined: GmailJoined = {
      subscription,
      reports: [],
      warnings: [],
      overs: [],
      moves: 0,
      synced: 0,
      leave: () => leave(),
    };
    const tell = <T>(told: T[], what: T): void => {
      told.push(what);
      if (cannotBeTold) throw new Error('Nobody hears it');
    };
    const leave = this.#registry.join(source, {
      subscription,
      reading: gmailReading({ pollMs: 100, ...reading, filter }),
      outage: { afterMs: 15 * 60_000, whenOver: false, ...outage },
      hasActions: Boolean(settings.afterSuccess ?? settings.whenDead),
      mostConnections: 1,
      joinedAt: Date.now(),
      begun: () => false,
      synced: () => joined.synced++,
      login: read,
      ...(stored && { stored }),
      report: (fault) => tell(joined.reports, fault),
      warn: (fault) => tell(joined.warnings, fault),
      reportOver: (lastedMs) => tell(joined.overs, lastedMs),
      moved: () => joined.moves++,
    });
    return joined;
  }

  /** The Gmail ids of recorded mails that are due to the subscription, in order. */
  ids({ id }: Subscription): string[] {
    return this.#beside
      .prepare(
        'select message.identity from event join message on message.id = message_id where subscription_id = ? order by seq',
      )
      .all(id)
      .map((row) => String(row['identity']).replace(/^.*:/, ''));
  }

  source(): { state: string; connection: string; error: string | null } {
    return this.#beside.prepare('select state, connection, last_error as error from source').get() as never;
  }

  /** Until when Google sends notifications, ms since 1970; null: it does not. */
  notifiedUntil(): number | null {
    const row = this.#beside.prepare('select notified_until as at from source').get();
    return (row?.['at'] as number | null | undefined) ?? null;
  }

  /** Everything that is due runs to a good end. */
  async runAll({ id }: Subscription): Promise<void> {
    const asked = { subscriptionIds: [id], mostRuns: 100, mailsPerRun: 100, leaseMs: 60_000 };
    const { runs } = await this.ledger.offer(asked);
    const pointers = runs.flatMap((run) => run.pointers);
    const claimed = await this.ledger.claim(pointers, 'execution', 60_000);
    await this.ledger.settle(claimed, { kind: 'success' });
    this.wake.notify([id]);
  }

  async dispose(): Promise<void> {
    this.#beside.close();
    await this.ledger.close();
    await rm(this.#folder, { recursive: true, force: true });
  }
}
