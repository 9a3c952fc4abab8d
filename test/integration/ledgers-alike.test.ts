// SQLite and Postgres are one ledger: whatever is asked of them, in whatever order, both answer the same.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, describe, it } from 'node:test';
import fc from 'fast-check';
import { Client } from 'pg';
import type { ChangeType } from '../../engine/ledger/changes';
import { UnpackedContent } from '../../engine/ledger/content';
import type { NewEndpoint } from '../../engine/ledger/endpoints';
import type { Errand } from '../../engine/ledger/errands';
import type { EventFilter, Selection } from '../../engine/ledger/inspection';
import type { DueEntry, EntryFilter, EntryOutcome, NewEntry } from '../../engine/ledger/outbox';
import type { Pointer } from '../../engine/ledger/pointer';
import type { NewMessage } from '../../engine/ledger/recording';
import type { NewSubscription, Subscription } from '../../engine/ledger/subscriptions';
import type { Ledger } from '../../engine/ledger/ledger';
import { openPostgresLedger } from '../../engine/ledger/postgres/postgres-ledger';
import { settingsFromUrl } from '../../engine/ledger/postgres/settings';
import type { SourceHold } from '../../engine/ledger/source-holds';
import { openSqliteLedger } from '../../engine/ledger/sqlite/sqlite-ledger';
import { Alike, type Both, type LedgerBeside } from '../ledger/alike';
import { TIMES } from '../ledger/contract/fixture';
import { PostgresServer } from '../support/postgres';

const LIVES = Number(process.env['DURABLE_MAIL_LIVES'] ?? 8);
const HOUR_MS = 3_600_000;
const LEASE_MS = 60_000;
/** Without jitter, and longer than a life takes. */
const RETRY_MS = 40_000;

let server: PostgresServer;
before(async () => {
  server = await PostgresServer.start({ fsync: false });
});
after(() => server.dispose());

async function onSqlite(): Promise<LedgerBeside> {
  const folder = await mkdtemp(join(tmpdir(), 'durable-mail-alike-'));
  const file = join(folder, 'ledger.sqlite');
  const ledger = await openSqliteLedger(file);
  const beside = new DatabaseSync(file, { timeout: 5_000 });
  return {
    ledger,
    query: async <Row>(sql: string) => beside.prepare(sql).all() as Row[],
    dispose: async () => {
      beside.close();
      await ledger.close();
      await rm(folder, { recursive: true });
    },
  };
}

async function onPostgres(): Promise<LedgerBeside> {
  const url = await server.createDatabase();
  const ledger = await openPostgresLedger(settingsFromUrl(url));
  const beside = new Client({ connectionString: url, options: '-c search_path=durable_mail' });
  await beside.connect();
  return {
    ledger,
    query: async <Row>(sql: string) => (await beside.query(sql)).rows as Row[],
    dispose: async () => {
      await ledger.close();
      await beside.end();
    },
  };
}

const STEPS = [
  ...['subscribe', 'subscribe', 'record', 'record', 'record', 'offer', 'offer', 'claim', 'claim'],
  ...[
    'settle',
    'settle',
    'settle',
    'renew',
    'release',
    'by hand',
    'told',
    'hold',
    'report',
    'errands',
    'errands',
  ],
  ...[
    'keys',
    'keys',
    'queue entries',
    'send entries',
    'send entries',
    'entries',
    'templates',
    'act',
    'act',
    'look',
    'look',
    'annotate',
    'annotate',
    'people',
    'serve',
    'left',
    'time',
    'time',
    'sweep',
  ],
] as const;

interface Step {
  readonly what: string;
  readonly a: number;
  readonly b: number;
  readonly c: number;
}

const step: fc.Arbitrary<Step> = fc.record({
  what: fc.constantFrom(...STEPS),
  a: fc.nat(11),
  b: fc.nat(11),
  c: fc.nat(11),
});

describe('SQLite and Postgres', { timeout: 10 * 60_000 }, () => {
  it('answer the same, whatever they are asked', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 30, maxLength: 120 }), async (steps) => {
        const ledgers = await Promise.all([onSqlite(), onPostgres()]);
        try {
          const life = new Life(ledgers);
          await life.take({ what: 'subscribe', a: 0, b: 0, c: 0 });
          for (const one of steps) await life.take(one);
        } finally {
          await Promise.all(ledgers.map((ledger) => ledger.dispose()));
        }
      }),
      { numRuns: LIVES, endOnFailure: true },
    );
  });
});

const ERRANDS: readonly (Errand | null)[] = [
  null,
  { kind: 'flag' },
  { kind: 'move', mailbox: 'Done "é"', takesAway: true },
];

/** Longer than a life takes, and no sum of the times that pass. */
const TRY_MS = 0.5 * HOUR_MS;

const OUTCOMES: readonly EntryOutcome[] = [
  { became: 'SENT', answer: 'größe\0 \ud800'.repeat(200) },
  { became: 'QUEUED', error: 'no', delayMs: TRY_MS },
  { became: 'QUEUED', error: 'not now', delayMs: TRY_MS, isRefusal: true },
  { became: 'QUEUED', error: 'not here', delayMs: TRY_MS, isReturned: true },
  { became: 'FAILED', error: 'größe\0 \ud800'.repeat(200), answer: '' },
  { became: 'UNKNOWN', error: 'cut', lookAfterMs: TRY_MS },
  { became: 'UNKNOWN', error: 'cut', lookAfterMs: null },
];

const DATA: readonly unknown[] = [
  ...[null, 7, '\0', JSON.parse(`${'['.repeat(2_000)}${']'.repeat(2_000)}`) as unknown, { '\udc00': -0 }],
];

class Life {
  readonly #alike: Alike;
  readonly #subscriptions = new Map<string, Both<Subscription>>();
  readonly #holds = new Map<string, Both<SourceHold>>();
  #pointers: Both<Pointer>[] = [];
  #runs: Both<{ readonly id: string }>[] = [];
  #errands: Both<number>[] = [];
  #entries: Both<DueEntry>[] = [];

  constructor(ledgers: Both<LedgerBeside>) {
    this.#alike = new Alike(ledgers);
  }

  take({ what, a, b, c }: Step): Promise<unknown> {
    switch (what) {
      case 'subscribe':
        return this.#subscribe(a, b, c);
      case 'record':
        return this.#record(a, b, c);
      case 'offer':
        return this.#offer(a, b, c);
      case 'claim':
        return this.#ask('claim', (of) => [this.#some(a, b, of), `execution ${c}`, LEASE_MS, c % 2 === 0]);
      case 'settle':
        return this.#settle(a, b, c);
      case 'renew':
        return this.#ask('renew', (of) => [this.#some(a, b, of), c % 2 ? 'QUEUED' : 'RUNNING', LEASE_MS]);
      case 'release':
        return this.#release(a, b, c);
      case 'by hand':
        return this.#byHand(a, b);
      case 'told':
        return this.#ask('takeEnded', (of) => [this.#ids(c, of), 1 + (a % 4)]);
      case 'hold':
        return this.#hold(a, b, c);
      case 'report':
        return this.#report(a, b, c);
      case 'errands':
        return this.#act(a, b, c);
      case 'keys':
        return this.#keys(a, b, c);
      case 'queue entries':
        return this.#queue(a, b, c);
      case 'send entries':
        return this.#send(a, b, c);
      case 'entries':
        return this.#log(a, b, c);
      case 'templates':
        return this.#templates(a, b, c);
      case 'act':
        return this.#changeByHand(a, b, c);
      case 'look':
        return this.#look(a, b, c);
      case 'annotate':
        return this.#annotate(a, b, c);
      case 'people':
        return this.#forPeople(a, b, c);
      case 'serve':
        return this.#serve(a, b);
      case 'left':
        return this.#left(a, b);
      case 'time':
        return this.#pass([19_000, 47_000, 1.1 * HOUR_MS, 31 * HOUR_MS, 101 * 24 * HOUR_MS][a % 5]!);
      default:
        return this.#sweep(a);
    }
  }

  readonly #ask: Alike['ask'] = (call, args) => this.#alike.ask(call, args);

  #source(n: number): NewSubscription['source'] {
    return {
      kind: n % 3 === 2 ? 'gmail' : 'imap',
      account: `${'Ääb'[n % 3]}nn@mail.example`,
      mailbox: n % 2 ? 'INBOX' : 'archive',
    };
  }

  async #subscribe(a: number, b: number, c: number): Promise<void> {
    const workflowId = `w${a % 2}`;
    const nodeId = `n${b % 3}`;
    const source = this.#source(c % 4);
    const present = [
      { id: nodeId, name: `Trigger ${b % 3}` },
      { id: `n${(b + 1) % 3}`, name: `Trigger ${(b + 1) % 3}`, disabled: c % 2 === 0 },
    ];
    const subscription: NewSubscription = {
      ...{ workflowId, nodeId, source, ...(c % 3 > 0 && { nodeName: `Trigger ${b % 3}`, present }) },
      // At once: within one millisecond the two clocks would tell differently what is due.
      retryDelaysMs: [[], [0], [0, RETRY_MS]][a % 3]!,
      guarantee: a % 5 === 4 ? 'atMostOnce' : 'atLeastOnce',
      keepContentMs: c % 2 ? HOUR_MS : 0,
      retentionMs: [0, HOUR_MS, 100 * 24 * HOUR_MS][b % 3]!,
      afterSuccess: ERRANDS[a % 3]!,
      whenDead: ERRANDS[b % 3]!,
    };
    const made = await this.#ask('subscribe', () => [subscription]);
    if (!made) return;
    this.#subscriptions.set(`${workflowId} ${nodeId} ${JSON.stringify(source)}`, made);
    await this.#take(made, 'this process');
  }

  async #take(to: Both<Subscription>, holder: string): Promise<void> {
    const answer = await this.#ask('holdSource', (of) => [
      { sourceId: to[of].sourceId, holder, leaseMs: 5 * LEASE_MS },
    ]);
    const [one, other] = answer ?? [];
    if (one && other && 'hold' in one && 'hold' in other) {
      this.#holds.set(String(to[0].sourceId), [one.hold, other.hold]);
    }
  }

  #one(n: number): Both<Subscription> {
    const all = [...this.#subscriptions.values()];
    return all[n % all.length]!;
  }

  #ids(n: number, of: 0 | 1): number[] {
    const all = [...this.#subscriptions.values()];
    return (n % 3 === 0 ? all : [this.#one(n)]).map((to) => to[of].id);
  }

  #some(from: number, most: number, of: 0 | 1): Pointer[] {
    const first = this.#pointers.length === 0 ? 0 : from % this.#pointers.length;
    return this.#pointers.slice(first, first + 1 + (most % 5)).map((pointer) => pointer[of]);
  }

  async #record(a: number, b: number, c: number): Promise<void> {
    const to = this.#one(a);
    const hold = this.#holds.get(String(to[0].sourceId));
    if (!hold) return;
    const sharing = [...this.#subscriptions.values()].filter((one) => one[0].sourceId === to[0].sourceId);
    const messages = (of: 0 | 1): NewMessage[] =>
      Array.from({ length: 1 + (b % 4) }, (_, i) => {
        const n = (b * 3 + i * (c % 3) + c) % 40;
        return {
          identity: n % 5 === 0 ? `email:\0${n}` : `uid:1:${n}:${to[0].sourceId}`,
          accountWide: n % 5 === 0,
          softIdentity: n % 3 === 0 ? `soft \ud800 ${n % 12}` : null,
          weakIdentity: n % 4 === 0 ? `weak ${n % 8}` : null,
          messageId: n % 2 ? `<${n}@x>` : null,
          sender: n % 7 === 0 ? null : `b_${n % 3}@${['mail.example', 'öко.example', 'οδος'][n % 4] ?? 'É'}`,
          subject: n % 6 === 0 ? null : `Größe\0 \ud800 ${n}`,
          ...{ uid: n, uidValidity: '1', receivedAt: n % 9 === 1 ? NaN : 1e12 + n / 2, size: n },
          content:
            n % 4 === 3
              ? null
              : n % 4 === 2
                ? new UnpackedContent(Buffer.from(`raw ${n}`))
                : Buffer.from(`content ${n}`),
          due: (c % 2 ? sharing : [to]).map((one) => one[of].id),
          ...(n % 11 === 0 && { gone: true }),
        };
      });
    await this.#ask('unrecorded', (of) => [
      messages(of).map(({ identity, softIdentity, accountWide, weakIdentity, due }) => {
        return { identity, softIdentity, accountWide, due, seemsLike: c % 3 ? null : weakIdentity };
      }),
    ]);
    await this.#ask('record', (of) => [
      {
        hold: hold[of],
        messages: messages(of),
        cursors: a % 2 ? [{ subscriptionId: to[of].id, cursor: { uid: b, at: `"\0${c}` } }] : [],
      },
    ]);
    await this.#ask('cursors', (of) => [this.#ids(c, of)]);
    await this.#ask('waiting', (of) => [this.#ids(c, of), 1 + b]);
  }

  async #offer(a: number, b: number, c: number): Promise<void> {
    const offers = await this.#ask('offer', (of) => [
      {
        subscriptionIds: this.#ids(a, of),
        mostRuns: 1 + b,
        mailsPerRun: 1 + (c % 4),
        leaseMs: LEASE_MS,
        ...(a % 4 === 0 && { mostNew: 1 + (c % 3) }),
        ...(b % 4 === 0 && { fewAlone: true }),
        ...(c % 4 === 0 && { unrenewed: [] }),
      },
    ]);
    if (!offers) return;
    for (const [i, run] of offers[0].runs.entries()) {
      const other = offers[1].runs[i]!;
      this.#runs.push([run, other]);
      for (const [n, pointer] of run.pointers.entries()) this.#pointers.push([pointer, other.pointers[n]!]);
    }
    await this.#ask('whereabouts', (of) => [this.#events(a, c, of)]);
    await this.#ask('contents', (of) => [this.#events(a, c, of)]);
  }

  #events(from: number, most: number, of: 0 | 1): string[] {
    return this.#some(from, most, of).map(({ event }) => event);
  }

  async #settle(a: number, b: number, c: number): Promise<void> {
    await this.#ask('settle', (of) => [
      this.#some(a, b, of),
      c % 3 === 0
        ? { kind: 'success' }
        : c % 7 === 1
          ? { kind: 'gone' }
          : { kind: 'failure', error: `it broke ${c}` },
    ]);
    // One wait for both, so that what is due comes in one order.
    await this.#alike.query(
      `update event set due_at = ${Date.now() + RETRY_MS} where state = 'RETRY' and due_at > ${Date.now() + 20_000}`,
    );
    await this.#pass(10);
  }

  async #release(a: number, b: number, c: number): Promise<void> {
    await this.#ask('release', (of) => [this.#some(a, b, of), `nobody ran it \0${c}`]);
    if (c % 2) await this.#ask('hurryReleased', (of) => [this.#ids(c, of)]);
  }

  async #byHand(a: number, b: number): Promise<void> {
    const taken = await this.#ask('takeByHand', (of) => [this.#events(a, b, of), 'by hand', LEASE_MS]);
    for (const [i, pointer] of (taken?.[0] ?? []).entries()) this.#pointers.push([pointer, taken![1][i]!]);
  }

  async #hold(a: number, b: number, c: number): Promise<void> {
    const to = this.#one(a);
    const key = String(to[0].sourceId);
    const hold = this.#holds.get(key);
    if (b % 4 === 0 && hold) await this.#ask('releaseHolds', (of) => [[hold[of]]]);
    if (b % 4 === 1 && hold)
      await this.#ask('renewHolds', (of) => [[hold[of], { sourceId: 1e6, fence: 1 }], LEASE_MS]);
    if (b % 4 === 2) await this.#take(to, `process ${c % 2}`);
    if (b % 4 === 3) {
      await this.#ask('holdSource', (of) => [
        {
          sourceId: c % 5 === 0 ? 1e6 : to[of].sourceId,
          holder: 'another',
          leaseMs: LEASE_MS,
          unrenewed: c % 2 ? null : 0,
        },
      ]);
    }
    await this.#member(to, b, c);
    await this.#take(to, 'this process');
  }

  async #member(to: Both<Subscription>, b: number, c: number): Promise<void> {
    const name = `process ${c % 2}`;
    await this.#ask(
      'attend',
      (of) =>
        [
          ...[name, b % 5 === 0 ? 0 : LEASE_MS],
          ...(b % 3 === 0
            ? []
            : [
                [
                  { sourceId: to[of].sourceId, reserve: b % 3 === 1 },
                  { sourceId: 1e6, reserve: false },
                ],
              ]),
        ] as Parameters<Ledger['attend']>,
    );
    if (c % 5 === 0) await this.#ask('cannotReach', (of) => [name, [to[of].sourceId], LEASE_MS]);
    await this.#ask('shares', () => []);
    if (b % 3 === 0)
      await this.#ask('complain', (of) => [{ subscriptionId: to[of].id, said: `no ${c % 2}` }]);
    await this.#ask('standings', (of) => [name, [to[of].sourceId, 1e6]]);
    const hold = this.#holds.get(String(to[0].sourceId));
    if (hold && b % 2 === 0) await this.#ask('passOn', (of) => [hold[of], name, LEASE_MS]);
    const node = { workflowId: 'w', nodeId: `n${b % 2}`, instance: `n8n ${c % 2}`, host: 'here' };
    await this.#ask('noteListening', () => [[node]]);
    if (b % 7 === 0) await this.#ask('withdraw', () => [name]);
  }

  async #report(a: number, b: number, c: number): Promise<void> {
    const to = this.#one(a);
    const hold = this.#holds.get(String(to[0].sourceId));
    if (!hold) return;
    await this.#ask('reportSource', (of) => [
      hold[of],
      {
        state: b % 2 ? 'idle' : 'error',
        connection: 'idling',
        ...(b % 3 === 0 && { error: `why ${b}` }),
        ...(c % 2 === 0 && { synced: true }),
        ...(c % 3 === 0 && { backfill: c % 2 ? null : { read: b, left: c } }),
        ...(c % 4 === 0 && { recovered: b }),
        ...(c % 5 === 0 && { notifiedUntil: b % 2 ? null : 1e12 }),
      },
    ]);
    await this.#ask('writeSourceNote', (of) => [hold[of], { seen: [a, b], said: 'größe\0' }]);
    await this.#ask('sourceNote', (of) => [to[of].sourceId]);
  }

  async #act(a: number, b: number, c: number): Promise<void> {
    const hold = this.#holds.get(String(this.#one(a)[0].sourceId));
    if (!hold) return;
    const due = await this.#ask('takeErrands', (of) => [hold[of], 1 + (b % 4), LEASE_MS]);
    for (const [i, { id }] of (due?.[0] ?? []).entries()) this.#errands.push([id, due![1][i]!.id]);
    const some = this.#errands.splice(0, c % 3);
    if (c % 2) await this.#ask('finishErrands', (of) => [some.map((errand) => errand[of])]);
    else
      await this.#ask('postponeErrands', (of) => [
        some.map((errand) => errand[of]),
        `no ${c}`,
        1 + b * 30_000,
      ]);
  }

  async #keys(a: number, b: number, c: number): Promise<void> {
    const keys = [`k${a % 5}`, `k${5 + (b % 5)}`];
    const holder = `run ${c % 3}`;
    if (b % 5 === 0) {
      await this.#ask('finishKeys', (of) => [
        holder,
        keys,
        keys.slice(c % 3).map((key, i) => ({
          key,
          event: i + a === 0 ? null : (this.#events(a, b, of)[0] ?? 'no event'),
          packed: Buffer.from(`answer ${a} ${i}`),
        })),
      ]);
    } else if (b % 5 === 1) {
      await this.#ask('endKeys', () => [holder, a % 2 ? 'success' : 'failure', keys.slice(c % 3)]);
    } else if (b % 5 === 2) await this.#ask('returnKeys', () => [holder, keys]);
    else if (b % 5 === 3) await this.#ask('renewKeys', () => [[holder, 'run 9'], LEASE_MS]);
    const finish = (['atOnce', 'onSuccess', 'anyway'] as const)[a % 3]!;
    const keepMs = c % 2 ? null : HOUR_MS;
    await this.#ask('takeKeys', () => [
      { keys, holder, leaseMs: LEASE_MS, finish, keepMs, ...(b % 3 === 0 && { unrenewed: [] }) },
    ]);
    await this.#ask('heldKeys', () => [keys]);
    await this.#ask('keyAnswers', () => [[...keys, 'k1', 'k6'], 1 + (a % 3) * 10]);
    await this.#ask('leftKeys', () => [10]);
  }

  async #queue(a: number, b: number, c: number): Promise<void> {
    const entry = (n: number, of: 0 | 1): NewEntry => ({
      ...{ key: `o${n} \0\ud800`, kind: n % 2 ? 'mail' : 'webhook', lane: `lane ${n % 2}` },
      ...{ request: { n, said: 'größe\0' }, content: Buffer.from(`content ${a} ${n}`) },
      ...{ recipient: `Größe_${n}@mail.example`, subject: n % 3 ? `Σ ${n}\0` : null },
      ...{ messageId: n % 2 ? `<${n}@x>` : null, repeats: n % 3 === 0, keepMs: n % 4 ? HOUR_MS : 0 },
      origin: {
        ...{ workflowId: n % 5 ? `w${n % 2}` : null, nodeId: 'n', nodeName: null },
        event: this.#events(b, 0, of)[0] ?? null,
      },
    });
    await this.#ask('enqueue', (of) => [[a, b, c, a].map((n) => entry(n % 8, of))]);
    await this.#ask('entriesOf', (of) => [{ keys: [entry(a % 8, of).key, 'none'] }]);
    if (c === 11) await this.#ask('restLane', () => [`lane ${a % 2}`, TRY_MS]);
  }

  async #send(a: number, b: number, c: number): Promise<void> {
    await this.#ask('dueLanes', () => [10]);
    const all = { limit: 100, leaseMs: LEASE_MS, mostAtOnce: 100, mostAMinute: c % 2 ? 1_000 : null };
    const taken = await this.#ask('takeEntries', () => [{ ...all, of: { lane: `lane ${a % 2}` } }]);
    for (const [i, entry] of (taken?.[0] ?? []).entries()) this.#entries.push([entry, taken![1][i]!]);
    const some = this.#entries.slice(b % 3, (b % 3) + 3);
    if (a % 3) for (const one of some.slice(0, 2)) await this.#ask('handOver', (of) => [one[of]]);
    if (a % 4 === 0) await this.#ask('renewEntries', (of) => [some.map((one) => one[of]), LEASE_MS]);
    if (b % 4 === 0) return;
    await this.#ask('settleEntries', (of) => [
      some.map((one, n) => ({
        ...{ id: one[of].id, fence: one[of].fence },
        outcome: OUTCOMES[(c + n) % OUTCOMES.length]!,
      })),
    ]);
    this.#entries = this.#entries.slice(a % 5);
  }

  async #log(a: number, b: number, c: number): Promise<void> {
    const filter: EntryFilter = {
      ...(a % 3 === 0 && { states: (['FAILED', 'QUEUED', 'SENT', 'UNKNOWN'] as const).slice(b % 3) }),
      ...(a % 4 === 0 && { kind: 'mail' }),
      ...(b % 4 === 0 && { recipient: ['GRÖSSE_', 'größe_1', '%', '\0'][c % 4]! }),
      ...(b % 5 === 0 && { subject: 'σ' }),
      ...(c % 5 === 0 && { workflowId: `w${a % 2}` }),
      ...(c % 7 === 0 && { messageId: `<${a}@x>` }),
    };
    const page = await this.#ask('entries', () => [filter, { limit: 1 + (c % 3) }]);
    if (page?.[0].next) await this.#ask('entries', (of) => [filter, { limit: 100, after: page[of].next! }]);
    await this.#ask('entriesFound', () => [filter, 1 + a]);
    await this.#ask('countEntries', () => []);
    await this.#ask('oldestQueuedAt', () => []);
    const ids = (of: 0 | 1): string[] => (page?.[of].entries ?? []).map(({ id }) => id);
    const act = (['retry', 'cancel', 'markSent', 'forget'] as const)[b % 4]!;
    const meant = (c % 3 === 0 ? [['FAILED', 'QUEUED'] as const] : []) as [];
    if (a % 2) await this.#ask('actOnEntries', (of) => [ids(of), act, `somebody \0${c}`, ...meant]);
    else await this.#ask('noteBounces', () => [[{ messageId: `<${b}@x>`, reason: `größe\0 ${c % 3}` }]]);
  }

  async #templates(a: number, b: number, c: number): Promise<void> {
    const name = ['Größe', 'größe', 'a', 'A', ' ', 'x\0'][a % 6]!;
    const texts = { subject: `s ${b}`, text: b % 3 ? 'text' : null, html: b % 2 ? '<p>' : null };
    if (c % 3) await this.#ask('saveTemplate', () => [name, texts, `somebody ${b}`]);
    else await this.#ask('removeTemplate', () => [name, 'somebody']);
    await this.#ask('template', () => [name]);
    await this.#ask('templates', () => []);
    const types = ['email.dead'] as ChangeType[];
    const wish = { types, workflowId: b % 2 ? 'w' : null, sourceId: null };
    if (c % 4) await this.#saveEndpoint({ name, url: `https://x.example/${b}`, request: { b }, wish });
    else await this.#ask('removeEndpoint', () => [name, 'somebody']);
  }

  /** Its position is each database's own. */
  async #saveEndpoint(endpoint: NewEndpoint): Promise<void> {
    const told: unknown[] = [];
    await this.#alike.each(async (ledger) => {
      const answer = await ledger.saveEndpoint(endpoint, 'somebody').catch(String);
      if (typeof answer === 'string') return void told.push(answer);
      await ledger.setAside(answer.id, 'größe\0');
      const all = await ledger.endpoints();
      told.push(
        all.map(({ name, url, request, wish, asideReason, asideSince }) => {
          return { name, url, request, wish, asideReason, isAside: asideSince !== null };
        }),
      );
      await ledger.takeBack(answer.id);
    });
    assert.deepEqual(told[1], told[0]);
  }

  #filter(a: number, b: number): EventFilter {
    return {
      ...(a % 3 === 0 && {
        states: (['DEAD', 'PENDING', 'RETRY', 'DONE'] as const).slice(b % 3, (b % 3) + 1 + (b % 2)),
      }),
      ...(a % 4 === 0 && { workflowId: `w${b % 3}` }),
      ...(b % 3 === 0 && { sender: ['B_1', '@Mail', '%', 'Ö', 'öКО', 'Σ', 'é', '\0'][(a + b) % 8]! }),
      ...(b % 5 === 0 && { since: Date.now() - 2 * HOUR_MS }),
      ...(b % 7 === 0 && { until: Date.now() - HOUR_MS }),
      ...(a % 5 === 0 && { subject: ['GRÖSSE', 'größe', 'E 1', ' ', '*'][b % 5]! }),
      ...(a % 7 === 0 && { leastFailures: b === 11 ? 2 ** 40 : b % 3 }),
      ...(b % 4 === 1 && {
        annotation: [
          {},
          { name: 'm0' },
          { category: 'ä"' },
          { priority: 'p1' },
          { name: '\0' },
          { name: '\ud800' },
        ][a % 6]!,
      }),
    };
  }

  async #changeByHand(a: number, b: number, c: number): Promise<void> {
    const call = (['replay', 'retryNow', 'markDone', 'forget'] as const)[a % 4]!;
    await this.#ask(call, (of): [Selection, string | undefined] => [
      c % 2 ? { filter: this.#filter(b, c) } : { ids: this.#events(b, c, of) },
      a % 3 ? `somebody \0\ud800 "${b}"` : undefined,
    ]);
  }

  async #annotate(a: number, b: number, c: number): Promise<void> {
    const name = `m${b % 2}`;
    const annotation = {
      ...{ name, category: a % 2 ? 'ä"' : null, priority: b % 3 ? `p${b % 3}` : null },
      ...{ summary: c % 4 ? `größe \ud800 ${c}` : null, data: DATA[c] ?? { list: [a, '\ud800'] } },
    };
    const changed =
      b % 5 === 0
        ? null
        : c === 11
          ? { ...annotation, category: ['x'.repeat(65), '\0'][a % 2]! }
          : annotation;
    await this.#ask('annotate', (of) => [
      [
        ...this.#events(a, c, of).map((event) => ({ event, name, annotation: changed })),
        // The same ones again, some of them under another name, and some taken away.
        ...this.#events(b, a, of).map((event, n) => ({
          ...{ event, name: `m${(b + n) % 3}` },
          annotation: n % 2 ? null : { ...annotation, category: `c${n}` },
        })),
      ],
    ]);
  }

  async #forPeople(a: number, b: number, c: number): Promise<void> {
    for (const [of] of this.#pointers.slice(a, a + 3).entries())
      await this.#ask('life', (side) => [this.#pointers[a + of]![side].event]);
    await this.#ask('count', () => [this.#filter(a, b), 1 + c]);
    await this.#ask('triggers', () => []);
    const sums: (readonly number[])[] = [];
    await this.#alike.each(async (ledger) => {
      const asked = {
        from: 0,
        until: 9e12,
        step: 'hour',
        ...(c % 2 && { workflowId: `w${a % 2}` }),
      } as const;
      const points = await ledger.series(asked);
      // Which step it was in, the clocks may tell differently.
      sums.push(
        (['recorded', 'done', 'failed', 'dead'] as const).map((name) =>
          points.reduce((sum, point) => sum + point[name], 0),
        ),
      );
    });
    assert.deepEqual(sums[1], sums[0]);
  }

  async #look(a: number, b: number, c: number): Promise<void> {
    const page = await this.#ask('events', () => [this.#filter(a, b), { limit: 1 + c }]);
    if (page?.[0].next)
      await this.#ask('events', (of) => [this.#filter(a, b), { limit: 1 + c, after: page[of].next! }]);
    const [shown] = page?.[0].events ?? [];
    if (shown) await this.#ask('event', (of) => [page![of].events[0]!.id]);
    await this.#ask('statistics', () => [c % 2 ? {} : { workflowId: `w${a % 3}` }]);
    await this.#ask('unserved', () => [c % 2 ? {} : { workflowId: `w${a % 3}` }]);
    await this.#ask('sources', () => []);
  }

  async #serve(a: number, b: number): Promise<void> {
    const nodes = [{ workflowId: `w${a % 2}`, nodeId: `n${b % 3}` }];
    await this.#ask(a % 3 === 0 ? 'unserve' : 'serve', () => [nodes]);
    await this.#ask('takeUnserved', () => [
      a % 2
        ? { afterMs: HOUR_MS }
        : { workflowId: `w${a % 2}`, present: [{ id: `n${b % 3}`, name: 'Trigger' }] },
      1 + b,
    ]);
  }

  async #left(a: number, b: number): Promise<void> {
    const [workflowId, nodeId] = [`w${a % 2}`, `n${b % 3}`];
    await this.#ask('subscriptionsOf', () => [workflowId, nodeId]);
    await this.#ask('heritage', () => [
      {
        workflowId,
        nodeId,
        nodeName: `Trigger ${b % 3}`,
        present: [{ id: nodeId, name: `Trigger ${b % 3}` }],
      },
    ]);
  }

  async #sweep(a: number): Promise<void> {
    // To its end: which of what may go goes in which batch, nobody is promised.
    await this.#alike.each(async (ledger) => {
      while (await ledger.sweep(1 + a, a % 3 === 0 ? [] : undefined));
    });
    await this.#alike.forgetGone();
    // SQLite may give what is gone to something new.
    const there = async (table: string): Promise<Both<ReadonlySet<number>>> => {
      const [one, other] = await this.#alike.query<{ id: number }>(`select id from ${table}`);
      return [new Set(one.map(({ id }) => id)), new Set(other.map(({ id }) => id))];
    };
    const [subscriptions, sources, errands] = [
      await there('subscription'),
      await there('source'),
      await there('errand'),
    ];
    for (const [name, to] of this.#subscriptions)
      if (!subscriptions[0].has(to[0].id)) this.#subscriptions.delete(name);
    for (const [source] of this.#holds) if (!sources[0].has(Number(source))) this.#holds.delete(source);
    this.#errands = this.#errands.filter(([one]) => errands[0].has(one));
    if (this.#subscriptions.size === 0) await this.#subscribe(0, 0, 0);
  }

  /** Lets time pass for everything stored. */
  async #pass(ms: number): Promise<void> {
    for (const [table, columns] of Object.entries(TIMES)) {
      const shifts = columns.map((column) => `${column} = ${column} - ${ms}`);
      await this.#alike.query(`update ${table} set ${shifts.join(', ')}`);
    }
    if (ms > HOUR_MS) await this.#alike.query(`update subscription set served_until = served_until - ${ms}`);
  }
}
