// The feed of a console while processes are killed in the middle of what they do: those that write into the ledger, those that
// serve the feed, the database. What is committed is told once, in its order, and nothing else is.
import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, afterEach, before, beforeEach, describe, it, type TestContext } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import type { Heard } from '../support/feed/fake-client';
import { Follower } from '../support/feed/follower';
import type { Committed } from '../support/feed/writer-process';
import { freePort } from '../support/net';
import { PostgresServer, queryOnce } from '../support/postgres';
import { until } from '../support/until';

/** A process has to be started from its sources, beside all that runs. */
const STARTS_MS = 90_000;
const KILLS = 4;
/** Mails that a writer has recorded before it is killed: so it is in the middle of something, not of its start. */
const MAILS_OF_A_LIFE = 30;

/** A change as it lies in the ledger: read without the engine. */
interface Stored {
  readonly position: string;
  readonly type: string;
  readonly event: string | null;
}

interface Database {
  readonly name: string;
  /** A new ledger: how a process is told where it is. */
  readonly create: () => Promise<string>;
  readonly rows: <Row>(where: string, sql: string) => Promise<Row[]>;
  /** Of a change's position, beside its ledger and its time. */
  readonly place: string;
  readonly order: string;
  /** How many write at a time. */
  readonly writers: number;
}

let folder: string;
let server: PostgresServer;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'durable-mail-crash-'));
  server = await PostgresServer.start();
});
after(async () => {
  await server.dispose();
  await rm(folder, { recursive: true });
});

const DATABASES: readonly Database[] = [
  {
    name: 'SQLite',
    create: async () => join(await mkdtemp(join(folder, 'ledger-')), 'ledger.sqlite'),
    rows: async <Row>(where: string, sql: string) => {
      const database = new DatabaseSync(where, { readOnly: true });
      try {
        return database.prepare(sql).all() as Row[];
      } finally {
        database.close();
      }
    },
    ...{ place: 'id', order: 'id', writers: 1 },
  },
  {
    name: 'Postgres',
    create: () => server.createDatabase(),
    rows: (where, sql) => queryOnce(where, sql, [], { options: '-c search_path=durable_mail' }),
    ...{ place: `xid || '.' || id`, order: 'xid, id', writers: 2 },
  },
];

for (const database of DATABASES) {
  describe(`the feed of a console over ${database.name}`, { timeout: 300_000 }, () => {
    let scene: Scene;
    beforeEach(async () => {
      scene = new Scene(database, await database.create(), await mkdtemp(join(folder, 'tokens-')));
    });
    afterEach(() => scene.dispose());

    it('tells what is committed once, and no more, while those who write are killed', async (t) => {
      const { port } = await scene.serve();
      const followers = await scene.follow(port, '', 'type=email.done,email.dead', 'workflow=second');
      const restless = followers[0]!;
      for (let kill = 0; kill < KILLS; kill++) {
        const writers = Array.from({ length: database.writers }, (_, n) => scene.write(`INBOX ${n}`));
        for (const writer of writers) {
          await until('it has written', () => writer.recorded > MAILS_OF_A_LIFE, STARTS_MS);
          const { connections } = restless;
          restless.cut();
          await until('it has come again', () => restless.connections > connections);
          await setTimeout(randomInt(100));
          await writer.kill();
        }
      }
      await scene.writeTidily();
      await scene.verify(t, followers);
    });

    it('is gone on with where a client was when the process that serves it is killed, and is there again', async (t) => {
      const [one, other] = [await scene.serve(), await scene.serve()];
      const followers = await scene.follow(one.port, '', 'source=1');
      const [beside] = await scene.follow(other.port, '');
      const writer = scene.write('INBOX 0');
      let serving = one;
      for (let kill = 0; kill < KILLS; kill++) {
        const { recorded } = writer;
        await until('it has written', () => writer.recorded > recorded + MAILS_OF_A_LIFE);
        await serving.kill();
        // What comes while nobody serves is told afterwards.
        await until('it writes', () => writer.recorded > recorded + 2 * MAILS_OF_A_LIFE);
        serving = await scene.serve(one.port);
        await until('they have come again', () =>
          followers.every(({ connections }) => connections >= kill + 2),
        );
      }
      await writer.end();
      assert.equal(beside!.connections, 1, 'what happens to one process is nothing to the others');
      await scene.verify(t, [...followers, beside!]);
    });

    it('is gone on with by another process that is to have the same port, when the one that has it is killed', async (t) => {
      let leading = await scene.serve();
      const { port } = leading;
      const followers = await scene.follow(port, '');
      const writer = scene.write('INBOX 0');
      for (let kill = 0; kill < KILLS; kill++) {
        const standby = scene.console(port);
        await until('it stands by', () =>
          standby.said.some((text) => text.includes('is taken by another program')),
        );
        assert.ok(!standby.isServing);
        await leading.kill();
        await until('the other one has the port', () => standby.isServing);
        await until('it is asked', () => followers[0]!.connections >= kill + 2);
        leading = standby;
      }
      await writer.end();
      await scene.verify(t, followers);
    });
  });
}

describe('the feed of a console over a Postgres that is away for a while', { timeout: 300_000 }, () => {
  for (const [how, signal] of [
    ['stopped', 'SIGINT'],
    ['killed', 'SIGKILL'],
  ] as const) {
    it(`keeps those who listen, and leaves nothing out: ${how}`, async (t) => {
      const database = DATABASES[1]!;
      const scene = new Scene(database, await database.create(), await mkdtemp(join(folder, 'tokens-')));
      try {
        const { port } = await scene.serve();
        const followers = await scene.follow(port, '', 'type=email.done');
        const writer = scene.write('INBOX 0');
        for (let time = 0; time < 2; time++) {
          const { recorded } = writer;
          await until('it has written', () => writer.recorded > recorded + MAILS_OF_A_LIFE);
          await server.down(signal);
          const [late] = await scene.begin(port, '');
          await setTimeout(2_000);
          await server.up();
          await until('it writes again', () => writer.recorded > recorded + 2 * MAILS_OF_A_LIFE);
          late!.close();
        }
        await writer.end();
        assert.ok(
          followers.every(({ connections }) => connections === 1),
          'they stay',
        );
        await scene.verify(t, followers);
      } finally {
        await scene.dispose();
      }
    });
  }
});

/** One ledger, with the processes around it. */
class Scene {
  readonly #database: Database;
  readonly #where: string;
  readonly #folder: string;
  readonly #children = new Set<Child>();
  readonly #followers = new Set<Follower>();
  readonly #recorded = new Set<string>();
  #began: string | undefined;

  constructor(database: Database, where: string, tokens: string) {
    this.#database = database;
    this.#where = where;
    this.#folder = tokens;
  }

  /** A process that is to have the console on this port. */
  console(port: number): Serving {
    const child = new Serving('console-process.ts', [this.#where, String(port), this.#folder], port);
    this.#children.add(child);
    return child;
  }

  async serve(port?: number): Promise<Serving> {
    const serving = this.console(port ?? (await freePort()));
    await until('it serves', () => serving.isServing, STARTS_MS);
    return serving;
  }

  write(mailbox: string): Writer {
    const writer = new Writer('writer-process.ts', [this.#where, mailbox], this.#recorded);
    this.#children.add(writer);
    return writer;
  }

  async writeTidily(): Promise<void> {
    const writer = this.write('INBOX 0');
    await until('it has written', () => writer.recorded > MAILS_OF_A_LIFE);
    await writer.end();
  }

  async begin(port: number, ...queries: readonly string[]): Promise<Follower[]> {
    const token = (await readFile(join(this.#folder, 'console-read-token'), 'utf8')).trim();
    const followers = queries.map((query) => new Follower(port, token, query));
    for (const one of followers) this.#followers.add(one);
    return followers;
  }

  /** They know where they begin: before all that is written. */
  async follow(port: number, ...queries: readonly string[]): Promise<Follower[]> {
    const followers = await this.begin(port, ...queries);
    this.#began = await until(
      'they listen',
      () => followers.every(({ lastId }) => lastId) && followers[0]!.lastId,
    );
    return followers;
  }

  /** All that came since they began, as each asked for it: no holes, nothing twice, nothing that is not there. */
  async verify(t: TestContext, followers: readonly Follower[]): Promise<void> {
    const { place, order, name } = this.#database;
    const all = await this.#rows<Stored>(`
      select substr((select ledger_id from ownership), 1, 8) || '.' || ${place} || '.' || at as position, type,
        event_id as event
      from change order by ${order}`);
    const began = all.findIndex(({ position }) => position === this.#began);
    assert.ok(began >= 0);
    const stored = all.slice(began + 1);
    const everybody = followers[0]!;
    await until('all is told', () => everybody.told.at(-1)?.id === stored.at(-1)?.position);
    const ids = new Map(stored.map(({ position }, at) => [position, at]));
    const told = everybody.told.map(({ id }) => id);
    const isTold = new Set(told);
    const figures = {
      holes: stored.filter(({ position }) => !isTold.has(position)).length,
      repeated: told.length - isTold.size,
      invented: told.filter((id) => !ids.has(id)).length,
    };
    t.diagnostic(`${name}: ${stored.length} changes; ${JSON.stringify(figures)}`);
    assert.deepEqual(figures, { holes: 0, repeated: 0, invented: 0 });
    assert.deepEqual(
      everybody.told.map(({ id, type, data }) => [id, type, data['event']]),
      stored.map(({ position, type, event }) => [position, type, event]),
    );
    for (const one of followers.slice(1)) await this.#verifyPart(one, everybody.told);
    await this.#verifyLedger(everybody.told);
  }

  /** The same, but for what it did not ask for. */
  async #verifyPart(follower: Follower, all: readonly Heard[]): Promise<void> {
    const asked = new URLSearchParams(follower.query);
    const [types, workflow, source] = [
      asked.get('type')?.split(','),
      asked.get('workflow'),
      asked.get('source'),
    ];
    const wanted = all.filter(
      ({ type, data }) =>
        (!types || types.includes(type)) &&
        (workflow === null || data['workflow'] === workflow) &&
        (source === null || data['source'] === Number(source)),
    );
    assert.ok(wanted.length > 0);
    await until('all is told', () => follower.told.length >= wanted.length);
    assert.deepEqual(follower.told, wanted);
  }

  /** What the feed says is what is so: each mail that is known to be there, and the state of each event. */
  async #verifyLedger(told: readonly Heard[]): Promise<void> {
    const events = await this.#rows<{ id: string; state: string; identity: string }>(
      'select id, state, identity from event',
    );
    const identities = new Set(events.map(({ identity }) => identity));
    assert.ok([...this.#recorded].every((identity) => identities.has(identity)));
    const states = new Map<unknown, unknown>();
    for (const { data } of told) {
      const { state } = data['data'] as Readonly<Record<string, unknown>>;
      if (data['event'] !== null && state !== undefined) states.set(data['event'], state);
    }
    assert.equal(states.size, events.length);
    // That one was offered is not told.
    for (const { id, state } of events) if (state !== 'QUEUED') assert.equal(states.get(id), state);
  }

  #rows<Row>(sql: string): Promise<Row[]> {
    return this.#database.rows<Row>(this.#where, sql);
  }

  async dispose(): Promise<void> {
    for (const follower of this.#followers) follower.close();
    for (const child of this.#children) await child.kill();
  }
}

class Child {
  readonly #process: ChildProcess;
  readonly #exit: Promise<unknown>;

  constructor(file: string, args: readonly string[]) {
    this.#process = fork(join(__dirname, '..', 'support', 'feed', file), args, {
      execArgv: ['--import', 'tsx'],
    });
    this.#exit = once(this.#process, 'exit');
    this.#process.on('message', (message) => this.hear(message));
  }

  hear(_message: unknown): void {}

  /** As a machine that loses its power would end it. */
  async kill(): Promise<void> {
    this.#process.kill('SIGKILL');
    await this.#exit;
  }

  /** When it has done what it is at. */
  async end(): Promise<void> {
    this.#process.send('end');
    await this.#exit;
    assert.equal(this.#process.exitCode, 0);
  }
}

class Serving extends Child {
  readonly port: number;
  readonly said: string[] = [];

  constructor(file: string, args: readonly string[], port: number) {
    super(file, args);
    this.port = port;
  }

  get isServing(): boolean {
    return this.said.includes(`The Mail Console is at http://127.0.0.1:${this.port}`);
  }

  override hear(message: unknown): void {
    this.said.push(String(message));
  }
}

class Writer extends Child {
  recorded = 0;
  readonly #all: Set<string>;

  constructor(file: string, args: readonly string[], all: Set<string>) {
    super(file, args);
    this.#all = all;
  }

  override hear(message: unknown): void {
    for (const identity of (message as Committed).recorded) this.#all.add(identity);
    this.recorded = this.recorded + (message as Committed).recorded.length;
  }
}
