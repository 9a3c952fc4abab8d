// Endpoints over real ledgers: told of each change once, from where they were, in however many processes; slow or failing ones
// hold up no other, and are set aside.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { ChangeType } from '../../engine/ledger/changes';
import type { Endpoint, EndpointWish } from '../../engine/ledger/endpoints';
import type { Ledger } from '../../engine/ledger/ledger';
import type { Entry } from '../../engine/ledger/outbox';
import { openPostgresLedger } from '../../engine/ledger/postgres/postgres-ledger';
import { settingsFromUrl } from '../../engine/ledger/postgres/settings';
import { openSqliteLedger } from '../../engine/ledger/sqlite/sqlite-ledger';
import { OutboxWorker } from '../../engine/outbox/worker';
import { newEndpoint } from '../../engine/outbox/webhook/endpoint';
import { Telling, type TellingPorts } from '../../engine/outbox/webhook/telling';
import { DEFAULT_WEBHOOK_REQUEST, ownSchedule } from '../../engine/outbox/webhook/webhook-request';
import { WebhookSender } from '../../engine/outbox/webhook/webhook-sender';
import type { Log } from '../../engine/runtime/log';
import { monotonicNow, pause } from '../../engine/runtime/time';
import { ProcessWake } from '../../engine/signal/wake';
import { silentLog } from '../support/log';
import { PostgresServer } from '../support/postgres';
import { until } from '../support/until';
import { queuedWebhook } from '../support/webhook/due';
import { Receiver } from '../support/webhook/receiver';

const DAY_MS = 86_400_000;
const OF_ALL: EndpointWish = { types: ['template.changed'], workflowId: null, sourceId: null };

const save = (
  ledger: Ledger,
  name: string,
  url: string,
  types: readonly ChangeType[] = OF_ALL.types,
  delays = [20, 20],
): Promise<Endpoint> =>
  ledger.saveEndpoint(
    newEndpoint({
      ...{ name, url, headers: {}, wish: { ...OF_ALL, types } },
      request: { ...DEFAULT_WEBHOOK_REQUEST, allowOwnNetwork: true, schedule: ownSchedule(delays) },
    }),
    'test',
  );

/** A change: `{name}` of a template. */
const change = (ledger: Ledger, name: string): Promise<unknown> =>
  ledger.saveTemplate(name, { subject: name, text: 'x', html: null }, 'test');

interface Told {
  readonly type: string;
  readonly timestamp: string;
  readonly data: Record<string, unknown>;
}

const toldOf = (receiver: Receiver, path: string): Told[] =>
  receiver.received.filter((one) => one.path === path).map(({ body }) => JSON.parse(body.toString()) as Told);

const namesOf = (told: readonly Told[]): string[] =>
  told.map(({ data }) => String(data['name'] ?? data['template']));

/** What it takes to tell, in one process. */
class House implements AsyncDisposable {
  readonly telling: Telling;
  readonly #worker: OutboxWorker;

  constructor(ledger: Ledger, more: Partial<TellingPorts> = {}) {
    const wake = new ProcessWake();
    const sender = new WebhookSender({
      credentialOf: () => Promise.resolve(null),
      setAside: (id, reason, url) => ledger.setAside(id, reason, url),
    });
    this.#worker = new OutboxWorker({
      ledger,
      wake,
      log: silentLog,
      senders: new Map([[sender.kind, sender]]),
    });
    this.telling = new Telling({
      ledger,
      wake,
      log: silentLog,
      queued: () => this.#worker.queued(),
      ...more,
    });
    this.#worker.start();
    this.telling.start();
  }

  look(): void {
    this.#worker.queued();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.telling.close();
    await this.#worker.close();
  }
}

const entriesOf = async (ledger: Ledger): Promise<readonly Entry[]> =>
  (await ledger.entries({}, { limit: 500 })).entries;

function contract(open: () => Promise<Ledger>): void {
  const withLedger = async (work: (ledger: Ledger, receiver: Receiver) => Promise<void>): Promise<void> => {
    const ledger = await open();
    const receiver = await Receiver.open();
    try {
      await work(ledger, receiver);
    } finally {
      await receiver[Symbol.asyncDispose]();
      await ledger.close();
    }
  };

  it('each is told what it asked for, once, in the form of the standard, in two processes, too', () =>
    withLedger(async (ledger, receiver) => {
      await save(ledger, 'one', receiver.url(undefined, '/one'));
      await save(ledger, 'two', receiver.url(undefined, '/two'));
      await save(ledger, 'other', receiver.url(undefined, '/other'), ['email.dead']);
      await using _ = new House(ledger);
      await using __ = new House(ledger);
      const names = Array.from({ length: 25 }, (_, number) => `t${String(number).padStart(2, '0')}`);
      for (const name of names) await change(ledger, name);
      await until('all is told', () => receiver.received.length >= 50);
      await change(ledger, 'last');
      await until('the last is told', () => receiver.received.length >= 52);
      for (const path of ['/one', '/two']) {
        const told = toldOf(receiver, path);
        assert.deepEqual(namesOf(told).sort(), ['last', ...names], JSON.stringify(told[0]));
        for (const { type, timestamp } of told) {
          assert.equal(type, 'template.changed');
          assert.equal(new Date(timestamp).toISOString(), timestamp);
        }
      }
      assert.deepEqual(toldOf(receiver, '/other'), []);
      assert.equal((await entriesOf(ledger)).length, 52);
    }));

  it('what became so while nobody told is told later; a new endpoint begins with what comes', () =>
    withLedger(async (ledger, receiver) => {
      await change(ledger, 'before');
      await save(ledger, 'one', receiver.url());
      await change(ledger, 'first');
      {
        await using _ = new House(ledger);
        await until('it is told', () => receiver.received.length === 1);
      }
      await change(ledger, 'second');
      await using _ = new House(ledger);
      await until('it is told', () => receiver.received.length === 2);
      assert.deepEqual(namesOf(toldOf(receiver, '/hook')), ['first', 'second']);
    }));

  it('one that hears of the outbox hears of what others send, and not of what is sent to endpoints', () =>
    withLedger(async (ledger, receiver) => {
      await save(ledger, 'one', receiver.url(undefined, '/one'), [
        'outbox.queued',
        'outbox.sent',
        'template.changed',
      ]);
      await save(ledger, 'two', receiver.url(undefined, '/two'), ['outbox.queued', 'outbox.sent']);
      await using _ = new House(ledger);
      await change(ledger, 'a');
      await ledger.enqueue([await queuedWebhook(receiver.url(undefined, '/workflow'))]);
      await until(
        'both are told',
        () => toldOf(receiver, '/one').length >= 3 && toldOf(receiver, '/two').length >= 2,
      );
      // Whatever it would go on with by itself has gone on by then.
      await change(ledger, 'b');
      await until('the last is told', () => toldOf(receiver, '/one').length >= 4);
      await pause(1_500, new AbortController().signal);
      const types = (path: string): string[] =>
        toldOf(receiver, path)
          .map(({ type }) => type)
          .sort();
      assert.deepEqual(types('/one'), [
        'outbox.queued',
        'outbox.sent',
        'template.changed',
        'template.changed',
      ]);
      assert.deepEqual(types('/two'), ['outbox.queued', 'outbox.sent']);
    }));

  it('410 sets it aside at once: nothing more is queued; taken back, it goes on with what comes', () =>
    withLedger(async (ledger, receiver) => {
      receiver.answering = (response) => void response.writeHead(410).end();
      const { id } = await save(ledger, 'gone', receiver.url());
      await save(ledger, 'there', receiver.url(undefined, '/there'), ['email.dead']);
      await using house = new House(ledger);
      await change(ledger, 'a');
      const aside = await until('it is set aside', async () => {
        const found = (await ledger.endpoints()).find((one) => one.id === id);
        return found?.asideSince !== null && found;
      });
      assert.match(aside.asideReason ?? '', /410 .*gone/);
      await change(ledger, 'b');
      house.telling.look();
      await pause(1_500, new AbortController().signal);
      assert.equal((await entriesOf(ledger)).length, 1);
      receiver.answering = (response) => void response.end();
      await ledger.takeBack(id);
      await change(ledger, 'c');
      await until('it is told', () => receiver.received.length === 2);
      assert.deepEqual(namesOf(toldOf(receiver, '/hook')), ['a', 'c']);
    }));

  it('one that moves is told what waits at its new URL; what the old one answers is nothing to it', () =>
    withLedger(async (ledger, receiver) => {
      receiver.answering = (response, { path }) => void response.writeHead(path === '/new' ? 200 : 500).end();
      await save(ledger, 'one', receiver.url(undefined, '/old'), OF_ALL.types, [3_000, 3_000]);
      await using _ = new House(ledger);
      await change(ledger, 'a');
      await until('it was asked', () => receiver.received.length === 1);
      await save(ledger, 'one', receiver.url(undefined, '/new'), OF_ALL.types, [3_000, 3_000]);
      await until('it is told', () => toldOf(receiver, '/new').length === 1);
      assert.deepEqual([receiver.received.length, (await ledger.endpoints())[0]!.asideSince], [2, null]);
    }));

  it('one that was removed, or set aside, is asked no more, with what waited, too', () =>
    withLedger(async (ledger, receiver) => {
      receiver.answering = (response) => void response.writeHead(500).end();
      for (const name of ['removed', 'aside'])
        await save(ledger, name, receiver.url(undefined, `/${name}`), OF_ALL.types, [60_000, 60_000]);
      await using house = new House(ledger);
      await change(ledger, 'a');
      const waiting = await until('both were asked, and wait', async () => {
        const all = (await entriesOf(ledger)).filter(({ state, tries }) => state === 'QUEUED' && tries === 1);
        return all.length === 2 ? all : null;
      });
      await ledger.removeEndpoint('removed', 'ann');
      const [{ id } = { id: 0 }] = await ledger.endpoints();
      await ledger.setAside(id, 'It is gone');
      await ledger.actOnEntries(
        waiting.map((one) => one.id),
        'retry',
        'ann',
        ['QUEUED'],
      );
      house.look();
      const failed = await until('it has failed', async () =>
        (await entriesOf(ledger)).find(({ state }) => state === 'FAILED'),
      );
      assert.match(failed.lastError ?? '', /"aside" is set aside/);
      assert.deepEqual([receiver.received.length, (await ledger.countEntries()).cancelled], [2, 1]);
      receiver.answering = (response) => void response.end();
      await ledger.takeBack(id);
      await ledger.actOnEntries([failed.id], 'retry', 'ann');
      house.look();
      await until('it is told', () => toldOf(receiver, '/aside').length === 2);
    }));

  it('what failed days ago, and was told nothing since, is not set aside', () =>
    withLedger(async (ledger, receiver) => {
      receiver.answering = (response, { path }) => void response.writeHead(path === '/bad' ? 500 : 200).end();
      await save(ledger, 'bad', receiver.url(undefined, '/bad'));
      await save(ledger, 'good', receiver.url(undefined, '/good'));
      const said: string[] = [];
      const log: Log = { ...silentLog, warn: (message) => void said.push(message) };
      let days = 0;
      const times = {
        ...{ pause, random: Math.random },
        // A day of the clock is a day of whoever waits for it.
        now: () => monotonicNow() + days * DAY_MS,
        wallClock: () => Date.now() + days * DAY_MS,
      };
      await using house = new House(ledger, { log, times, asideAfterMs: 3 * DAY_MS });
      await change(ledger, 'a');
      await until('it has failed', async () => (await ledger.countEntries()).failed === 1);
      for (days of [1, 2]) {
        house.telling.look();
        await pause(300, new AbortController().signal);
      }
      assert.deepEqual(said, []);
      // Its tries of this morning are as old as those of three days ago: of one that is told nothing nobody knows.
      days = 4;
      house.telling.look();
      await pause(1_500, new AbortController().signal);
      assert.deepEqual(said, []);
      assert.ok((await ledger.endpoints()).every(({ asideSince }) => asideSince === null));
    }));
}

describe('Endpoints over the SQLite ledger', () => {
  let folder: string;
  let count = 0;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'durable-mail-endpoints-'));
  });
  after(() => rm(folder, { recursive: true }));
  contract(() => openSqliteLedger(join(folder, `${++count}.sqlite`)));
});

describe('Endpoints over the Postgres ledger', () => {
  let server: PostgresServer;
  before(async () => {
    server = await PostgresServer.start();
  });
  after(() => server.dispose());
  contract(async () => openPostgresLedger(settingsFromUrl(await server.createDatabase())));
});
