// The built command with Gmail accounts, at a server that speaks Gmail's API, with a real Postgres: mails reach a receiver as they
// came, each under one id, whatever is killed; triggers that leave their account to it; and what it says of logins that cannot work.
import assert from 'node:assert/strict';
import { generateKeyPairSync, randomBytes, randomInt } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { gmailSource } from '../../engine/gmail/mail/source';
import { compileGmailReading } from '../../engine/gmail/read/reading-data';
import type { GmailSubscriber } from '../../engine/gmail/watch/subscriber';
import { openEngine } from '../../engine/instance/engine';
import { settingsFromUrl } from '../../engine/ledger/postgres/settings';
import { buildIfChanged } from '../../tools/build.mjs';
import { Cleanup } from '../support/cleanup';
import { CollectorProcess } from '../support/collector-process';
import { FakeGmail } from '../support/gmail/fake';
import { gmailReadingData } from '../support/gmail-reading';
import { silentLog } from '../support/log';
import { rawMail } from '../support/mails';
import { PostgresServer } from '../support/postgres';
import { until } from '../support/until';
import { type Received, Receiver } from '../support/webhook/receiver';

const SERVICE = 'reader@project.iam.gserviceaccount.com';
const TOPIC = 'projects/p/topics/gmail';

interface Told {
  readonly data: Readonly<Record<string, unknown>> & { readonly content: Readonly<Record<string, string>> };
}

const toldIn = ({ body }: Received): Told => JSON.parse(body.toString()) as Told;
const subjectOf = (received: Received): string => String(toldIn(received).data['subject']);

describe('durable-mail collect, in Gmail accounts', { timeout: 10 * 60_000 }, () => {
  const cleanup = new Cleanup();
  let folder: string;
  let gmail: FakeGmail;
  let postgres: PostgresServer;
  let key: string;
  const secrets: string[] = [];

  before(async () => {
    await buildIfChanged();
    folder = await mkdtemp(join(tmpdir(), 'durable-mail-collect-gmail-'));
    postgres = await cleanup.of(PostgresServer.start({ fsync: false }));
    gmail = await FakeGmail.start();
    gmail.pubsub.settings.pullWaitMs = 500;
    const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    gmail.oauth.addService(SERVICE, publicKey.export({ type: 'spki', format: 'pem' }).toString(), [
      'ann@example.com',
      'left@example.com',
      'told@example.com',
      'well@example.com',
    ]);
    const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    secrets.push(pem.split('\n')[1]!);
    key = join(folder, 'key.json');
    await writeFile(
      key,
      JSON.stringify({ client_email: SERVICE, private_key: pem, token_uri: gmail.tokenUrl }),
    );
  });
  after(async () => {
    await cleanup.run();
    await gmail.close();
    await rm(folder, { recursive: true, force: true });
  });

  const where = (): object => ({ apiBaseUrl: gmail.url, pubsubBaseUrl: gmail.url });
  const byService = (user: string, more: object = {}): object => ({
    ...{ kind: 'gmail', user, serviceAccount: { file: key }, ...where(), ...more },
  });
  const byConsent = (user: string, refreshToken: object): object => ({
    ...{ kind: 'gmail', user, ...where() },
    oauth2: { tokenUrl: gmail.tokenUrl, clientId: 'us', refreshToken },
  });
  const granted = (address: string): string => {
    const grant = gmail.oauth.grant(address);
    secrets.push(grant);
    return grant;
  };

  const start = async (
    config: object,
    environment: Readonly<Record<string, string>>,
    command = 'collect',
  ): Promise<CollectorProcess> => {
    const file = join(folder, `${randomBytes(6).toString('hex')}.json`);
    await writeFile(file, JSON.stringify(config));
    const made = new CollectorProcess([command, '--config', file], environment);
    await cleanup.of(Promise.resolve(made));
    return made;
  };

  const tellsNoSecret = ({ written }: CollectorProcess): void => {
    for (const secret of [...secrets, 'ya29.']) assert.ok(!written.includes(secret), 'a secret is written');
  };

  const jobs = (receiver: Receiver, more: object = {}): object => ({
    all: {
      ...{ accounts: '*', pollSeconds: 5, retries: [1, 1, 1], ...more },
      to: { webhook: { url: receiver.url(), allowOwnNetwork: true, tries: Array<number>(20).fill(1) } },
    },
  });

  it('hands over what the search asks for, as it came, by a service account and by consent', async () => {
    await using receiver = await Receiver.open();
    const [ann, bob] = [gmail.account('ann@example.com'), gmail.account('bob@example.com')];
    const collector = await start(
      {
        accounts: { ann: byService('Ann@example.com'), bob: byConsent('bob@example.com', { env: 'BOB' }) },
        jobs: jobs(receiver, { filters: { search: 'subject:order' } }),
      },
      { DURABLE_MAIL_SQLITE_FILE: join(folder, 'one.sqlite'), BOB: granted('bob@example.com') },
    );
    await collector.line(/\[gmail (ann|bob)@example\.com\] connected/, 2);
    await collector.line(/\[sources\] refreshed: 2 watched, 2 connected/);
    const raw = rawMail({ subject: 'order for ann', text: 'One, please.' });
    ann.deliver(raw);
    ann.deliver(rawMail({ subject: 'No matter' }));
    bob.deliver(rawMail({ subject: 'order for bob' }));
    await until('both came', () => receiver.received.length === 2, 60_000);
    await collector.line(/\[gmail ann@example\.com\] new mail/);
    const told = receiver.received.map(toldIn).find(({ data }) => data['account'] === 'ann@example.com')!;
    assert.equal(Buffer.from(told.data.content['base64']!, 'base64').toString(), raw);
    assert.deepEqual(
      ['job', 'mailbox', 'sender', 'subject'].map((name) => told.data[name]),
      ['all', 'All Mail', 'ann@example.com', 'order for ann'],
    );
    assert.deepEqual(receiver.received.map(subjectOf).toSorted(), ['order for ann', 'order for bob']);
    assert.equal((await collector.end()).code, 0);
    await collector.line(/\] closed/, 2);
    tellsNoSecret(collector);
  });

  it('loses nothing and repeats nothing, killed again and again', async () => {
    await using receiver = await Receiver.open();
    receiver.answering = (response) => {
      if (randomInt(100) < 30) response.writeHead(500).end();
      else response.end();
    };
    const ledger = await postgres.createDatabase('killed_gmail');
    // What was being sent need not wait.
    const lapse = (): Promise<unknown> =>
      postgres.query(
        'killed_gmail',
        'update durable_mail.outgoing set lease_until = 1 where lease_until is not null',
      );
    const environment = {
      ...{ DURABLE_MAIL_POSTGRES_URL: ledger, DURABLE_MAIL_TAKEOVER_SECONDS: '5' },
      KILLED: granted('killed@example.com'),
    };
    const account = gmail.account('killed@example.com');
    const config = {
      accounts: { killed: byConsent('killed@example.com', { env: 'KILLED' }) },
      jobs: jobs(receiver),
    };
    let collector = await start(config, environment);
    await collector.line(/connected/);
    const subjects: string[] = [];
    for (let kills = 0; kills < 4; kills++) {
      for (let mail = 0; mail < 8; mail++) {
        subjects.push(`mail ${kills} ${mail}`);
        account.deliver(rawMail({ subject: subjects.at(-1)! }));
      }
      await new Promise((resolve) => setTimeout(resolve, randomInt(6_000)));
      await collector.end('SIGKILL');
      await lapse();
      collector = await start(config, environment);
    }
    await collector.line(/connected/);
    await until(
      'all arrived',
      () => new Set(receiver.received.map(subjectOf)).size === subjects.length,
      120_000,
      200,
    );
    const ids = new Map<string, Set<string>>();
    for (const one of receiver.received) {
      const known = ids.get(subjectOf(one)) ?? new Set();
      ids.set(subjectOf(one), known.add(String(one.headers['webhook-id'])));
    }
    for (const [subject, { size }] of ids) assert.equal(size, 1, `${subject} has one id`);
    assert.equal((await collector.end()).code, 0);
    tellsNoSecret(collector);
  });

  it('is told of new mail by Pub/Sub, long before it would ask', async () => {
    await using receiver = await Receiver.open();
    const subscription = 'projects/p/subscriptions/told';
    gmail.pubsub.subscribe(subscription, TOPIC);
    const told = gmail.account('told@example.com');
    const accounts = { told: byService('told@example.com', { pubsub: { topic: TOPIC, subscription } }) };
    const collector = await start(
      { accounts, jobs: jobs(receiver, { pollSeconds: 3_600 }) },
      { DURABLE_MAIL_SQLITE_FILE: join(folder, 'told.sqlite') },
    );
    await collector.line(/connected/);
    await until('Gmail is to tell it', () => gmail.pubsub.watched('told@example.com') !== null, 60_000);
    told.deliver(rawMail({ subject: 'told' }));
    await until('it came', () => receiver.received.length === 1, 60_000);
    assert.equal((await collector.end()).code, 0);
    tellsNoSecret(collector);
  });

  it('collects for a trigger that leaves its account to it, which hears when nobody does', async () => {
    process.env['DURABLE_MAIL_TAKEOVER_SECONDS'] = '5';
    const ledger = await postgres.createDatabase();
    const n8n = await openEngine(
      { kind: 'postgres', settings: settingsFromUrl(ledger) },
      { log: silentLog, listens: true },
    );
    const collecting = { accounts: { left: byService('left@example.com') }, forN8n: true };
    const environment = { DURABLE_MAIL_POSTGRES_URL: ledger, DURABLE_MAIL_TAKEOVER_SECONDS: '5' };
    try {
      const source = gmailSource('left@example.com');
      const reading = gmailReadingData({
        ...{ pollMs: 5_000, notifications: { kind: 'push', topic: TOPIC } },
        filter: { ...gmailReadingData().filter, search: 'order' },
      });
      const node = { workflowId: 'w', nodeId: 'n' };
      const subscription = await n8n.ledger.subscribe({
        ...{ ...node, nodeName: 'Gmail', source, reading },
        ...{ retryDelaysMs: [], guarantee: 'atLeastOnce', keepContentMs: 0, retentionMs: 86_400_000 },
        ...{ afterSuccess: null, whenDead: null },
      });
      await n8n.ledger.listensWith(node, [subscription.id]);
      await n8n.served.serve(node);
      const reports: string[] = [];
      let [synced, overs] = [0, 0];
      const subscriber: GmailSubscriber = {
        ...{ subscription, reading: compileGmailReading(reading, () => assert.fail('nothing is pulled')) },
        ...{ outage: { afterMs: 1_000, whenOver: true }, hasActions: false, mostConnections: 1 },
        ...{ joinedAt: Date.now(), readBy: 'elsewhere', begun: () => true, synced: () => (synced += 1) },
        login: () => assert.fail('the account is left to a collector'),
        report: ({ message }) => void reports.push(message),
        warn: ({ message }) => void reports.push(message),
        reportOver: () => (overs += 1),
        moved: () => undefined,
      };
      const leave = n8n.gmail.join(source, subscriber);
      const collector = await start(collecting, environment);
      await collector.line(/\[gmail left@example\.com\] connected/);
      await collector.line(/\[sources\] refreshed: 1 watched, 1 connected/);
      await until('its place is found', () => synced > 0, 60_000);
      const isAnnounced = (): boolean => gmail.pubsub.watched('left@example.com')?.topic === TOPIC;
      await until('Google is asked to announce its mail', isAnnounced, 60_000);
      assert.deepEqual(reports, []);
      gmail.account('left@example.com').deliver(rawMail({ subject: 'order' }));
      gmail.account('left@example.com').deliver(rawMail({ subject: 'No matter' }));
      await until(
        'it is recorded',
        async () => (await n8n.ledger.events({}, { limit: 9 })).events.length > 0,
        60_000,
      );
      const { events } = await n8n.ledger.events({}, { limit: 9 });
      assert.deepEqual(
        events.map(({ subject, state }) => [subject, state]),
        [['order', 'PENDING']],
      );
      assert.equal((await collector.end()).code, 0);
      await until('it hears of it', () => reports.length > 0, 60_000);
      assert.match(
        reports[0]!,
        /^No collector reads the Gmail account left@example\.com, and this trigger is set to/,
      );
      const again = await start(collecting, environment);
      await again.line(/connected/);
      await until('it hears that this is over', () => overs > 0, 60_000);
      assert.equal((await again.end()).code, 0);
      tellsNoSecret(again);
      await leave();
    } finally {
      delete process.env['DURABLE_MAIL_TAKEOVER_SECONDS'];
      await n8n.close();
    }
  });

  it('says what is wrong with a login, and reads nobody else’s mail', async () => {
    await using receiver = await Receiver.open();
    const config = {
      accounts: {
        other: byConsent('other@example.com', { env: 'WRONG' }),
        revoked: byConsent('revoked@example.com', { file: join(folder, 'revoked') }),
        stranger: byService('stranger@example.com'),
        well: byService('well@example.com'),
      },
      jobs: jobs(receiver),
    };
    const environment = {
      ...{ DURABLE_MAIL_SQLITE_FILE: join(folder, 'wrong.sqlite'), WRONG: granted('bob@example.com') },
    };
    await writeFile(join(folder, 'revoked'), '1//never-granted');
    const check = await start(config, environment, 'check');
    assert.equal(await check.exit(), 1);
    const said = (what: RegExp): void => assert.match(check.written, what);
    said(/WRONG {2}account other: .*opens the mail of bob@example\.com, and not of other@example\.com/);
    said(/WRONG {2}account revoked: .*refuses its refresh token \(invalid_grant\)/);
    said(/WRONG {2}account stranger: .*no access for stranger@example\.com/);
    said(/well {3}account well: well@example\.com lets us in, by the Gmail API; it is asked every 5 s/);
    tellsNoSecret(check);
    const collector = await start(config, environment);
    await collector.line(/\[gmail well@example\.com\] connected/);
    await collector.line(/\[gmail other@example\.com\] reconnecting .*opens the mail of bob@example\.com/);
    gmail.account('bob@example.com').deliver(rawMail({ subject: 'not for you' }));
    gmail.account('well@example.com').deliver(rawMail({ subject: 'well' }));
    await until('the one that works goes on', () => receiver.received.length > 0, 60_000);
    await new Promise((resolve) => setTimeout(resolve, 6_000));
    assert.deepEqual(receiver.received.map(subjectOf), ['well']);
    await writeFile(join(folder, 'revoked'), granted('revoked@example.com'));
    const isBack = (): boolean => collector.written.includes('[gmail revoked@example.com] connected');
    await until('it goes on by itself', isBack, 150_000);
    assert.equal((await collector.end()).code, 0);
    tellsNoSecret(collector);
  });
});
