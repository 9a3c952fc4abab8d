// The console over WebSocket, with real clients on real connections: who is let in, what they are told and may do, and what ends them.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import { WebSocket } from 'ws';
import { ENDS, type Limits } from '../../engine/console/ws/limits';
import type { Ledger } from '../../engine/ledger/ledger';
import { openSqliteLedger } from '../../engine/ledger/sqlite/sqlite-ledger';
import { ROOT } from '../../tools/shell.mjs';
import { TOKENS } from '../support/console';
import { deadMails, listening } from '../support/console-mails';
import { until } from '../support/until';
import { Client, type OpenWebSocket, openWebSocket } from '../support/web-socket/open';

const READ = [`bearer.${TOKENS.read}`];
const OPERATE = ['durable-mail.v1', `bearer.${TOKENS.operate}`];

describe('the console over WebSocket', { timeout: 120_000 }, () => {
  let folder: string;
  let ledger: Ledger;
  let open: OpenWebSocket;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'durable-mail-ws-'));
    ledger = await openSqliteLedger(join(folder, 'ledger.sqlite'));
  });
  after(async () => {
    await ledger.close();
    await rm(folder, { recursive: true });
  });
  afterEach(() => open.close());

  const begin = async (
    limits: Partial<Limits> = {},
    over: Parameters<typeof openWebSocket>[2] = {},
  ): Promise<OpenWebSocket> => (open = await openWebSocket(ledger, limits, over));

  const loggedIn = (protocols = OPERATE): Promise<Client> => Client.open(open.url, protocols);

  const subscribed = async (client: Client, asked: object = {}): Promise<number> => {
    const { status, body, error } = await client.ask({ do: 'subscribe', ...asked });
    assert.equal(status, 200, error);
    return body!['subscription'] as number;
  };

  describe('lets in', () => {
    it('whoever has a token: as a subprotocol, in a header, in the first message, or a session of the page', async () => {
      await begin();
      const own = await loggedIn();
      assert.equal(own.ws.protocol, 'durable-mail.v1', 'no token is sent back where there is another choice');
      assert.equal((await loggedIn(READ)).ws.protocol, READ[0]);
      await Client.open(open.url, [], { headers: { authorization: `Bearer ${TOKENS.read}` } });
      const first = await Client.open(open.url);
      assert.deepEqual((await first.ask({ do: 'login', token: TOKENS.operate })).body, { right: 'operate' });
      const { token } = open.sessions.begin('read');
      const session = await Client.open(open.url, [`bearer.${token}`]);
      assert.equal((await session.ask({ do: 'look', sourceId: 1 })).status, 403, 'it may only read');
    });

    it('a token of characters that no subprotocol has, percent-encoded', async () => {
      const token = 'abc/def+ghi=jkl==mno';
      await begin(
        {},
        { rights: ({ authorization }) => (authorization === `Bearer ${token}` ? 'read' : null) },
      );
      await Client.open(open.url, [`bearer.${encodeURIComponent(token)}`]);
    });

    it('nobody with a wrong token, and nobody who names one in the address, and says why', async () => {
      await begin();
      const refused = (words: RegExp, ...asked: Parameters<typeof Client.open>): Promise<void> =>
        assert.rejects(Client.open(...asked), (error: Error) => {
          assert.match(error.message, words);
          assert.ok(!error.message.includes(TOKENS.read));
          return true;
        });
      await refused(/^401 .*none of the console/, open.url, ['bearer.wrong-wrong-wrong-wrong']);
      await refused(/^400 .*never into an address/, `${open.url}?token=${TOKENS.read}`, READ);
      await refused(/^400 .*never into an address/, `${open.url}?access_token=${TOKENS.read}`);
      await refused(/^400 /, `${open.url}?t=${TOKENS.read}`, READ);
      await refused(/^404 /, open.url.replace(/ws$/, 'events'), READ);
      await refused(/^403 .*A page of .*evil/, open.url, READ, {
        headers: { origin: 'http://evil.example' },
      });
      await refused(/^403 .*another site/, open.url, READ, { headers: { 'sec-fetch-site': 'cross-site' } });
      await refused(/^403 .*does not answer to the name/, open.url, READ, {
        headers: { host: 'evil.example' },
      });
      const origin = `http://127.0.0.1:${open.port}`;
      await Client.open(open.url, READ, { headers: { origin, 'sec-fetch-site': 'same-origin' } });
    });

    it('nobody where it is switched off, and says how it is switched on', async () => {
      await begin({}, { webSocket: false });
      await assert.rejects(loggedIn(), /^Error: 404 .*DURABLE_MAIL_WEBSOCKET=true/);
    });

    it('nobody whose token comes too late, is wrong, or is no first message', async () => {
      await begin({ loginWithinMs: 150 });
      const [silent, wrong, other] = [
        await Client.open(open.url),
        await Client.open(open.url),
        await Client.open(open.url),
      ];
      wrong.ws.send(JSON.stringify({ do: 'login', token: 'w'.repeat(40) }));
      other.ws.send(JSON.stringify({ do: 'subscribe' }));
      const reasons = (await Promise.all([silent, wrong, other].map((client) => client.end()))).map(
        ({ code, reason }) => [code, reason],
      );
      assert.deepEqual(reasons, [ENDS.noToken, ENDS.wrongToken, ENDS.noToken]);
      assert.equal(open.feed.clients, 0);
      const kept = await loggedIn();
      await new Promise((resolve) => setTimeout(resolve, 300));
      assert.equal(kept.ended, null, 'who has one is not ended by that');
    });
  });

  describe('tells', () => {
    it('what each of several subscriptions asks for, in its order, until it is given up', async () => {
      await begin();
      const client = await loggedIn(READ);
      const all = await subscribed(client);
      const dead = await subscribed(client, { types: ['email.dead'], sourceId: 7, workflowId: 'w' });
      await until('both have begun', () => client.messages.filter(({ position }) => position).length >= 2);
      for (const [type, sourceId] of [
        ['email.new', 7],
        ['email.dead', 7],
        ['email.dead', 8],
      ] as const)
        open.changes.add(type, { sourceId });
      await until('all is told', () => client.toldTo(all).length === 3 && client.toldTo(dead).length === 1);
      assert.deepEqual([client.toldTo(all), client.toldTo(dead)], [['1', '2', '3'], ['2']]);
      const { events, position } = client.messages.find(
        ({ events: told }) => told?.[0]?.type === 'email.new',
      )!;
      assert.deepEqual([events![0]!.event, typeof position], ['e1', 'string']);
      assert.equal((await client.ask({ do: 'unsubscribe', subscription: all })).status, 200);
      open.changes.add('email.dead', { sourceId: 7 });
      await until('the other is told', () => client.toldTo(dead).length === 2);
      assert.equal(client.toldTo(all).length, 3);
      assert.equal((await client.ask({ do: 'unsubscribe', subscription: all })).status, 404);
    });

    it('whoever comes again what came since, and who is too late that it has to begin anew', async () => {
      await begin();
      for (let count = 0; count < 5; count++) open.changes.add();
      const client = await loggedIn(READ);
      const since = await subscribed(client, { after: '2' });
      await until('the rest is told', () => client.toldTo(since).length === 3);
      assert.deepEqual(client.toldTo(since), ['3', '4', '5']);
      open.changes.oldest = 4;
      const late = await subscribed(client, { after: '1' });
      await until('it is told', () => client.toldTo(late).length > 0);
      const began = client.messages.find(({ subscription }) => subscription === late)!;
      assert.equal(began.events![0]!.type, 'reset');
    });

    it('what is wrong with a message, by its id, and goes on', async () => {
      await begin();
      const client = await loggedIn();
      const wrong: readonly (readonly [object, number, RegExp])[] = [
        [{ do: 'dance' }, 400, /There are login, subscribe/],
        [{ do: 'subscribe', types: ['email.fresh'] }, 400, /is no "type"/],
        [{ do: 'subscribe', types: [] }, 400, /has to be a list/],
        [{ do: 'subscribe', workflow: 'w' }, 400, /"workflow" is not known here/],
        [{ do: 'subscribe', after: '1', since: '2026-01-01' }, 400, /not both/],
        [{ do: 'login', token: TOKENS.read }, 400, /done before/],
        [{ do: 'replay', ids: ['x'] }, 400, /no id of a mail/],
        [{ do: 'look', sourceId: 99 }, 404, /no such source/],
      ];
      for (const [asked, status, words] of wrong) {
        const answer = await client.ask({ ...asked });
        assert.equal(answer.status, status);
        assert.match(answer.error!, words);
      }
      client.ws.send('no JSON');
      await until('it is told', () =>
        client.messages.some(({ id, error }) => id === null && /JSON object/.test(error!)),
      );
      assert.ok((await subscribed(client)) > 0);
    });
  });

  it("is spoken by the documentation's example, which comes again by itself", async () => {
    const page = await readFile(join(ROOT, 'docs', 'console.md'), 'utf8');
    const [, example] = /^```js\n(.*?)^```$/ms.exec(page)!;
    const script = example!.replace(
      '127.0.0.1:5690',
      `127.0.0.1:${(await begin({ lifeMs: { least: 400, most: 400 } })).port}`,
    );
    const child = spawn(process.execPath, ['-e', script], { env: { CONSOLE_TOKEN: TOKENS.read } });
    let [out, err] = ['', ''];
    child.stdout.on('data', (data: Buffer) => (out += data.toString()));
    child.stderr.on('data', (data: Buffer) => (err += data.toString()));
    try {
      await until('it listens', () => open.feed.clients === 1, 20_000);
      open.changes.add('email.new');
      open.changes.add('email.dead');
      await until('it is told', () => out !== '');
      await until('it was ended', () => err !== '');
      open.changes.add('email.dead');
      await until('it has come again, and was told what came meanwhile', () => /e3/.test(out), 20_000);
      assert.equal(out, 'email.dead e2\nemail.dead e3\n');
      assert.match(err, /^4000 It has lasted its time/);
    } finally {
      child.kill('SIGKILL');
    }
  });

  it('does what HTTP does, with the same rights: replay, retry, look', async () => {
    await begin();
    const to = await listening(ledger, 'w1');
    await deadMails(ledger, to, 2);
    const ids = (await ledger.events({}, { limit: 2 })).events.map(({ id }) => id);
    const reader = await loggedIn(READ);
    for (const asked of [
      { do: 'replay', ids },
      { do: 'retry', ids },
      { do: 'look', sourceId: to.sourceId },
    ]) {
      const { status, error } = await reader.ask(asked);
      assert.deepEqual([status, /may look, and not act/.test(error!)], [403, true]);
    }
    const client = await loggedIn();
    assert.equal((await client.ask({ do: 'replay', ids: [ids[0]], state: 'DEAD' })).body!['changed'], 1);
    const filter = { workflow: 'w1', state: 'DEAD' };
    assert.equal((await client.ask({ do: 'replay', filter, count: 1 })).status, 200);
    await until('both wait', async () => (await ledger.statistics({})).PENDING === 2);
    assert.equal((await client.ask({ do: 'retry', ids })).body!['changed'], 0, 'none was in RETRY');
    assert.equal((await client.ask({ do: 'look', sourceId: to.sourceId })).status, 200);
    assert.deepEqual(open.looked, [to.sourceId]);
    const life = await ledger.life(ids[0]!);
    assert.deepEqual(
      life!.deeds.map(({ what, by }) => [what, by]),
      [['replay', 'console (operate)']],
    );
  });

  describe('ends', () => {
    it('who sends too much, too large or no text, each with its code', async () => {
      await begin({ burst: 5, messagesPerSecond: 1 });
      const [fast, large, binary, pinging] = await Promise.all(Array.from({ length: 4 }, () => loggedIn()));
      for (let count = 0; count < 20; count++) fast!.ws.send('{}');
      large!.ws.send('x'.repeat(70_000));
      binary!.ws.send(Buffer.from('{}'));
      for (let count = 0; count < 20; count++) pinging!.ws.ping();
      const codes = await Promise.all(
        [fast!, large!, binary!, pinging!].map(async (client) => (await client.end()).code),
      );
      assert.deepEqual(codes, [4429, 1009, 1003, 4429]);
    });

    it('each after its time, with a code that says come again', async () => {
      await begin({ lifeMs: { least: 100, most: 150 } });
      const client = await loggedIn();
      await subscribed(client);
      const { code, reason } = await client.end();
      assert.deepEqual([code, /Come again/.test(reason)], [4000, true]);
      assert.equal(open.feed.clients, 0);
    });

    it('who is gone without a word, and nobody who answers its ping', async () => {
      await begin({ pingMs: 150 });
      const [there, gone] = [
        await loggedIn(),
        await Client.open(open.url, OPERATE, { autoPong: false }),
      ];
      await subscribed(gone);
      assert.equal((await gone.end()).code, 1006);
      assert.equal(there.ended, null);
      assert.equal(open.feed.clients, 0);
    });

    it('all of them when the console is closed', async () => {
      await begin();
      const clients = [await loggedIn(), await Client.open(open.url)];
      open.sockets.close();
      const codes = await Promise.all(clients.map(async (client) => (await client.end()).code));
      assert.deepEqual(codes, [1001, 1001]);
      await assert.rejects(loggedIn(), /^Error: 503/);
    });

    it('who does not read: it is cut, while 200 others are told everything', async () => {
      await begin();
      const others = await Promise.all(Array.from({ length: 200 }, () => loggedIn(READ)));
      const numbers = await Promise.all(
        others.map((client) => subscribed(client, { types: ['email.done'] })),
      );
      const deaf = await deafSubscriber(open.port);
      await until('all listen', () => open.feed.clients === 201);
      let isClosed = false;
      deaf.once('close', () => (isClosed = true));
      // The others are told little: what is large goes to who does not read.
      const details = { note: 'x'.repeat(20_000) };
      for (let round = 0; open.feed.cut === 0; round++) {
        assert.ok(round < 200, 'it is cut before so much lies unsent');
        for (let count = 0; count < 20; count++) open.changes.add('email.new', { details });
        open.changes.add('email.done');
        await new Promise((resolve) => setTimeout(resolve, 60));
      }
      const done = open.changes.all
        .filter(({ type }) => type === 'email.done')
        .map(({ position }) => position);
      await until('the others have all of it', () =>
        others.every((client, at) => client.toldTo(numbers[at]!).length === done.length),
      );
      assert.deepEqual(others[199]!.toldTo(numbers[199]!), done);
      assert.deepEqual([open.feed.cut, open.feed.clients], [1, 200]);
      deaf.resume();
      await until('its connection is gone', () => isClosed);
      for (const { ws } of others) ws.terminate();
      await until('nobody listens', () => open.feed.clients === 0);
    });
  });
});

/** Subscribes to `email.new`, and reads nothing from then on. */
async function deafSubscriber(port: number): Promise<ReturnType<typeof connect>> {
  const ws = new WebSocket(`ws://127.0.0.1:${port}/ws`, READ, { perMessageDeflate: false });
  await new Promise((resolve) => ws.once('open', resolve));
  const { _socket: socket } = ws as unknown as { _socket: ReturnType<typeof connect> };
  ws.on('error', () => undefined);
  await new Promise<void>((resolve) =>
    ws.send(JSON.stringify({ do: 'subscribe', types: ['email.new'] }), () => resolve()),
  );
  socket.pause();
  return socket;
}
