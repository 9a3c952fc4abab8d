// `durable-mail audit` on a mailbox of a real Dovecot and a ledger that lost some of its rows.
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { DatabaseSync } from 'node:sqlite';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { parseArgs } from 'node:util';
import { audit as command } from '../../cli/audit/audit';
import { Mistake } from '../../cli/command';
import { accountName, type ImapLogin } from '../../engine/imap/session/login';
import { Roster } from '../../engine/imap/watch/roster';
import { openEngine } from '../../engine/instance/engine';
import { openPlace } from '../../engine/instance/place';
import { SourceLeases } from '../../engine/source/leases';
import { Dovecot } from '../support/dovecot';
import { silentLog } from '../support/log';
import { rawMail } from '../support/mails';
import { readingDataOf } from '../support/reading';
import { until } from '../support/until';

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** More than a page. */
const MAILS = 255;
const LOST = [2, 100, 255];

const proved = ({ proof }: ImapLogin): string => (proof as { password: string }).password;

describe('durable-mail audit', { timeout: 300_000 }, () => {
  let folder: string;
  let file: string;
  let dovecot: Dovecot;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'durable-mail-audit-'));
    file = join(folder, 'ledger.sqlite');
    dovecot = await Dovecot.start();
    Object.assign(process.env, {
      DURABLE_MAIL_SQLITE_FILE: file,
      MAIL_PASSWORD: proved(dovecot.login('ann')),
    });
    const { host, port } = dovecot.login('ann');
    const login = { host, port, secure: false, startTls: 'ifOffered' };
    const config = {
      accounts: {
        ann: { ...login, user: 'ann', password: { env: 'MAIL_PASSWORD' } },
        bob: { ...login, user: 'bob', password: { env: 'MAIL_PASSWORD' } },
      },
      forN8n: true,
    };
    await writeFile(join(folder, 'mail.json'), JSON.stringify(config));
    const mails = Array.from({ length: MAILS }, (_, at) => rawMail({ subject: `Order ${at + 1}` }));
    // The same mail in the server's eyes alone: it has no Message-ID.
    mails[99] = mails[99]!.replace(/^Message-ID:.*\r?\n/im, '');
    await dovecot.append('ann', [...mails, rawMail({ subject: 'An offer' })]);
    await collected();
    loseRows();
    await dovecot.append('ann', [rawMail({ subject: 'Order, later' })]);
  });
  after(async () => {
    await dovecot.dispose();
    await rm(folder, { recursive: true, force: true });
  });

  /** All mails are recorded, and none is run. */
  async function collected(): Promise<void> {
    const engine = await openEngine({ kind: 'sqlite', file }, { log: silentLog, listens: true });
    const login = dovecot.login('ann');
    let isSynced = false;
    const reading = readingDataOf({ start: { kind: 'everything' }, filter: { subject: 'order' } });
    const subscription = { retryDelaysMs: [1], keepContentMs: 0, retentionMs: 86_400_000 };
    const roster = new Roster(
      {
        ...{ workflowId: 'w', nodeId: 'n', nodeName: 'Orders', reading, listEveryMs: 60_000 },
        subscription: { ...subscription, guarantee: 'atLeastOnce', afterSuccess: null, whenDead: null },
        ...{ account: accountName(login), login: () => Promise.resolve(login) },
      },
      {
        ...{ ledger: engine.ledger, registry: engine.imap, log: silentLog },
        ...{ changed: () => undefined, listed: () => undefined, moved: () => undefined },
        failed: (fault) => assert.fail(fault),
        subscriber: (to, compiled) => ({
          ...{ subscription: to, reading: compiled, login: () => Promise.resolve(login) },
          ...{ mostConnections: 3, hasActions: false, outage: { afterMs: null, whenOver: false } },
          ...{ joinedAt: Date.now(), begun: () => true, synced: () => void (isSynced = true) },
          report: (fault) => assert.fail(fault),
          warn: (fault) => assert.fail(fault),
          ...{ reportOver: () => undefined, moved: () => undefined },
        }),
      },
    );
    await roster.start();
    await until(
      'all is recorded',
      async () => isSynced && (await engine.ledger.statistics({})).PENDING === MAILS,
      60_000,
    );
    // The backfill is over when its place is.
    await until('its place is stored', async () => {
      const [one] = await engine.ledger.readings({ kind: 'imap', account: accountName(login) });
      const cursor = (await engine.ledger.cursors([one!.id])).get(one!.id);
      return cursor !== null && cursor?.['fillBelow'] === undefined;
    });
    await roster.stop();
    const { events } = await engine.ledger.events({}, { limit: 10 });
    await engine.ledger.markDone({ ids: events.slice(1, 6).map(({ id }) => id) });
    await engine.close();
  }

  function loseRows(): void {
    const database = new DatabaseSync(file);
    database.exec('pragma foreign_keys = on');
    const lost = `(select id from message where uid in (${LOST.join(', ')}))`;
    for (const table of ['event', 'content'])
      database.exec(`delete from ${table} where message_id in ${lost}`);
    database.exec(`delete from message where uid in (${LOST.join(', ')})`);
    database.close();
  }

  /** As the command is run, but for its process. */
  const audit = async (...args: string[]): Promise<Ran> => {
    const [out, err] = [[] as string[], [] as string[]];
    const given = parseArgs({
      args: ['--config', join(folder, 'mail.json'), '--account', 'ann', ...args],
      options: command.options,
    });
    const { signal } = new AbortController();
    const code = await command
      .run(
        { ...given, positionals: [] },
        { env: {}, print: (line) => out.push(line), log: silentLog, signal },
      )
      .catch((error: unknown) => {
        err.push((error as Error).message);
        return error instanceof Mistake ? 2 : 1;
      });
    return { code, out: out.join('\n'), err: err.join('\n') };
  };

  it('says how many there are, and which of them the ledger has never seen', async () => {
    const { code, out, err } = await audit('--list');
    assert.equal(code, 1, err);
    const lines = out.trim().split('\n');
    assert.match(
      lines.at(-1)!,
      /^ann@127\.0\.0\.1(:\d+)? INBOX: 257 on the server, 252 known to the ledger, 1 that nobody takes, 1 not looked at yet, 3 NEVER SEEN; in the ledger: 5 done, 247 waiting, 0 dead$/,
    );
    const uids = lines
      .slice(0, -1)
      .map((line) => Number(/missing UID (\d+), received 20\S+Z, \d+ octets$/.exec(line)![1]));
    assert.deepEqual(
      uids.sort((a, b) => a - b),
      LOST,
    );
    assert.doesNotMatch(out, /Order|Subject/, 'nothing of a mail is told');
  });

  it('tells programs the same, and nobody more than they have asked for', async () => {
    const { out } = await audit('--json', '--since', '2020-01-01', '--mailbox', 'INBOX');
    const [told, ...more] = out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    assert.equal(more.length, 0);
    assert.deepEqual(
      ['kind', 'mailbox', 'listed', 'known', 'missing', 'notYet', 'recorded'].map((name) => told![name]),
      ['mailbox', 'INBOX', 257, 252, 3, 1, 0],
    );
    const later = await audit('--json', '--since', '2100-01-01');
    assert.deepEqual([later.code, (JSON.parse(later.out) as { listed: number }).listed], [0, 0]);
  });

  it('says what it cannot compare: no such account, mailbox, or anything that the ledger knows of', async () => {
    const mailbox = await audit('--mailbox', 'Nowhere');
    assert.deepEqual(
      [mailbox.code, /No trigger or job .* reads the mailbox "Nowhere" of ann@/.test(mailbox.out)],
      [1, true],
    );
    const account = await audit('--account', 'eve');
    assert.deepEqual([account.code, /has no account "eve". It has ann, bob/.test(account.err)], [2, true]);
    const since = await audit('--since', 'yesterday');
    assert.deepEqual([since.code, /Give a day/.test(since.err)], [2, true]);
  });

  it('records what is missing, and never beside somebody who reads the mailbox', async () => {
    const { ledger, close } = await openPlace({ kind: 'sqlite', file }, silentLog, undefined);
    const [source] = await ledger.sources();
    const leases = new SourceLeases(ledger, silentLog, { holder: 'another-machine:1:collector' });
    const lease = await leases.take(source!.id);
    const beside = await audit('--record');
    assert.deepEqual(
      [beside.code, /Nothing was recorded: .* reads this mailbox/.test(beside.out)],
      [1, true],
      beside.out,
    );
    await lease!.release();
    const recorded = await audit('--record', '--list');
    assert.deepEqual(
      [recorded.code, /3 NEVER SEEN, of which 3 were recorded now/.test(recorded.out)],
      [0, true],
      recorded.out,
    );
    const again = await audit('--record');
    assert.deepEqual(
      [again.code, /255 known to the ledger.*none missing/.test(again.out)],
      [0, true],
      again.out,
    );
    const { events } = await ledger.events({ states: ['PENDING'] }, { limit: 3 });
    assert.deepEqual(
      events.map(({ uid }) => uid).sort((a, b) => a! - b!),
      LOST,
    );
    assert.ok(events.every(({ hasContent }) => hasContent));
    assert.equal((await ledger.sources())[0]!.holder, null, 'the lease was given back');
    await close();
  });
});
