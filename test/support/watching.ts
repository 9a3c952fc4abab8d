// The engine without n8n: a ledger of the test's own, and watches of mailboxes that record into it.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { accountName, type ImapLogin } from '../../engine/imap/login';
import { ImapWatch, type WatchTimes } from '../../engine/imap/watch';
import type { Ledger, Subscription } from '../../engine/ledger/ledger';
import { openSqliteLedger } from '../../engine/ledger/sqlite/sqlite-ledger';
import type { Log } from '../../engine/runtime/log';
import { ProcessWake } from '../../engine/signal/wake';
import { SourceRegistry } from '../../engine/source/registry';
import { until } from './until';

export interface Joined {
  readonly subscription: Subscription;
  readonly reports: Error[];
  readonly leave: () => Promise<void>;
  /** Set it when people would have been told that the trigger listens. */
  begun: boolean;
}

export class Watching {
  readonly #folder: string;
  readonly #beside: DatabaseSync;
  readonly ledger: Ledger;
  readonly log: string[] = [];
  readonly #registry: SourceRegistry<ImapLogin>;

  private constructor(folder: string, ledger: Ledger, beside: DatabaseSync, times: Partial<WatchTimes>) {
    this.#folder = folder;
    this.ledger = ledger;
    this.#beside = beside;
    const write = (message: string): unknown => this.log.push(message);
    const log: Log = { debug: write, info: write, warn: write, error: write };
    this.#registry = new SourceRegistry(
      (key, sourceId, subscribers) =>
        new ImapWatch(key, sourceId, subscribers, { ledger, wake: new ProcessWake(), log, times }),
    );
  }

  static async start(times: Partial<WatchTimes> = {}): Promise<Watching> {
    const folder = await mkdtemp(join(tmpdir(), 'durable-mail-watch-'));
    const file = join(folder, 'ledger.sqlite');
    const ledger = await openSqliteLedger(file);
    return new Watching(folder, ledger, new DatabaseSync(file, { timeout: 5_000 }), times);
  }

  /** Subscribes as a published trigger would. */
  async join(
    login: ImapLogin | (() => Promise<ImapLogin>),
    { workflowId = 'workflow', mailbox = 'INBOX', mostStoredBytes = 50 * 1024 * 1024 } = {},
  ): Promise<Joined> {
    const read = typeof login === 'function' ? login : () => Promise.resolve(login);
    const source = { kind: 'imap', account: accountName(await read()), mailbox } as const;
    const subscription = await this.ledger.subscribe({
      workflowId,
      nodeId: 'node',
      source,
      retryDelaysMs: [],
      guarantee: 'atLeastOnce',
      keepContentMs: 0,
      retentionMs: 90 * 86_400_000,
    });
    const reports: Error[] = [];
    const joined: Joined = { subscription, reports, leave: () => leave(), begun: false };
    const leave = this.#registry.join(source, {
      subscription,
      mostStoredBytes,
      begun: () => joined.begun,
      synced: () => undefined,
      login: read,
      report: (fault) => reports.push(fault),
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
    await rm(this.#folder, { recursive: true });
  }
}
