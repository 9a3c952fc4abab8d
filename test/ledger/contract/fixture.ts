// What the contract's tests share: a fresh ledger for each of them, mails to record, and a look at what is stored.
import assert from 'node:assert/strict';
import { afterEach, beforeEach } from 'node:test';
import { packContent } from '../../../engine/ledger/content';
import type { Ledger } from '../../../engine/ledger/ledger';
import type { Offer, OfferRequest } from '../../../engine/ledger/offers';
import type { Claim, Pointer } from '../../../engine/ledger/pointer';
import type { NewMessage } from '../../../engine/ledger/recording';
import type { Settled } from '../../../engine/ledger/runs';
import type { Cursor, NewSubscription, Subscription } from '../../../engine/ledger/subscriptions';
import type { SourceHold } from '../../../engine/ledger/source-holds';
import { held } from '../held';
import type { LedgerUnderTest, OpenLedger, Value } from './harness';

export const LEASE_MS = 30_000;
export const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;
export const RETENTION_MS = 90 * DAY_MS;
export const failure = { kind: 'failure', error: 'it broke' } as const;
export const success = { kind: 'success' } as const;
export const gone = { kind: 'gone' } as const;

export interface StoredEvent {
  readonly id: string;
  readonly state: string;
  readonly attempt: number;
  readonly failures: number;
  readonly due_at: number | null;
  readonly lease_until: number | null;
  readonly run_id: string | null;
  readonly execution_id: string | null;
  readonly last_error: string | null;
  readonly settled_at: number | null;
  readonly reported_at: number | null;
}

/** Every stored time, by table: `elapse` shifts them all, but those of changes and sums, which are in positions and steps. */
export const TIMES: Readonly<Record<string, readonly string[]>> = {
  source: [
    ...['last_success_at', 'last_error_at', 'held_until', 'recovered_at', 'notified_until'],
    ...['read_since', 'failing_since', 'next_try_at', 'released_at'],
  ],
  subscription: ['created_at', 'served_since'],
  message: ['recorded_at'],
  content: ['drop_at'],
  event: ['due_at', 'lease_until', 'created_at', 'settled_at', 'reported_at', 'began_at'],
  once_key: ['lease_until', 'finished_at', 'expires_at'],
  ownership: ['owned_at', 'said_at'],
  errand: ['due_at', 'begun_at', 'ended_at', 'last_error_at', 'created_at'],
  try: ['began_at', 'ended_at'],
  deed: ['at'],
  annotation: ['at'],
  outgoing: ['due_at', 'lease_until', 'queued_at', 'begun_at', 'settled_at', 'drop_at'],
  outgoing_lane: ['rests_until', 'rested_at'],
  outgoing_begun: ['at'],
  template: ['changed_at'],
  endpoint: ['created_at', 'saved_at', 'aside_since', 'missed_at'],
  member: ['alive_until'],
  want: ['unreachable_until'],
  listening: ['said_at'],
  complaint: ['said_at'],
};

/** To every source, and to every subscription of one. None of it is ever due. */
const ONE_OF_ALL: readonly string[] = [
  `insert into message (source_id, identity, recorded_at, size) select id, 'one of many', 1, 1 from source`,
  `insert into content (message_id, gzip)
    select message.id, kept.gzip from message cross join (select gzip from content limit 1) kept
    where identity = 'one of many'`,
  `insert into content_piece (message_id, place, gzip) select message_id, 1, gzip from content`,
  `insert into event
      (id, subscription_id, message_id, identity, idempotency_key, state, attempt, failures, settled_at, created_at)
    select 'event ' || subscription.id, subscription.id, message.id, message.identity, 'key', 'DONE', 1, 0,
      8000000000000000, 1
    from message join subscription on subscription.source_id = message.source_id
    where message.identity = 'one of many'`,
  `insert into seen (subscription_id, key) select id, 'one of many' from subscription`,
  `insert into once_key (key, holder, finish, finished_at) select 'key ' || id, 'holder', 'anyway', 1 from source`,
  `insert into once_answer (key, holder, event_seq, packed)
    select once_key.key, 'holder', event.seq, kept.gzip
    from once_key join event on event.id = 'event ' || substr(once_key.key, 5)
    cross join (select gzip from content limit 1) kept`,
  `insert into errand (lane, kind, action, event_id, ending, subscription_id, message_id, due_at, created_at)
    select 'source:' || message.source_id, 'flag', '{"kind":"flag"}', event.id, 'DONE', event.subscription_id,
      message.id, 8000000000000000, 1
    from event join message on message.id = event.message_id where event.identity = 'one of many'`,
  `insert into try (event_seq, attempt, subscription_id, ended_at, state)
    select seq, 1, subscription_id, 1, 'DONE' from event where identity = 'one of many'`,
  `insert into deed (event_seq, at, what) select seq, 1, 'replay' from event where identity = 'one of many'`,
  `insert into annotation (event_seq, name, at) select seq, 'one of many', 1 from event where identity = 'one of many'`,
  `insert into outgoing
      (id, key, kind, lane, state, request, repeats, message_id, workflow_id, event_id, keep_ms, queued_at, begun_at,
       settled_at, drop_at)
    select 'entry ' || id, 'entry ' || id, 'mail', 'one of many', 'SENT', '{}', false, 'entry ' || id, 'workflow',
      'event ' || id, 1, 1, 1, 1, 8000000000000000
    from source`,
  `insert into outgoing
      (id, key, kind, lane, request, repeats, keep_ms, due_at, queued_at)
    select 'waiting ' || id, 'waiting ' || id, 'mail', 'one of many that wait', '{}', false, 1, 1, 1
    from source`,
  `insert into outgoing_content (entry_seq, packed)
    select seq, kept.gzip from outgoing cross join (select gzip from content limit 1) kept`,
  `insert into outgoing_lane (lane, rests_until) select 'lane ' || id, 8000000000000000 from source`,
  `insert into template (name, subject, text, changed_at, changed_by)
    select 'template ' || id, 'subject', 'text', 1, 'ann' from source`,
  `insert into endpoint (name, url, request, types, position, created_by, created_at)
    select 'endpoint ' || id, 'https://desk.example', '{}', '[]', '0', 'ann', 1 from source`,
  `insert into outgoing_begun (lane, at) select 'lane ' || id, 8000000000000000 from source`,
  `insert into member (name, alive_until) values ('one of many', 8000000000000000)`,
  `insert into want (member, source_id, reserve) select 'one of many', id, false from source`,
  `insert into listening (workflow_id, node_id, instance, host, said_at)
    select 'workflow ' || id, 'node', 'one of many', 'here', 1 from source`,
  `insert into complaint (source_id, subscription_id, digest, said, said_at)
    select source_id, id, 'one of many', 'no', 8000000000000000 from subscription`,
];

/** Counts by state that are not what is stored. */
const WRONG_COUNTS = `
  select subscription_id, state, sum(n) as n from (
    select subscription_id, state, n from standing
    union all
    select subscription_id, state, -1 from event where state not in ('QUEUED', 'RUNNING')) counted
  group by subscription_id, state having sum(n) <> 0`;

export class Fixture {
  under!: LedgerUnderTest;
  content!: Buffer;
  readonly #holds = new Map<number, SourceHold>();

  /** Opens and disposes of a ledger for each test of the `describe` that this is called in. */
  constructor(open: OpenLedger) {
    beforeEach(async () => {
      this.under = await open();
      this.#holds.clear();
      this.content = await packContent(Buffer.from('Subject: hello\r\n\r\nhi'));
    });
    afterEach(async () => {
      const wrong = await this.under.query(WRONG_COUNTS).finally(() => this.under.dispose());
      assert.deepEqual(wrong, [], 'the counts of events by state are what is stored');
    });
  }

  get ledger(): Ledger {
    return this.under.ledger;
  }

  /** Subscribes, and holds the source. */
  async subscribe(workflowId = 'workflow', settings: Partial<NewSubscription> = {}): Promise<Subscription> {
    const subscription = await this.ledger.subscribe({
      workflowId,
      nodeId: 'node',
      source: { kind: 'imap', account: 'ann@mail.example', mailbox: 'INBOX' },
      retryDelaysMs: [30_000, 60_000],
      guarantee: 'atLeastOnce',
      keepContentMs: 0,
      retentionMs: RETENTION_MS,
      afterSuccess: null,
      whenDead: null,
      ...settings,
    });
    const { sourceId } = subscription;
    if (!this.#holds.has(sourceId)) this.#holds.set(sourceId, await held(this.ledger, sourceId));
    return subscription;
  }

  /** The hold that the fixture took when it subscribed. */
  hold({ sourceId }: Subscription): SourceHold {
    const hold = this.#holds.get(sourceId);
    assert.ok(hold);
    return hold;
  }

  mail(due: readonly Subscription[], uid: number, more: Partial<NewMessage> = {}): NewMessage {
    return {
      identity: `uid:1:${uid}:INBOX`,
      softIdentity: null,
      accountWide: false,
      weakIdentity: null,
      messageId: `<${uid}@test>`,
      sender: 'bob@mail.example',
      subject: `Mail ${uid}`,
      uid,
      uidValidity: '1',
      receivedAt: 1_700_000_000_000 + uid,
      size: 22,
      content: this.content,
      due: due.map(({ id }) => id),
      ...more,
    };
  }

  /** Records mails as they are, to the first one's source. */
  recordMails(
    to: Subscription,
    messages: readonly NewMessage[],
    cursor?: Cursor,
  ): Promise<readonly number[]> {
    const cursors = cursor ? [{ subscriptionId: to.id, cursor }] : [];
    return this.ledger.record({ hold: this.hold(to), messages, cursors });
  }

  record(to: Subscription, ...uids: number[]): Promise<readonly number[]> {
    return this.recordMails(
      to,
      uids.map((uid) => this.mail([to], uid)),
    );
  }

  offer(to: Subscription, more: Partial<OfferRequest> = {}): Promise<Offer> {
    return this.ledger.offer({
      subscriptionIds: [to.id],
      mostRuns: 100,
      mailsPerRun: 1,
      leaseMs: LEASE_MS,
      ...more,
    });
  }

  /** What is offered, whatever run it is in. */
  async pointers(to: Subscription, more: Partial<OfferRequest> = {}): Promise<Pointer[]> {
    return (await this.offer(to, more)).runs.flatMap((run) => run.pointers);
  }

  async offerOne(to: Subscription): Promise<Pointer> {
    const pointers = await this.pointers(to);
    assert.equal(pointers.length, 1);
    return pointers[0]!;
  }

  claim(pointers: readonly Pointer[], executionId = '1'): Promise<Claim[]> {
    return this.ledger.claim(pointers, executionId, LEASE_MS);
  }

  /** Offers and claims all that is due. */
  async running(to: Subscription): Promise<Pointer[]> {
    const pointers = await this.pointers(to);
    assert.equal((await this.claim(pointers)).length, pointers.length);
    return pointers;
  }

  async settle(pointers: readonly Pointer[], outcome: Parameters<Ledger['settle']>[1]): Promise<string[]> {
    const settled: Settled[] = await this.ledger.settle(pointers, outcome);
    return settled.map(({ state }) => state);
  }

  /** Lets what a subscription has due run and end so. */
  async run(to: Subscription, outcome: Parameters<Ledger['settle']>[1]): Promise<string[]> {
    return this.settle(await this.running(to), outcome);
  }

  /** Records mails whose runs fail, one after the other. Without retries they are DEAD. @returns their ids */
  async failed(to: Subscription, ...uids: number[]): Promise<string[]> {
    const ids: string[] = [];
    for (const uid of uids) {
      await this.record(to, uid);
      const pointer = await this.offerOne(to);
      await this.claim([pointer]);
      await this.settle([pointer], failure);
      ids.push(pointer.event);
    }
    return ids;
  }

  /** Lets time pass for everything stored, without waiting for it. What is served is served all the while. */
  async elapse(ms: number): Promise<void> {
    for (const [table, columns] of Object.entries(TIMES)) {
      const shifts = columns.map((column) => `${column} = ${column} - ${ms}`);
      await this.under.query(`update ${table} set ${shifts.join(', ')}`);
    }
  }

  /** Lets time pass in which nobody serves these subscriptions. */
  async unserved(ms: number, ...subscriptions: readonly Subscription[]): Promise<void> {
    const ids = subscriptions.map(({ id }) => id).join(', ');
    await this.under.query(
      `update subscription set served_until = served_until - ${ms} where id in (${ids})`,
    );
  }

  /** The stored events, the oldest first. */
  events(): Promise<StoredEvent[]> {
    return this.under.query(
      `select id, state, attempt, failures, due_at, lease_until, run_id, execution_id, last_error, settled_at, reported_at
       from event order by seq`,
    );
  }

  async states(): Promise<string[]> {
    return (await this.events()).map(({ state }) => state);
  }

  /** Makes sources with a subscription each, until there are so many. */
  async manySources(count: number): Promise<void> {
    await this.under.query(`
      insert into source (kind, account, mailbox)
      with recursive number (i) as (select 1 union all select i + 1 from number where i < ${count})
      select 'imap', 'account ' || i, 'INBOX' from number where true on conflict do nothing`);
    await this.under.query(`
      insert into subscription
        (key, workflow_id, node_id, source_id, retry_delays_ms, guarantee, keep_content_ms, retention_ms, created_at)
      select account, 'workflow ' || account, 'node', id, '[]', 'atLeastOnce', 0, 1, 1 from source where true
      on conflict do nothing`);
  }

  /** Makes so many events that are DONE, of one mail that is like no other. */
  async manyEvents(to: Subscription, count: number): Promise<void> {
    await this.under.query(`
      insert into message (source_id, identity, recorded_at, size) values (${to.sourceId}, 'of many', 1, 1)`);
    await this.under.query(`
      insert into event
        (id, subscription_id, message_id, identity, idempotency_key, state, attempt, failures, settled_at, created_at)
      with recursive number (i) as (select 1 union all select i + 1 from number where i < ${count})
      select 'many ' || i, ${to.id}, message.id, 'many ' || i, 'key', 'DONE', 1, 0, 8000000000000000, 1
      from number cross join message where message.identity = 'of many'`);
  }

  /** Makes so many sources, and for each a subscription that is served, with one of everything in every table. */
  async manyOfAll(count: number, to: Subscription): Promise<void> {
    await this.record(to, 1);
    await this.manySources(count);
    const served = await this.under.query<{ until: number }>(
      `select served_until as until from subscription where id = ${to.id}`,
    );
    await this.under.query(`update subscription set served_until = ${served[0]!.until}`);
    for (const sql of ONE_OF_ALL) await this.under.query(sql);
  }

  /** How many rows a table has; of errands, those that wait. */
  async count(
    table:
      | (
          | 'source'
          | 'subscription'
          | 'message'
          | 'content'
          | 'event'
          | 'seen'
          | 'once_key'
          | 'once_answer'
          | 'errand'
          | 'change'
        )
      | ('try' | 'deed' | 'annotation' | 'step_sum' | 'standing'),
  ): Promise<number> {
    const [row] = await this.under.query<{ n: number }>(
      `select count(*) as n from ${table} ${table === 'errand' ? 'where ended_at is null' : ''}`,
    );
    return row!.n;
  }

  /** Writes columns of one event, or of all, as they are. Rejects where a constraint forbids it. */
  async forceEvents(columns: Readonly<Record<string, Value>>, id?: string): Promise<void> {
    const sets = Object.entries(columns).map(([name, value]) => `${name} = ${literal(value)}`);
    const where = id === undefined ? '' : ` where id = ${literal(id)}`;
    await this.under.query(`update event set ${sets.join(', ')}${where}`);
  }

  /** The statements that the ledger sent for some work. */
  async statementsOf(work: () => Promise<unknown>): Promise<number> {
    const before = this.under.statements();
    await work();
    return this.under.statements() - before;
  }

  /** Runs work with a second ledger on the same database. */
  async withAnother<T>(work: (another: Ledger) => Promise<T>): Promise<T> {
    const another = await this.under.openAnother();
    try {
      return await work(another);
    } finally {
      await another.close();
    }
  }
}

export const literal = (value: Value): string =>
  typeof value === 'string' ? `'${value.replaceAll("'", "''")}'` : String(value);
