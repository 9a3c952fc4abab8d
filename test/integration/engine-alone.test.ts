// The engine as a program uses it that has never heard of n8n: a mail of a real Dovecot reaches a function, and what that
// function does settles it; and it collects for a trigger of whose settings it knows nothing but what the ledger has.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Dispatcher } from '../../engine/delivery/dispatcher';
import { RunSlots } from '../../engine/delivery/run-slots';
import type { Runs } from '../../engine/delivery/runs';
import { type Engine, openEngine } from '../../engine/instance/engine';
import type { ImapReadingData } from '../../engine/imap/read/reading-data';
import { rulesFromJson } from '../../engine/imap/rules/criteria';
import { accountName, type ImapLogin } from '../../engine/imap/session/login';
import { Roster, type RosterPorts, type RosterSettings } from '../../engine/imap/watch/roster';
import type { ImapSubscriber } from '../../engine/imap/watch/subscriber';
import { unpackContent } from '../../engine/ledger/content';
import type { Entry } from '../../engine/ledger/outbox';
import type { OfferedRun } from '../../engine/ledger/offers';
import type { Ended } from '../../engine/ledger/runs';
import type { SubscriptionSettings } from '../../engine/ledger/subscriptions';
import { splitMail } from '../../engine/mail/headers';
import { BOUNCED_ID, exchangeOnline, ORIGINAL, POSTFIX_STATUS, report } from '../support/bounces';
import { Dovecot } from '../support/dovecot';
import { silentLog } from '../support/log';
import { rawMail } from '../support/mails';
import { queued, tried } from '../support/outbox-entries';
import { readingDataOf, readingOf } from '../support/reading';
import { until } from '../support/until';

const ROOT = join(__dirname, '..', '..');
const SETTINGS: SubscriptionSettings = {
  ...{ retryDelaysMs: [1], guarantee: 'atLeastOnce', keepContentMs: 60_000, retentionMs: 86_400_000 },
  ...{ afterSuccess: null, whenDead: null },
};
const DELIVERY = { mostRuns: 2, mailsPerRun: 1, mostQueuedMs: 60_000 };

interface Received {
  readonly event: string;
  readonly attempt: number;
  readonly body: string;
}

describe('The engine without n8n', { timeout: 120_000 }, () => {
  let folder: string;
  let file: string;
  let dovecot: Dovecot;
  let engine: Engine;
  /** What people would be told of, beside mails that are set aside. */
  const faults: unknown[] = [];

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'durable-mail-alone-'));
    dovecot = await Dovecot.start();
    file = join(folder, 'ledger.sqlite');
    engine = await openEngine({ kind: 'sqlite', file }, { log: silentLog, listens: true });
    await engine.own();
  });
  after(async () => {
    await engine.close();
    await dovecot.dispose();
    await rm(folder, { recursive: true, force: true });
  });

  /** Calls the function with each mail of the run; its run ends well if nothing is thrown. */
  const runWith = async (
    runs: Runs,
    { id, pointers }: OfferedRun,
    receive: (mail: Received) => void,
  ): Promise<void> => {
    const claims = await runs.begin(pointers, id);
    const contents = await engine.ledger.contents(claims.map(({ event }) => event));
    try {
      for (const { event, attempt } of claims) {
        const raw = await unpackContent(contents.get(event)!);
        receive({ event, attempt, body: splitMail(raw).body.toString().trim() });
      }
      await runs.end(id, { kind: 'success' });
    } catch (error) {
      await runs.end(id, { kind: 'failure', error: (error as Error).message });
    }
  };

  /** Whoever listens to a mailbox, but for what it takes there. */
  const listener = (
    login: ImapLogin,
    synced: () => void,
  ): Omit<ImapSubscriber, 'subscription' | 'reading'> => ({
    ...{ login: () => Promise.resolve(login), mostConnections: login.mostConnections, hasActions: false },
    ...{ outage: { afterMs: null, whenOver: false }, joinedAt: Date.now(), begun: () => true, synced },
    report: (fault) => faults.push(fault),
    warn: (fault) => faults.push(fault),
    reportOver: () => undefined,
    moved: () => undefined,
  });

  /** Collects by a reading, until it is stopped. Resolves when the mailboxes are read from here on. */
  const collect = async (
    { ledger, imap }: Engine,
    settings: Omit<RosterSettings, 'account' | 'login' | 'listEveryMs'>,
    user: string,
    mailboxes: readonly string[],
  ): Promise<Roster> => {
    const login = dovecot.login(user);
    const placed = new Set<string>();
    const ports: RosterPorts = {
      ...{ ledger, registry: imap, log: silentLog, changed: () => undefined, listed: () => undefined },
      ...{ failed: (fault) => faults.push(fault), moved: () => assert.fail('the login is the same') },
      subscriber: (subscription, reading, { mailbox }) => ({
        ...listener(login, () => void placed.add(mailbox)),
        ...{ subscription, reading },
      }),
    };
    const account = accountName(login);
    const roster = new Roster(
      { ...settings, account, login: () => Promise.resolve(login), listEveryMs: 300 },
      ports,
    );
    await roster.start();
    await until('all are read from here on', () => mailboxes.every((mailbox) => placed.has(mailbox)));
    return roster;
  };

  /** Listens to the user's INBOX. @param ended gets the events that are given up */
  const listen = async (
    user: string,
    receive: (mail: Received) => void,
    { retryDelaysMs = [1], ended = [] }: { retryDelaysMs?: number[]; ended?: Ended[] } = {},
  ): Promise<{ stop: () => Promise<unknown> }> => {
    const login = dovecot.login(user);
    const source = { kind: 'imap', account: accountName(login), mailbox: 'INBOX' } as const;
    const subscription = await engine.ledger.subscribe({
      ...{ workflowId: user, nodeId: 'a function', source },
      ...{ ...SETTINGS, retryDelaysMs },
    });
    let isPlaced = false;
    const leave = engine.imap.join(source, {
      ...listener(login, () => void (isPlaced = true)),
      ...{ subscription, reading: readingOf() },
    });
    const dispatcher: Dispatcher = engine.deliver(DELIVERY, {
      slots: new RunSlots(Infinity),
      emit: async (run) => {
        await runWith(engine.runs, run, receive);
        return undefined;
      },
      report: (event) => ended.push(event),
      reportUnclaimed: (error) => faults.push(error),
    });
    dispatcher.serve([subscription.id]);
    await until('it is read from here on', () => isPlaced);
    return { stop: () => Promise.all([dispatcher.stop(), leave()]) };
  };

  const state = async (event: string): Promise<string | undefined> =>
    (await engine.ledger.event(event))?.state;

  it('hands a mail to a function, and the mail is DONE when that returns', async () => {
    const received: Received[] = [];
    const { stop } = await listen('ann', (mail) => received.push(mail));
    await dovecot.append('ann', [rawMail({ subject: 'one', text: 'Hello, function' })]);
    await until('it is received', () => received.length > 0);
    const [mail] = received as [Received];
    assert.deepEqual([mail.body, mail.attempt], ['Hello, function', 1]);
    await until('it is DONE', async () => (await state(mail.event)) === 'DONE');
    await stop();
    assert.equal(received.length, 1);
  });

  it('hands it out again when the function throws: RETRY, then DONE', async () => {
    const received: Received[] = [];
    const states: (string | undefined)[] = [];
    const { stop } = await listen(
      'bob',
      (mail) => {
        received.push(mail);
        if (mail.attempt === 1) throw new Error('Not now.');
      },
      { retryDelaysMs: [2_000] },
    );
    await dovecot.append('bob', [rawMail({ subject: 'two' })]);
    await until('it was tried', () => received.length > 0);
    const { event } = received[0]!;
    await until('it waits for its next try', async () => {
      states.push(await state(event));
      return states.at(-1) === 'RETRY';
    });
    assert.equal((await engine.ledger.event(event))?.lastError, 'Not now.');
    await until('it is DONE', async () => (await state(event)) === 'DONE');
    await stop();
    assert.deepEqual(
      received.map(({ attempt }) => attempt),
      [1, 2],
    );
  });

  it('sets it aside when its tries are used up, and says so', async () => {
    const ended: Ended[] = [];
    const { stop } = await listen(
      'carol',
      () => {
        throw new Error('Never.');
      },
      { retryDelaysMs: [], ended },
    );
    await dovecot.append('carol', [rawMail({ subject: 'three' })]);
    await until('a person is told', () => ended.length > 0);
    assert.deepEqual([ended[0]!.state, ended[0]!.lastError, ended[0]!.subject], ['DEAD', 'Never.', 'three']);
    await stop();
  });

  it('knows what came back by the reports that its mailboxes get, a large one too, each once', async () => {
    const small = '<small@shop.example>';
    const [entry, other, kept] = await Promise.all(
      [small, BOUNCED_ID, '<kept@shop.example>'].map(async (messageId) => {
        const [one] = await queued(engine.ledger, 1, { messageId });
        await tried(engine.ledger, [one!.id], { became: 'SENT', answer: '250 taken' });
        return one!.id;
      }),
    );
    const { newest } = await engine.ledger.changePositions();
    const listening = [await listen('frank', () => undefined), await listen('gina', () => undefined)];
    const quoted = Buffer.from(rawMail({ subject: 'Undelivered?', text: `Message-ID: <kept@shop.example>` }));
    const returned = [...ORIGINAL, '', ...Array<string>(80_000).fill('A large order. '.repeat(5))];
    const large = report({ status: POSTFIX_STATUS, original: { type: 'message/rfc822', body: returned } });
    const same = Buffer.from(exchangeOnline().toString('latin1').replaceAll(BOUNCED_ID, small), 'latin1');
    for (const user of ['frank', 'gina']) await dovecot.append(user, [quoted, same, large]);
    const found = async (): Promise<readonly Entry[]> =>
      engine.ledger.entriesOf({ ids: [entry!, other!, kept!] });
    await until(
      'both came back',
      async () => (await found()).filter(({ state }) => state === 'BOUNCED').length === 2,
    );
    await until(
      'all are run',
      async () =>
        (await engine.ledger.events({ states: ['DONE'] }, { limit: 100 })).events.filter(({ workflowId }) =>
          ['frank', 'gina'].includes(workflowId),
        ).length === 6,
    );
    await Promise.all(listening.map(({ stop }) => stop()));
    const byId = new Map((await found()).map((one) => [one.id, one]));
    assert.match(byId.get(entry!)!.lastError!, /^It came back from bob@example\.org \(5\.1\.10: 550/);
    assert.equal(byId.get(kept!)!.state, 'SENT');
    const page = await engine.ledger.changes(newest, 1_000);
    assert.ok(page !== 'reset');
    const told = page.changes
      .filter(({ type }) => type === 'outbox.bounced')
      .map(({ details }) => details['entry']);
    assert.deepEqual(told.sort(), [entry!, other!].sort());
  });

  it('collects by what it reads in the ledger, and takes exactly what the trigger itself would', async () => {
    const from = (sender: string, subject: string): Buffer =>
      Buffer.from(rawMail({ subject }).replace('"Ann Sender" <ann@example.com>', sender));
    const reading = readingDataOf({
      mailboxes: { kind: 'pattern', pattern: 'Orders*' },
      filter: { from: '/@shop\\.example>$/i', subject: 'order' },
      rules: rulesFromJson('["UNSEEN", ["SINCE", "2001-01-01"]]'),
    });
    const [own, other] = ['dave', 'erin'] as const;
    const trigger = (user: string): Promise<Roster> => {
      const node = { workflowId: user, nodeId: 'a trigger', nodeName: 'Orders' };
      return collect(engine, { ...node, subscription: SETTINGS, reading }, user, ['Orders.2025']);
    };
    for (const user of [own, other]) {
      const client = await dovecot.client(user);
      for (const mailbox of ['Orders.2025', 'Support']) await client.mailboxCreate(mailbox);
      await client.logout();
    }
    const itself = await trigger(own);
    // The other one's trigger leaves it to a second engine.
    await (await trigger(other)).stop();
    const second = await openEngine({ kind: 'sqlite', file }, { log: silentLog, listens: false });
    const account = accountName(dovecot.login(other));
    const [known, ...more] = await second.ledger.readings({ kind: 'imap', account });
    assert.deepEqual([known?.source.mailbox, known?.placed, more], ['Orders.2025', true, []]);
    const { workflowId, nodeId, settings: subscription } = known!;
    const stored = known!.reading as ImapReadingData;
    const elsewhere = await collect(second, { workflowId, nodeId, subscription, reading: stored }, other, [
      'Orders.2025',
    ]);
    for (const user of [own, other]) {
      const client = await dovecot.client(user);
      const shop = (subject: string): Buffer => from('"Shop" <Mail@SHOP.example>', subject);
      await client.append('Orders.2025', shop('Order 1'));
      await client.append('Orders.2025', from('<ann@shop.example.org>', 'Order 2'));
      await client.append('Orders.2025', shop('Offer 3'));
      await client.append('Orders.2025', shop('Order 4, read'), ['\\Seen']);
      await client.append('Support', shop('Order 5'));
      await client.append('INBOX', shop('Order 6'));
      await client.mailboxCreate('Orders.2026');
      await client.append('Orders.2026', shop('Order 7, of a mailbox that was made later'));
      await client.append('Orders.2026', from('<bob@example.com>', 'Order 8'));
      for (const mailbox of ['Orders.2025', 'Orders.2026']) await client.append(mailbox, shop('Last order'));
      await client.logout();
    }
    const taken = async (workflowId: string): Promise<string[]> => {
      const { events } = await engine.ledger.events({ workflowId }, { limit: 100 });
      return events.map(({ mailbox, subject }) => `${mailbox}: ${subject}`).sort();
    };
    const lasts = (mails: readonly string[]): number => mails.filter((mail) => /Last/.test(mail)).length;
    await until('each has taken the last', async () =>
      (await Promise.all([taken(own), taken(other)])).every((mails) => lasts(mails) === 2),
    );
    await Promise.all([itself.stop(), elsewhere.stop()]);
    await second.close();
    assert.deepEqual(await taken(other), await taken(own));
    assert.deepEqual(await taken(other), [
      'Orders.2025: Last order',
      'Orders.2025: Order 1',
      'Orders.2026: Last order',
      'Orders.2026: Order 7, of a mailbox that was made later',
    ]);
  });

  it('had nothing to complain of', () => assert.deepEqual(faults, []));

  it('loads nothing of n8n, and nothing of its nodes', () => {
    const loaded = Object.keys(require.cache).map((file) => relative(ROOT, file).replaceAll('\\', '/'));
    assert.ok(loaded.includes('engine/instance/engine.ts'));
    const ofN8n = loaded.filter((file) => /^nodes\/|(^|\/)node_modules\/(n8n-|@n8n\/)/.test(file));
    assert.deepEqual(ofN8n, []);
  });
});
