// `durable-mail audit` on a Gmail account, at a server that speaks Gmail's API, and a ledger that lost some of its rows.
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { DatabaseSync } from 'node:sqlite';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { parseArgs } from 'node:util';
import { audit as command } from '../../cli/audit/audit';
import { gmailSource } from '../../engine/gmail/mail/source';
import { compileGmailReading, type GmailReadingData } from '../../engine/gmail/read/reading-data';
import { openEngine } from '../../engine/instance/engine';
import { openPlace } from '../../engine/instance/place';
import { FakeGmail } from '../support/gmail/fake';
import { gmailReadingData } from '../support/gmail-reading';
import { fakeLogin } from '../support/gmail-watching';
import { silentLog } from '../support/log';
import { rawMail } from '../support/mails';
import { until } from '../support/until';

const MAILS = 40;
const ADDRESS = 'ann@example.com';
const HOUR_MS = 3_600_000;

interface Ran {
  readonly code: number;
  readonly out: string;
}

describe('durable-mail audit, of a Gmail account', { timeout: 300_000 }, () => {
  let folder: string;
  let file: string;
  let gmail: FakeGmail;
  const ids: string[] = [];

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'durable-mail-audit-gmail-'));
    file = join(folder, 'ledger.sqlite');
    gmail = await FakeGmail.start();
    Object.assign(process.env, {
      DURABLE_MAIL_SQLITE_FILE: file,
      GMAIL_REFRESH: gmail.oauth.grant(ADDRESS),
    });
    const oauth2 = { tokenUrl: gmail.tokenUrl, clientId: 'us', refreshToken: { env: 'GMAIL_REFRESH' } };
    const account = { kind: 'gmail', user: ADDRESS, apiBaseUrl: gmail.url, oauth2 };
    await writeFile(join(folder, 'mail.json'), JSON.stringify({ accounts: { ann: account }, forN8n: true }));
    const received = (subject: string, agoMs: number): string =>
      gmail
        .account(ADDRESS)
        .deliver(rawMail({ subject: `Order, ${subject}` }), { internalDate: Date.now() - agoMs });
    for (let n = 0; n < MAILS; n++) ids.push(received(String(n), HOUR_MS + (MAILS - n) * 60_000));
    const other = rawMail({ subject: 'Order, from another' }).replace('ann@example.com', 'eve@example.com');
    gmail.account(ADDRESS).deliver(other, { internalDate: Date.now() - HOUR_MS });
    gmail.account(ADDRESS).deliver(rawMail({ subject: 'An offer' }), { internalDate: Date.now() - HOUR_MS });
    await collected();
    lose(ids[1]!, ids[20]!, ids[39]!);
    received('later', 0);
  });
  after(async () => {
    await gmail.close();
    await rm(folder, { recursive: true, force: true });
  });

  /** All mails are recorded for one, and those since it began for the other; none is run. */
  async function collected(): Promise<void> {
    const engine = await openEngine({ kind: 'sqlite', file }, { log: silentLog, listens: true });
    const source = gmailSource(ADDRESS);
    const leaves: (() => Promise<void>)[] = [];
    let synced = 0;
    const join = async (workflowId: string, reading: GmailReadingData): Promise<void> => {
      const subscription = await engine.ledger.subscribe({
        ...{ workflowId, nodeId: 'n', nodeName: 'Orders', source, reading, retryDelaysMs: [1] },
        ...{ keepContentMs: 0, retentionMs: 86_400_000, guarantee: 'atLeastOnce' },
        ...{ afterSuccess: null, whenDead: null },
      });
      leaves.push(
        engine.gmail.join(source, {
          ...{ subscription, reading: compileGmailReading(reading, () => assert.fail('nothing is pulled')) },
          ...{ login: () => Promise.resolve(fakeLogin(gmail, ADDRESS)), mostConnections: 1 },
          ...{ hasActions: false, outage: { afterMs: null, whenOver: false }, joinedAt: Date.now() },
          ...{ begun: () => false, synced: () => (synced += 1) },
          report: (fault) => assert.fail(fault),
          warn: (fault) => assert.fail(fault),
          ...{ reportOver: () => undefined, moved: () => undefined },
        }),
      );
    };
    const filter = { ...gmailReadingData().filter, sender: 'ann@example.com', search: 'subject:order' };
    await join('all', gmailReadingData({ start: { kind: 'everything' }, filter }));
    await join('new', gmailReadingData());
    await until(
      'all is recorded, and its place stored',
      async () => {
        if (synced < 2 || (await engine.ledger.statistics({})).PENDING !== MAILS) return false;
        const known = await engine.ledger.readings({ kind: 'gmail', account: ADDRESS });
        const cursors = await engine.ledger.cursors(known.map(({ id }) => id));
        return [...cursors.values()].every((cursor) => cursor?.['fillLabel'] === undefined);
      },
      60_000,
    );
    for (const leave of leaves) await leave();
    await engine.close();
  }

  function lose(...lost: readonly string[]): void {
    const database = new DatabaseSync(file);
    database.exec('pragma foreign_keys = on');
    for (const id of lost) {
      const of = "select message_id from event where identity = 'id:' || ?";
      const messages = database.prepare(of).all(id) as { message_id: number }[];
      assert.equal(messages.length, 1);
      for (const table of ['event', 'content'])
        database.prepare(`delete from ${table} where message_id = ?`).run(messages[0]!.message_id);
      database.prepare('delete from message where id = ?').run(messages[0]!.message_id);
    }
    database.close();
  }

  /** As the command is run, but for its process. */
  const audit = async (...args: string[]): Promise<Ran> => {
    const out: string[] = [];
    const given = parseArgs({
      args: ['--config', join(folder, 'mail.json'), ...args],
      options: command.options,
    });
    const ports = { env: {}, log: silentLog, signal: new AbortController().signal };
    const code = await command.run(
      { ...given, positionals: [] },
      { ...ports, print: (line) => out.push(line) },
    );
    return { code, out: out.join('\n') };
  };

  it('says which mails the ledger has never seen, and changes nothing', async () => {
    const { code, out } = await audit('--list');
    const lines = out.split('\n');
    assert.match(
      lines.at(-1)!,
      /^ann@example\.com All Mail: 42 on the server, 37 known to the ledger, 1 that nobody takes, 1 not looked at yet, 3 NEVER SEEN; in the ledger: 0 done, 37 waiting, 0 dead$/,
    );
    assert.equal(code, 1);
    const told = lines
      .slice(0, -1)
      .map((line) => /missing message (\w+), received 20\S+Z, \d+ octets$/.exec(line)![1]);
    assert.deepEqual(told.toSorted(), [ids[1]!, ids[20]!, ids[39]!].toSorted());
    assert.doesNotMatch(out, /Order|Subject/, 'nothing of a mail is told');
    assert.deepEqual((await audit('--list')).out, out);
  });

  it('looks back as far as it is told to', async () => {
    const since = new Date(Date.now() - HOUR_MS - 10 * 60_000).toISOString().slice(0, 19);
    const { out } = await audit('--json', '--since', `${since}Z`);
    const { listed, missing } = JSON.parse(out) as Record<string, number>;
    assert.ok(listed! < 20, out);
    assert.equal(missing, 1);
    const other = await audit('--mailbox', 'INBOX');
    assert.deepEqual(
      [other.code, /No trigger or job .* reads the mailbox "INBOX" of ann@/.test(other.out)],
      [1, true],
    );
  });

  it('records what is missing, once', async () => {
    const recorded = await audit('--record');
    assert.match(recorded.out, /3 NEVER SEEN, of which 3 were recorded now/);
    assert.equal(recorded.code, 0);
    const again = await audit('--record');
    assert.deepEqual(
      [again.code, /40 known to the ledger.*none missing/.test(again.out)],
      [0, true],
      again.out,
    );
    const { ledger, close } = await openPlace({ kind: 'sqlite', file }, silentLog, undefined);
    const { PENDING } = await ledger.statistics({});
    assert.equal(PENDING, MAILS, 'for whom they were missing, and nobody else');
    assert.equal((await ledger.sources())[0]!.holder, null, 'the lease was given back');
    await close();
  });
});
