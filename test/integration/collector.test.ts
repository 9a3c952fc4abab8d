// The built command as a process of its own, with a real Dovecot and Postgres: mails reach a receiver as webhooks, each under one
// id, whatever is killed; accounts of a table come and go; it ends when it is told to; and `check` says what is wrong.
import assert from 'node:assert/strict';
import { randomBytes, randomInt } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, describe, it } from 'node:test';
import { Client } from 'pg';
import { Webhook } from 'standardwebhooks';
import { buildIfChanged } from '../../tools/build.mjs';
import { Cleanup } from '../support/cleanup';
import { CollectorProcess } from '../support/collector-process';
import { startCommand } from '../support/command';
import { Dovecot } from '../support/dovecot';
import { rawMail } from '../support/mails';
import { ManyProcess } from '../support/many/many';
import { freePort } from '../support/net';
import { PostgresServer } from '../support/postgres';
import { until } from '../support/until';
import { type Received, Receiver } from '../support/webhook/receiver';

const PASSWORD = 'dovecot-test-password';
const SECRET = `whsec_${randomBytes(32).toString('base64')}`;
const TOKEN = 'token-of-the-receiver';
const SECRETS = [PASSWORD, SECRET, TOKEN, 'postgres%2Ftest%20password'];
/** What is handed over cannot be settled, for a while. */
interface Unsettled {
  readonly begin: () => Promise<unknown>;
  readonly end: () => Promise<unknown>;
  readonly isOver: () => Promise<boolean>;
}

const SOON = { tries: Array<number>(20).fill(1) };

interface Told {
  readonly type: string;
  readonly data: Readonly<Record<string, unknown>> & { readonly content: Readonly<Record<string, string>> };
}

const toldIn = ({ body }: Received): Told => JSON.parse(body.toString()) as Told;
const subjectOf = (received: Received): string => String(toldIn(received).data['subject']);

describe('durable-mail collect', { timeout: 10 * 60_000 }, () => {
  const cleanup = new Cleanup();
  let folder: string;
  let dovecot: Dovecot;
  let postgres: PostgresServer;
  /** What clients have said to Dovecot over the tap. */
  let said = '';
  let tapPort: number;

  before(async () => {
    await buildIfChanged();
    folder = await mkdtemp(join(tmpdir(), 'durable-mail-collect-'));
    [dovecot, postgres] = await Promise.all([
      cleanup.of(Dovecot.start()),
      cleanup.of(PostgresServer.start({ fsync: false })),
    ]);
    const tap = createServer((client) => {
      const server = connect(dovecot.port, '127.0.0.1');
      client.on('data', (data) => (said += data.toString('latin1')));
      client.pipe(server).pipe(client);
      for (const socket of [client, server]) socket.on('error', () => undefined);
    });
    tap.listen(0, '127.0.0.1');
    await once(tap, 'listening');
    tapPort = (tap.address() as AddressInfo).port;
    await cleanup.of(Promise.resolve({ dispose: async () => void tap.close() }));
  });
  after(async () => {
    await cleanup.run();
    await rm(folder, { recursive: true, force: true });
  });

  const account = (user: string, port = dovecot.port): object => ({
    ...{
      host: '127.0.0.1',
      port,
      user,
      password: { env: 'MAIL_PASSWORD' },
      secure: false,
      startTls: 'ifOffered',
    },
  });

  const webhook = (url: string, more: object = {}): object => ({
    webhook: { ...{ url, secret: { env: 'HOOK_SECRET' }, allowOwnNetwork: true }, ...SOON, ...more },
  });

  const start = async (
    config: object,
    environment: Readonly<Record<string, string>>,
    command = 'collect',
  ) => {
    const file = join(folder, `${randomBytes(6).toString('hex')}.json`);
    await writeFile(file, JSON.stringify(config));
    const secrets = { MAIL_PASSWORD: PASSWORD, HOOK_SECRET: SECRET, HOOK_TOKEN: TOKEN };
    const made = new CollectorProcess([command, '--config', file], { ...secrets, ...environment });
    await cleanup.of(Promise.resolve(made));
    return Object.assign(made, { file });
  };

  const tellsNoSecret = (collector: CollectorProcess): void => {
    for (const secret of SECRETS) assert.ok(!collector.written.includes(secret), 'a secret is written');
  };

  it('collects for triggers of n8n that leave it to a collector, until it ends', async () => {
    const users = ['left-1', 'left-2', 'left-3'];
    for (const user of users) await (await dovecot.client(user)).logout();
    const ledger = await postgres.createDatabase('left');
    const logins = users.map((user) => dovecot.login(user));
    const way = { from: dovecot.port, to: dovecot.port };
    const n8n = new ManyProcess({ name: 'n8n', kind: 'trigger', readBy: 'elsewhere', ledger, logins, way });
    try {
      await until('the triggers listen', () => n8n.of('started').length > 0, 60_000);
      const [inTable, ...inFile] = users as [string, ...string[]];
      const accounts = Object.fromEntries(inFile.map((user) => [user, account(user)]));
      await postgres.query('left', 'create table accounts (name text, account jsonb, job jsonb)');
      const accountsFrom = { postgres: { url: { env: 'DURABLE_MAIL_POSTGRES_URL' }, table: 'accounts' } };
      const collector = await start(
        { accounts, accountsFrom, forN8n: true },
        { DURABLE_MAIL_POSTGRES_URL: ledger },
      );
      await collector.line(/\[sources\] refreshed: 2 watched, 2 connected/);
      await postgres.query('left', 'insert into accounts values ($1, $2, null)', [
        ...[inTable, JSON.stringify(account(inTable))],
      ]);
      collector.signal('SIGHUP');
      await collector.line(/\[sources\] refreshed: 3 watched, 3 connected/);
      await until('their place is found', () => new Set(n8n.of('synced')).size === users.length, 60_000);
      for (const user of users)
        await dovecot.append(
          user,
          [1, 2].map((number) => rawMail({ subject: `${user} ${number}` })),
        );
      await until('all ran', () => n8n.of('ran').length >= 6, 60_000);
      assert.equal(new Set(n8n.of('ran')).size, 6);
      await collector.line(/\[imap left-3@127\.0\.0\.1:\d+ INBOX\] new mail/);
      assert.equal((await collector.end()).code, 0);
      await collector.line(/\] closed/, users.length);
      assert.equal(n8n.of('ran').length, 6, 'each once');
      tellsNoSecret(collector);
    } finally {
      await n8n.end('SIGKILL');
    }
  });

  it('collects for a trigger by the login as the configuration has it now', async () => {
    const user = 'left-5';
    await (await dovecot.client(user)).logout();
    const ledger = await postgres.createDatabase();
    const task = { ledger, logins: [dovecot.login(user)], way: { from: dovecot.port, to: dovecot.port } };
    const n8n = new ManyProcess({ ...{ name: 'n8n', kind: 'trigger', readBy: 'elsewhere' }, ...task });
    try {
      await until('the trigger listens', () => n8n.of('started').length > 0, 60_000);
      const config = (password: object): object => ({
        accounts: { [user]: { ...account(user), password } },
        forN8n: true,
      });
      const environment = { DURABLE_MAIL_POSTGRES_URL: ledger, OLD_PASSWORD: 'not-this-one' };
      const collector = await start(config({ env: 'OLD_PASSWORD' }), environment);
      await collector.line(/\[imap left-5@127\.0\.0\.1:\d+ INBOX\] reconnecting .*\(attempt 1\)/);
      await writeFile(collector.file, JSON.stringify(config({ env: 'MAIL_PASSWORD' })));
      collector.signal('SIGHUP');
      await collector.line(/\[imap left-5@127\.0\.0\.1:\d+ INBOX\] connected/);
      assert.equal((await collector.end()).code, 0);
    } finally {
      await n8n.end('SIGKILL');
    }
  });

  it('tells a trigger that leaves it to a collector what its mail server refuses it, once', async () => {
    const user = 'left-4';
    await (await dovecot.client(user)).logout();
    const ledger = await postgres.createDatabase();
    const way = { from: dovecot.port, to: dovecot.port };
    const n8n = new ManyProcess({
      ...{ name: 'n8n', kind: 'trigger', readBy: 'elsewhere', ledger, logins: [dovecot.login(user)], way },
      rules: '["X-GM-RAW", "has:attachment"]',
    });
    try {
      await until('the trigger listens', () => n8n.of('started').length > 0, 60_000);
      const accounts = { [user]: account(user) };
      const collector = await start({ accounts, forN8n: true }, { DURABLE_MAIL_POSTGRES_URL: ledger });
      await until('its place is found', () => n8n.of('synced').length > 0, 60_000);
      await dovecot.append(user, [rawMail({ subject: 'one' })]);
      await until('it is told', () => n8n.of('warn').length > 0, 60_000);
      await collector.line(/which listens in another process: The email rules for the mailbox/);
      // Of several looks each would find it again.
      await new Promise((resolve) => setTimeout(resolve, 12_000));
      assert.equal(n8n.of('warn').length, 1);
      assert.match(
        String(n8n.of('warn')[0]),
        /^The email rules for the mailbox "INBOX" of left-4@.* cannot be used, so no mail of it runs: .*only Gmail knows/,
      );
      assert.equal((await collector.end()).code, 0);
    } finally {
      await n8n.end('SIGKILL');
    }
  });

  it('tells a trigger that a newer version has published that it cannot be read for, and reads for another one', async () => {
    const user = 'left-6';
    await (await dovecot.client(user)).logout();
    const ledger = await postgres.createDatabase();
    const way = { from: dovecot.port, to: dovecot.port };
    const task = {
      kind: 'trigger',
      readBy: 'elsewhere',
      ledger,
      logins: [dovecot.login(user)],
      way,
    } as const;
    const [n8n, newer] = [
      new ManyProcess({ name: 'n8n', ...task }),
      new ManyProcess({ name: 'newer', ...task }),
    ];
    try {
      for (const one of [n8n, newer]) await until('it listens', () => one.of('started').length > 0, 60_000);
      const client = new Client({ connectionString: ledger });
      await client.connect();
      await client.query(
        `update durable_mail.subscription set reading = jsonb_set(reading::jsonb, '{v}', '99')::text where workflow_id = 'newer'`,
      );
      await client.end();
      const accounts = { [user]: account(user) };
      const collector = await start({ accounts, forN8n: true }, { DURABLE_MAIL_POSTGRES_URL: ledger });
      await until('the one is read for', () => n8n.of('synced').length > 0, 60_000);
      await until('the other hears of it', () => newer.of('warn').length > 0, 60_000);
      assert.match(
        String(newer.of('warn')[0]),
        /^The process that reads the mailbox "INBOX" of left-6@.* cannot do so for this trigger, so no new mail of it runs\. It says: .*newer version/,
      );
      assert.deepEqual(n8n.of('warn'), []);
      assert.equal((await collector.end()).code, 0);
    } finally {
      await Promise.all([n8n.end('SIGKILL'), newer.end('SIGKILL')]);
    }
  });

  it('hands a mail over, signed, inline or by reference, and ends within 5 s with DONE and LOGOUT', async () => {
    await using receiver = await Receiver.open();
    const port = await freePort();
    const collector = await start(
      {
        accounts: { ann: account('ann@example.com', tapPort) },
        jobs: {
          orders: {
            ...{ accounts: '*', filters: { subject: 'Order' } },
            to: webhook(receiver.url(), {
              content: { inlineUpToBytes: 2_000 },
              auth: { header: { name: 'x-token', value: { env: 'HOOK_TOKEN' } } },
            }),
          },
        },
        http: { port, publicUrl: `http://127.0.0.1:${port}/`, tokens: { read: { env: 'HOOK_TOKEN' } } },
      },
      { DURABLE_MAIL_SQLITE_FILE: join(folder, 'one.sqlite') },
    );
    await collector.line(/\[imap ann@example\.com INBOX\] connected/);
    await collector.line(/\[sources\] refreshed: 1 watched, 1 connected/);
    await until('it waits for news', () => said.includes('IDLE'));
    const large = 'A long order. '.repeat(400);
    const mails = [
      rawMail({ subject: 'Order 1', text: 'One, please.' }),
      rawMail({ subject: 'No matter' }),
      rawMail({ subject: '=?utf-8?q?Order_2=2C_gr=C3=B6=C3=9Fer?=', text: large }),
    ];
    await dovecot.append('ann@example.com', mails);
    await until('both came', () => receiver.received.length === 2);
    await collector.line(/\[imap ann@example\.com INBOX\] new mail/);
    const [small, big] = receiver.received.toSorted((one, other) =>
      subjectOf(one) < subjectOf(other) ? -1 : 1,
    ) as [Received, Received];
    new Webhook(SECRET).verify(small.body.toString(), small.headers as Record<string, string>);
    assert.equal(small.headers['x-token'], TOKEN);
    const told = toldIn(small);
    assert.equal(told.type, 'email.received');
    assert.deepEqual(
      ['job', 'mailbox', 'sender', 'to', 'subject'].map((name) => told.data[name]),
      ['orders', 'INBOX', 'ann@example.com', '"Bob Receiver" <bob@example.com>', 'Order 1'],
    );
    assert.equal(Buffer.from(told.data.content['base64']!, 'base64').toString(), mails[0]);
    assert.equal(toldIn(big).data['subject'], 'Order 2, größer');
    const { url } = toldIn(big).data.content;
    assert.equal((await fetch(url!)).status, 401);
    const fetched = await fetch(url!, { headers: { authorization: `Bearer ${TOKEN}` } });
    assert.deepEqual([fetched.status, await fetched.text()], [200, mails[2]]);
    assert.ok(!(await readFile(`/proc/${collector.pid}/cmdline`, 'utf8')).includes(PASSWORD));
    await until('it waits for news again', () => /IDLE\r\n$/.test(said));
    const { code, ms } = await collector.end();
    assert.deepEqual([code, ms < 5_000], [0, true]);
    assert.match(said.slice(said.lastIndexOf('IDLE')), /^IDLE\r\nDONE\r\n\S+ LOGOUT\r\n$/);
    assert.match(collector.written, /Ended: every connection is closed/);
    tellsNoSecret(collector);
  });

  it('ends in good order where npx, which started it, its shell and itself are told at once', async () => {
    // The answer to LOGOUT takes longer than it takes to see that the shell is gone.
    const slow = createServer((client) => {
      const server = connect(dovecot.port, '127.0.0.1');
      let heldMs = 0;
      client.on('data', (data) => {
        if (data.toString('latin1').includes('LOGOUT')) heldMs = 1_500;
        server.write(data);
      });
      server.on('data', (data) => setTimeout(() => client.write(data), heldMs));
      for (const socket of [client, server]) socket.on('error', () => undefined);
    });
    slow.listen(0, '127.0.0.1');
    await once(slow, 'listening');
    const { port } = slow.address() as AddressInfo;
    const file = join(folder, 'by-npx.json');
    const jobs = { all: { accounts: '*', to: webhook('http://127.0.0.1:9/') } };
    await writeFile(file, JSON.stringify({ accounts: { ann: account('by-npx', port) }, jobs }));
    const environment = { DURABLE_MAIL_SQLITE_FILE: join(folder, 'by-npx.sqlite'), MAIL_PASSWORD: PASSWORD };
    const collector = startCommand(
      ['collect', '--config', file],
      { ...environment, HOOK_SECRET: SECRET },
      'npx',
    );
    try {
      await collector.says(/\[imap by-npx@127\.0\.0\.1:\d+ INBOX\] connected/);
    } finally {
      collector.endAll();
    }
    await collector.says(/Ended: every connection is closed/);
    slow.close();
  });

  /** Half of the answers are faults. */
  const faulty = (receiver: Receiver): void => {
    receiver.answering = (response, _received, socket) => {
      const dice = randomInt(100);
      if (dice < 20) response.writeHead(500).end();
      else if (dice < 35) socket.destroy();
      else if (dice < 50) setTimeout(() => response.end(), randomInt(1_500));
      else response.end();
    };
  };

  /** Mails come while it is killed, again and again. */
  const killed = async (
    users: readonly string[],
    environment: Readonly<Record<string, string>>,
    lapseAll: () => Promise<unknown>,
    unsettled?: Unsettled,
  ): Promise<void> => {
    await using receiver = await Receiver.open();
    faulty(receiver);
    const accounts = Object.fromEntries(users.map((user) => [user, account(user)]));
    const config = {
      accounts,
      jobs: { all: { accounts: '*', retries: [1, 1, 1], to: webhook(receiver.url()) } },
    };
    const subjects = new Set<string>();
    let collector = await start(config, environment);
    await collector.line(/\] connected/, users.length);
    await until('all are placed', async () => {
      for (const user of users) await dovecot.append(user, [rawMail({ subject: `first ${user}` })]);
      return new Set(receiver.received.map(subjectOf)).size === users.length;
    });
    if (unsettled) {
      await unsettled.begin();
      await dovecot.append(users[0]!, [rawMail({ subject: 'not settled' })]);
      subjects.add('not settled');
      await until('it is sent', () => receiver.received.some((one) => subjectOf(one) === 'not settled'));
      await collector.end('SIGKILL');
      await Promise.all([unsettled.end(), lapseAll()]);
      collector = await start(config, environment);
    }
    for (let kills = 0; kills < 4; kills++) {
      const mails = users.flatMap((user) =>
        Array.from({ length: 5 }, (_, n) => ({ user, subject: `${user} ${kills} ${n}` })),
      );
      for (const { subject } of mails) subjects.add(subject);
      const appending = Promise.all(
        users.map((user) =>
          dovecot.append(
            user,
            mails.filter((mail) => mail.user === user).map(({ subject }) => rawMail({ subject })),
          ),
        ),
      );
      await new Promise((resolve) => setTimeout(resolve, randomInt(1_500)));
      await collector.end('SIGKILL');
      tellsNoSecret(collector);
      await lapseAll();
      collector = await start(config, environment);
      await appending;
    }
    const missing = (): string[] => {
      const got = new Set(receiver.received.map(subjectOf));
      return [...subjects].filter((subject) => !got.has(subject));
    };
    await until('every mail arrived', () => missing().length === 0, 180_000, 500).catch((error: unknown) => {
      throw new Error(`${(error as Error).message}: ${missing().join(', ')}\n${collector.written}`);
    });
    if (unsettled) await until('all is settled', unsettled.isOver, 120_000, 500);
    const ids = new Map<string, Set<string>>();
    for (const received of receiver.received)
      ids.set(
        subjectOf(received),
        (ids.get(subjectOf(received)) ?? new Set()).add(String(received.headers['webhook-id'])),
      );
    const doubled = [...subjects].filter((subject) => ids.get(subject)!.size !== 1);
    assert.deepEqual(doubled, [], 'a mail came under more than one id');
    // All may have arrived before the last kill: then it was started just now.
    await collector.line(/\] connected/, users.length);
    const { code } = await collector.end();
    assert.equal(code, 0);
  };

  it('is killed again and again over SQLite: every mail arrives, each under one id', async () => {
    const file = join(folder, 'killed.sqlite');
    await killed(['dora'], { DURABLE_MAIL_SQLITE_FILE: file }, async () => {
      const database = new DatabaseSync(file);
      database.exec('update outgoing set lease_until = 1 where lease_until is not null');
      database.close();
    });
  });

  it('is killed again and again over Postgres, once right before it settles: every mail arrives, each under one id', async () => {
    const url = await postgres.createDatabase('killed');
    const sql = (text: string): Promise<unknown[]> => postgres.query('killed', text);
    await killed(
      ['emil', 'fay', 'gus'],
      { DURABLE_MAIL_POSTGRES_URL: url },
      () => sql('update durable_mail.outgoing set lease_until = 1 where lease_until is not null'),
      {
        begin: async () => {
          await sql(`create function refuse() returns trigger language plpgsql as
            $$ begin raise exception 'not settled now'; end $$`);
          await sql(`create trigger refuse before update on durable_mail.event for each row
            when (old.state = 'RUNNING' and new.state = 'DONE') execute function refuse()`);
        },
        end: () => sql('drop trigger refuse on durable_mail.event'),
        isOver: async () =>
          (await sql("select 1 from durable_mail.event where state <> 'DONE'")).length === 0,
      },
    );
  });

  it('connects accounts that come into the table, closes those that go, and passes over a row that is wrong', async () => {
    await using receiver = await Receiver.open();
    const url = await postgres.createDatabase('table');
    await postgres.query('table', 'create table accounts (name text, account jsonb, job jsonb, note text)');
    const put = (name: string, settings: object, job: object | null = null): Promise<unknown> =>
      postgres.query('table', 'insert into accounts values ($1, $2, $3, $4)', [
        ...[name, JSON.stringify(settings), job && JSON.stringify(job), 'theirs'],
      ]);
    await put('hal', { ...account('hal'), password: { value: PASSWORD } });
    await put('wrong', { hots: '127.0.0.1', user: 'wrong', password: { value: 'secret-of-a-row' } });
    const collector = await start(
      {
        accountsFrom: {
          postgres: { url: { env: 'TABLE_URL' }, table: 'accounts', listen: 'accounts_changed' },
        },
        jobs: { all: { accounts: '*', to: webhook(receiver.url('127.0.0.1', '/all')) } },
      },
      { TABLE_URL: url, DURABLE_MAIL_POSTGRES_URL: url },
    );
    const changed = (): Promise<unknown> => postgres.query('table', 'notify accounts_changed');
    await collector.line(/\[imap hal@127\.0\.0\.1:\d+ INBOX\] connected/);
    await collector.line(/Row 2 of the table \(wrong\) cannot be used: .*has "hots".*is "host" meant\?/);
    await put(
      'ida',
      { ...account('ida'), password: { value: PASSWORD } },
      { to: webhook(receiver.url('127.0.0.1', '/own')) },
    );
    await changed();
    await collector.line(/\[imap ida@127\.0\.0\.1:\d+ INBOX\] connected/);
    await until('both jobs have it', async () => {
      await dovecot.append('ida', [rawMail({ subject: 'for both' })]);
      return new Set(receiver.received.map(({ path }) => path)).size === 2;
    });
    await postgres.query('table', "delete from accounts where name = 'hal'");
    await changed();
    await collector.line(/\[imap hal@127\.0\.0\.1:\d+ INBOX\] closed/);
    await put('hal', { ...account('hal'), password: { value: PASSWORD } });
    collector.signal('SIGHUP');
    await collector.line(/\[imap hal@127\.0\.0\.1:\d+ INBOX\] connected/, 2);
    await dovecot.append('hal', [rawMail({ subject: 'again' })]);
    await until('it is handed over', () => receiver.received.some((one) => subjectOf(one) === 'again'));
    assert.equal((await collector.end()).code, 0);
    assert.ok(!collector.written.includes('secret-of-a-row'));
    tellsNoSecret(collector);
  });

  it('check says what is well and what is wrong, and its exit code tells', async () => {
    const to = webhook('https://no-such-name.invalid/hook');
    const environment = { DURABLE_MAIL_SQLITE_FILE: join(folder, 'check.sqlite') };
    const jobs = {
      here: { accounts: 'joe', to: webhook('http://127.0.0.1:9/hook') },
      there: { accounts: 'joe', mailboxes: ['Orders'], to },
    };
    const accounts = { joe: account('joe'), kim: { ...account('kim'), password: { env: 'OTHER' } } };
    const wrong = await start({ accounts, jobs }, { ...environment, OTHER: 'not-the-password' }, 'check');
    assert.equal(await wrong.exit(), 1, wrong.written);
    assert.match(wrong.written, /WRONG {2}account joe: .*"Orders" of the job there is not there.*INBOX/);
    assert.match(wrong.written, /WRONG {2}account kim: /);
    assert.match(wrong.written, /WRONG {2}job there: the name no-such-name\.invalid has no address/);
    assert.match(wrong.written, /well {3}job here: /);
    assert.match(wrong.written, /well {3}ledger: SQLite file/);
    assert.match(wrong.written, /3 things are wrong/);
    const well = await start(
      { accounts: { joe: account('joe') }, jobs: { here: jobs.here } },
      environment,
      'check',
    );
    assert.equal(await well.exit(), 0, well.written);
    for (const each of [wrong, well]) tellsNoSecret(each);
    assert.ok(!wrong.written.includes('not-the-password'));
  });

  it('check logs in to accounts of the table that no job has, too: they are for n8n', async () => {
    const url = await postgres.createDatabase('check');
    await postgres.query('check', 'create table accounts (name text, account jsonb)');
    for (const [name, password] of [
      ['joe', PASSWORD],
      ['kim', 'not-the-password'],
    ] as const)
      await postgres.query('check', 'insert into accounts values ($1, $2)', [
        ...[name, JSON.stringify({ ...account(name), password: { value: password } })],
      ]);
    const accountsFrom = { postgres: { url: { env: 'TABLE_URL' }, table: 'accounts' } };
    const environment = { TABLE_URL: url, DURABLE_MAIL_POSTGRES_URL: url };
    const checked = await start({ accountsFrom, forN8n: true }, environment, 'check');
    assert.equal(await checked.exit(), 1, checked.written);
    assert.match(checked.written, /well {3}account joe: .*no job watches it/);
    assert.match(checked.written, /WRONG {2}account kim: /);
    assert.ok(!checked.written.includes('not-the-password'));
    tellsNoSecret(checked);
  });
});
