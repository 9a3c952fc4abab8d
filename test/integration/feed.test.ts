// The feed over real ledgers and real HTTP: live and resumed without a hole, on Postgres while a transaction is held open, too;
// and clients that never read are cut, while those who read are not.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { Client } from 'pg';
import { Feed } from '../../engine/feed/feed';
import { ResponseClient } from '../../engine/feed/response-client';
import type { Ledger } from '../../engine/ledger/ledger';
import { openPostgresLedger } from '../../engine/ledger/postgres/postgres-ledger';
import { settingsFromUrl } from '../../engine/ledger/postgres/settings';
import { openSqliteLedger } from '../../engine/ledger/sqlite/sqlite-ledger';
import type { Subscription } from '../../engine/ledger/subscriptions';
import { ProcessWake } from '../../engine/signal/wake';
import { held } from '../ledger/held';
import { deafClients } from '../support/feed/deaf-clients';
import { type Heard, heardOf } from '../support/feed/fake-client';
import { silentLog } from '../support/log';
import { PostgresServer } from '../support/postgres';
import { until } from '../support/until';

/** Of some 300 octets each: more than any system takes for who does not read. */
const MOST_FOR_THE_DEAF = 50_000;

/** Mails, recorded one after another. */
class Mails {
  readonly #ledger: Ledger;
  readonly #to: Subscription;
  #uid = 0;

  private constructor(ledger: Ledger, to: Subscription) {
    this.#ledger = ledger;
    this.#to = to;
  }

  static async to(ledger: Ledger): Promise<Mails> {
    const to = await ledger.subscribe({
      ...{ workflowId: 'w', nodeId: 'n', retryDelaysMs: [1], guarantee: 'atLeastOnce' },
      ...{ source: { kind: 'imap', account: 'ann@mail.example', mailbox: 'INBOX' } },
      ...{ keepContentMs: 0, retentionMs: 1_000_000, afterSuccess: null, whenDead: null },
    });
    return new Mails(ledger, to);
  }

  async record(count: number): Promise<void> {
    const messages = Array.from({ length: count }, () => {
      const uid = ++this.#uid;
      return {
        ...{ identity: `uid:1:${uid}:INBOX`, softIdentity: null, accountWide: false, weakIdentity: null },
        ...{ messageId: null, sender: null, subject: null, uid, uidValidity: '1', receivedAt: 1, size: 1 },
        ...{ content: null, due: [this.#to.id] },
      };
    });
    const hold = await held(this.#ledger, this.#to.sourceId);
    await this.#ledger.record({ hold, messages, cursors: [] });
  }
}

/** Who listens over HTTP. */
class Listening {
  text = '';
  isOver = false;
  readonly #end: () => void;

  constructor(port: number, after?: string) {
    const path = after === undefined ? '/events' : `/events?${new URLSearchParams({ after }).toString()}`;
    const asking = request({ port, path, host: '127.0.0.1', agent: false }, (response) => {
      response.setEncoding('utf8').on('data', (text: string) => (this.text += text));
      response.on('close', () => (this.isOver = true));
      response.on('error', () => undefined);
    });
    asking.on('error', () => undefined);
    asking.end();
    this.#end = () => void asking.destroy();
  }

  get told(): Heard[] {
    return heardOf(this.text).filter(({ type }) => type !== 'stats');
  }

  get lastId(): string | undefined {
    return [...this.text.matchAll(/^id: (.*)$/gm)].at(-1)?.[1];
  }

  /** Its place is known: what becomes so from now on is told. */
  async listens(): Promise<this> {
    await until('it listens', () => this.lastId !== undefined);
    return this;
  }

  tells(count: number): Promise<Heard[]> {
    return until(`${count} are told`, () => {
      assert.ok(this.told.length <= count);
      return this.told.length === count && this.told;
    });
  }

  end(): void {
    this.#end();
  }
}

async function served(ledger: Ledger, work: (port: number, feed: Feed) => Promise<void>): Promise<void> {
  const feed = new Feed({
    ledger,
    changeAt: async () => (await ledger.changePositions()).oldest,
    mailsOf: null,
    wake: new ProcessWake(),
    log: silentLog,
  });
  const server = createServer((asked, response) => {
    const position = new URL(asked.url!, 'http://feed').searchParams.get('after');
    const leave = feed.join(ResponseClient.answer(response), position === null ? {} : { after: position });
    response.on('close', leave);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    await work((server.address() as AddressInfo).port, feed);
  } finally {
    feed.close();
    server.closeAllConnections();
    server.close();
    await ledger.close();
  }
}

const typesOf = (told: readonly Heard[]): string[] => told.map(({ type }) => type);

describe('the feed over HTTP', { timeout: 120_000 }, () => {
  let folder: string;
  let server: PostgresServer;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'durable-mail-feed-'));
    server = await PostgresServer.start({ fsync: false });
  });
  after(async () => {
    await server.dispose();
    await rm(folder, { recursive: true });
  });

  const ledgers: Readonly<Record<string, () => Promise<Ledger>>> = {
    SQLite: () => openSqliteLedger(join(folder, 'ledger.sqlite')),
    Postgres: async () => openPostgresLedger(settingsFromUrl(await server.createDatabase())),
  };
  for (const [name, open] of Object.entries(ledgers)) {
    it(`goes on where a client was, with nothing left out and nothing twice: ${name}`, async () => {
      const ledger = await open();
      const mails = await Mails.to(ledger);
      await served(ledger, async (port, feed) => {
        const one = await new Listening(port).listens();
        await until('all of the subscription was told', async () => {
          const { newest } = await ledger.changePositions();
          return newest === one.lastId || one.told.at(-1)?.id === newest;
        });
        const before = one.told.length;
        await mails.record(3);
        const first = (await one.tells(before + 3)).slice(-3);
        assert.deepEqual(typesOf(first), ['email.new', 'email.new', 'email.new']);
        one.end();
        await until('it has gone', () => feed.clients === 0);
        await mails.record(700);
        const again = new Listening(port, first[0]!.id);
        await again.tells(702);
        await mails.record(2);
        const all = await again.tells(704);
        assert.deepEqual(all.slice(0, 2), first.slice(1));
        assert.equal(new Set(all.map(({ data }) => data['event'])).size, 704);
        const lost = new Listening(port, 'x');
        await lost.tells(1);
        await mails.record(1);
        assert.deepEqual(typesOf(await lost.tells(2)), ['reset', 'email.new']);
      });
    });
  }

  it('leaves nothing out that commits late, live or resumed, and is ended when the feed is', async () => {
    const url = await server.createDatabase();
    const ledger = await openPostgresLedger(settingsFromUrl(url));
    const mails = await Mails.to(ledger);
    const slow = new Client({ connectionString: url, options: '-c search_path=durable_mail' });
    await slow.connect();
    try {
      await served(ledger, async (port, feed) => {
        const live = await new Listening(port).listens();
        await mails.record(2);
        await until('both are told', () => live.told.at(-1)?.type === 'email.new' && live.told.length >= 2);
        const [before, start] = [live.told.length, live.lastId!];
        await slow.query('begin');
        await slow.query(`
          update event set state = 'DONE', due_at = null, settled_at = 1 where identity = 'uid:1:1:INBOX'`);
        await mails.record(2);
        const resumed = new Listening(port, start);
        await until('both listen', () => feed.clients === 2);
        await mails.record(1);
        await new Promise((resolve) => setTimeout(resolve, 600));
        assert.deepEqual([live.told.length, resumed.told.length], [before, 0]);
        await slow.query('commit');
        const told = await resumed.tells(4);
        assert.deepEqual(typesOf(told), ['email.updated', 'email.new', 'email.new', 'email.new']);
        assert.deepEqual((await live.tells(before + 4)).slice(-4), told);
        feed.close();
        await until('both are ended', () => live.isOver && resumed.isOver);
      });
    } finally {
      await slow.end();
    }
  });

  it('cuts those that never read, and nobody else', async () => {
    const ledger = await openSqliteLedger(join(folder, 'deaf.sqlite'));
    const mails = await Mails.to(ledger);
    await served(ledger, async (port, feed) => {
      const reads = await new Listening(port).listens();
      const before = reads.told.length;
      const end = deafClients(port, 3);
      try {
        await until('all listen', () => feed.clients === 4);
        let count = 0;
        await until('they are cut', async () => {
          if (count < MOST_FOR_THE_DEAF) {
            await mails.record(500);
            count += 500;
          }
          return feed.cut >= 3;
        });
        const told = await until('all is told', () => reads.told.length >= before + count && reads.told);
        assert.equal(told.filter(({ type }) => type === 'email.new').length, count);
        assert.equal(reads.isOver, false);
      } finally {
        await end();
      }
    });
  });
});
