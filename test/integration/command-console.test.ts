// `durable-mail console` as a process: over a ledger that another process has open, to its end.
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Ledger } from '../../engine/ledger/ledger';
import { startCommand } from '../support/command';
import { deadMails, listening } from '../support/console-mails';
import { openAt } from '../support/feed/open-at';
import { freePort } from '../support/net';
import { Client } from '../support/web-socket/open';
import { until } from '../support/until';

describe('durable-mail console', { timeout: 180_000 }, () => {
  let folder: string;
  let file: string;
  let ledger: Ledger;
  let close: () => Promise<void>;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'durable-mail-console-'));
    file = join(folder, 'ledger.sqlite');
    ({ ledger, close } = await openAt(file));
    await deadMails(ledger, await listening(ledger), 2);
  });
  after(async () => {
    await close();
    await rm(folder, { recursive: true, force: true });
  });

  it('ends with npx, which started it', async () => {
    const port = await freePort();
    const args = ['console', '--port', String(port), '--tokens', join(folder, 'tokens')];
    const command = startCommand(args, { DURABLE_MAIL_SQLITE_FILE: file }, 'npx');
    const answers = (): Promise<boolean> =>
      fetch(`http://127.0.0.1:${port}/healthz`).then(
        () => true,
        () => false,
      );
    try {
      await command.says(/The Mail Console is at/);
      assert.ok(await answers());
    } finally {
      await command.end();
    }
    await until('the port is closed', async () => !(await answers()));
  });

  it('shows the ledger beside whoever works on it, does what it is asked to, and ends within 5 s', async () => {
    const port = await freePort();
    const command = startCommand(['console', '--port', String(port), '--tokens', join(folder, 'tokens')], {
      ...{ DURABLE_MAIL_SQLITE_FILE: file, DURABLE_MAIL_WEBSOCKET: 'true' },
      DURABLE_MAIL_CONSOLE_PORT: '1',
    });
    try {
      await command.says(/The Mail Console is at[\s\S]*does nothing there by itself/);
      const tokens = await Promise.all(
        ['read', 'operate'].map(async (right) => {
          const path = join(folder, 'tokens', `console-${right}-token`);
          assert.ok(command.said().includes(path), 'where it is is said');
          assert.equal((await stat(path)).mode & 0o777, 0o600);
          return (await readFile(path, 'utf8')).trim();
        }),
      );
      const [read, operate] = tokens as [string, string];
      assert.ok(!tokens.some((token) => command.said().includes(token)), 'no token is in its log');
      const at = `http://127.0.0.1:${port}`;
      const get = (path: string, token = read): Promise<Response> =>
        fetch(`${at}${path}`, { headers: { authorization: `Bearer ${token}` } });
      const post = async (path: string, body: object): Promise<{ status: number; text: string }> => {
        const response = await fetch(`${at}${path}`, {
          method: 'POST',
          headers: { authorization: `Bearer ${operate}`, 'content-type': 'application/json' },
          body: JSON.stringify(body),
        });
        return { status: response.status, text: await response.text() };
      };
      assert.match(await (await fetch(at)).text(), /<!doctype html>/i);
      assert.equal((await fetch(`${at}/healthz`)).status, 401);
      assert.ok([200, 503].includes((await get('/healthz')).status));
      assert.match(await (await get('/metrics')).text(), /durable_mail_events\{state="DEAD"\} 2/);
      const { mails } = (await (await get('/api/mails')).json()) as { mails: { id: string }[] };
      assert.match(await (await get(`/api/mails/${mails[0]!.id}/content`)).text(), /^Subject: hello\r\n/);
      const look = await post('/api/look', { source: 1 });
      assert.deepEqual(
        [look.status, /SQLite file/.test(look.text)],
        [409, true],
        'nothing is asked that nobody hears',
      );
      const client = await Client.open(`ws://127.0.0.1:${port}/ws`, ['durable-mail.v1', `bearer.${operate}`]);
      assert.equal((await client.ask({ do: 'subscribe', types: ['email.updated'] })).status, 200);
      assert.equal((await client.ask({ do: 'replay', ids: [mails[0]!.id] })).status, 200);
      await until('it is told what it has done', () => client.toldTo(1).length === 1);
      assert.equal((await ledger.statistics({})).PENDING, 1, 'who works on it sees it, too');
      const streaming = await get('/events');
      const { code, ms } = await command.end();
      assert.deepEqual([code, ms < 5_000], [0, true], `${ms} ms\n${command.said()}`);
      assert.equal((await client.end()).code, 1001);
      await streaming.body?.cancel().catch(() => undefined);
      const [source] = await ledger.sources();
      assert.equal(source!.holder !== null, true, 'whoever reads the mailbox has it still');
    } finally {
      command.process.kill('SIGKILL');
    }
  });

  it('is there, and says why, where its database cannot be reached', async () => {
    const [port, nothing] = [await freePort(), await freePort()];
    const read = 'a-token-to-look-with';
    const command = startCommand(['console', '--tokens', join(folder, 'tokens')], {
      DURABLE_MAIL_POSTGRES_URL: `postgres://mail:secret-secret@127.0.0.1:${nothing}/mail`,
      ...{ DURABLE_MAIL_CONSOLE_PORT: String(port), DURABLE_MAIL_CONSOLE_TOKEN: read },
    });
    try {
      await command.says(/ERROR The mail ledger cannot be opened; it is tried again/);
      const response = await fetch(`http://127.0.0.1:${port}/healthz`, {
        headers: { authorization: `Bearer ${read}` },
      });
      assert.equal(response.status, 503);
      assert.match(await response.text(), new RegExp(`127\\.0\\.0\\.1:${nothing}`));
      assert.doesNotMatch(command.said(), /secret-secret/);
      assert.equal((await command.end()).code, 0);
    } finally {
      command.process.kill('SIGKILL');
    }
  });
});
