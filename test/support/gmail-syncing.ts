// Reading a Gmail account without a watch: a real ledger, and rounds when the test says so.
import type { RoundEnd } from '../../engine/polled/kind';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach } from 'node:test';
import { unpackContent } from '../../engine/ledger/content';
import { GMAIL_MAILBOX } from '../../engine/gmail/mail/source';
import type { Ledger } from '../../engine/ledger/ledger';
import type { Cursor, Subscription } from '../../engine/ledger/subscriptions';
import type { SourceHold } from '../../engine/ledger/source-holds';
import { openSqliteLedger } from '../../engine/ledger/sqlite/sqlite-ledger';
import type { GmailApi } from '../../engine/gmail/api/api';
import { gmailIdOf } from '../../engine/gmail/mail/identity';
import type { GmailBeginning, GmailMemory, GmailSyncJob } from '../../engine/gmail/read/job';
import type { GmailReading } from '../../engine/gmail/read/reading';
import { syncAccount } from '../../engine/gmail/read/sync';
import { ADDRESS, DirectGmail } from './gmail-direct';
import { gmailReading } from './gmail-reading';
import { silentLog } from './log';

export interface Recorded {
  readonly identity: string;
  readonly id: string;
  readonly size: number;
  readonly receivedAt: number | null;
  readonly sender: string | null;
  readonly subject: string | null;
  /** Unpacked; null: not stored. */
  readonly content: Buffer | null;
}

type Options = Partial<Omit<GmailBeginning, 'subscription' | 'reading'>> & {
  readonly reading?: GmailReading;
};

/** A ledger, an account, and subscriptions to it, read when the test says so. */
export class GmailSyncing {
  readonly gmail: GmailApi;
  readonly #folder: string;
  readonly #beside: DatabaseSync;
  readonly #ledger: Ledger;
  /** What the sync is given: a test may put itself in between. */
  ledger: Ledger;
  #hold: SourceHold | undefined;
  readonly #beginnings: GmailBeginning[] = [];
  memory: GmailMemory = newMemory();
  /** The monotonic clock, ms. */
  now = 0;
  mostWaiting = 10_000;
  readonly states: string[] = [];
  readonly refused = new Map<number, Error>();

  private constructor(gmail: GmailApi, folder: string, file: string, ledger: Ledger) {
    this.gmail = gmail;
    this.#folder = folder;
    this.#ledger = ledger;
    this.ledger = ledger;
    this.#beside = new DatabaseSync(file, { timeout: 5_000 });
  }

  static async start(gmail: GmailApi): Promise<GmailSyncing> {
    const folder = await mkdtemp(join(tmpdir(), 'durable-mail-gmail-'));
    const file = join(folder, 'ledger.sqlite');
    return new GmailSyncing(gmail, folder, file, await openSqliteLedger(file));
  }

  /** Subscribes as a published trigger would. */
  async join({
    reading = gmailReading(),
    reachedLate = false,
    switchedOnAt,
  }: Options = {}): Promise<Subscription> {
    const subscription = await this.#ledger.subscribe({
      workflowId: `workflow ${this.#beginnings.length}`,
      nodeId: 'node',
      source: { kind: 'gmail', account: ADDRESS, mailbox: GMAIL_MAILBOX },
      retryDelaysMs: [],
      guarantee: 'atLeastOnce',
      keepContentMs: 0,
      retentionMs: 90 * 86_400_000,
      afterSuccess: null,
      whenDead: null,
    });
    this.#beginnings.push({ subscription, reading, reachedLate, switchedOnAt });
    return subscription;
  }

  /** It was switched off and on, or told to begin otherwise. */
  change({ id }: Subscription, more: Partial<GmailBeginning>): void {
    const index = this.#beginnings.findIndex(({ subscription }) => subscription.id === id);
    this.#beginnings[index] = { ...this.#beginnings[index]!, ...more };
  }

  /** As a process that has just started. */
  restart(): void {
    this.memory = newMemory();
  }

  async sync(signal: AbortSignal = new AbortController().signal): Promise<RoundEnd> {
    this.#hold ??= await this.#take();
    const job: GmailSyncJob = {
      api: this.gmail,
      address: ADDRESS,
      hold: this.#hold,
      ledger: this.ledger,
      log: silentLog,
      subscriptions: this.#beginnings,
      memory: this.memory,
      recorded: () => undefined,
      doing: (state) => {
        this.states.push(state);
        return Promise.resolve();
      },
      refused: (id, error) => this.refused.set(id, error),
      mostWaiting: this.mostWaiting,
      now: () => this.now,
    };
    return syncAccount(job, signal);
  }

  /** Until there is nothing older to be read. */
  async syncToTheEnd(): Promise<RoundEnd> {
    for (let round = 0; round < 500; round++) {
      const end = await this.sync();
      if (end.older === null) return end;
    }
    throw new Error('There is always more to be read.');
  }

  async cursor({ id }: Subscription): Promise<Cursor> {
    return (await this.#ledger.cursors([id])).get(id)!;
  }

  async setCursor({ id }: Subscription, cursor: Cursor): Promise<void> {
    this.#hold ??= await this.#take();
    await this.#ledger.record({ hold: this.#hold, messages: [], cursors: [{ subscriptionId: id, cursor }] });
  }

  /** What is due to the subscription, in the order in which it was recorded. */
  async recorded({ id }: Subscription): Promise<Recorded[]> {
    const rows = this.#beside
      .prepare(
        `select event.identity, message.size, message.received_at, message.sender, message.subject, content.gzip
          from event join message on message.id = event.message_id left join content on content.message_id = message.id
          where subscription_id = ? order by seq`,
      )
      .all(id);
    return Promise.all(
      rows.map(async (row) => ({
        identity: String(row['identity']),
        id: gmailIdOf(String(row['identity'])),
        size: Number(row['size']),
        receivedAt: row['received_at'] as number | null,
        sender: row['sender'] as string | null,
        subject: row['subject'] as string | null,
        content: row['gzip'] ? await unpackContent(Buffer.from(row['gzip'] as Uint8Array)) : null,
      })),
    );
  }

  /** Gmail ids of what is due to the subscription, in order. */
  ids({ id }: Subscription): string[] {
    return this.identities({ id }).map(gmailIdOf);
  }

  identities({ id }: Pick<Subscription, 'id'>): string[] {
    return this.#beside
      .prepare('select identity from event where subscription_id = ? order by seq')
      .all(id)
      .map((row) => String(row['identity']));
  }

  /** The states of what is due to the subscription, by Gmail id. */
  eventStates({ id }: Subscription): Map<string, string> {
    const rows = this.#beside.prepare('select identity, state from event where subscription_id = ?').all(id);
    return new Map(rows.map(({ identity, state }) => [gmailIdOf(String(identity)), String(state)]));
  }

  /** How often cursors were written. */
  get writes(): number {
    return Number(this.#beside.prepare('pragma data_version').get()!['data_version']);
  }

  async dispose(): Promise<void> {
    this.#beside.close();
    await this.#ledger.close();
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #take(): Promise<SourceHold> {
    const { sourceId } = this.#beginnings[0]!.subscription;
    const answer = await this.#ledger.holdSource({ sourceId, holder: 'test', leaseMs: 600_000 });
    if ('heldBy' in answer) throw new Error('Another process holds the source.');
    return answer.hold;
  }
}

const newMemory = (): GmailMemory => ({ withheld: new Map(), unsearched: new Map(), passedOver: new Set() });

/** A new account and a ledger for each test of the suite, read by nobody yet. */
export function inEachTest(
  begin: (begun: { readonly gmail: DirectGmail; readonly syncing: GmailSyncing }) => void,
): void {
  let syncing: GmailSyncing;
  beforeEach(async () => {
    const gmail = new DirectGmail();
    syncing = await GmailSyncing.start(gmail);
    begin({ gmail, syncing });
  });
  afterEach(() => syncing.dispose());
}

/** Ids whose order is not what the test is about. */
export const sorted = (ids: readonly string[]): string[] => [...ids].sort();
