// How a trigger listens, whatever kind of source it has: when people are told that it does, and of what goes wrong;
// and how a Gmail account is listened to.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { IDataObject, ITriggerFunctions, NodeOperationError, WorkflowActivateMode } from 'n8n-workflow';
import { GmailFault } from '../../engine/gmail/api/fault';
import type { GmailLogin } from '../../engine/gmail/api/login';
import type { GmailReading } from '../../engine/gmail/read/reading';
import { accountName, type ImapLogin } from '../../engine/imap/session/login';
import type { MailboxChoice } from '../../engine/imap/session/mailboxes';
import { LedgerFault } from '../../engine/ledger/fault';
import type { SourceKey } from '../../engine/ledger/sources';
import type { NewSubscription, NodeSubscription, Subscription } from '../../engine/ledger/subscriptions';
import type { Subscriber } from '../../engine/source/source';
import { gmailCollector } from '../../nodes/DurableGmailTrigger/collector';
import { imapCollector } from '../../nodes/DurableImapTrigger/collector';
import { listen, type ListenSettings } from '../../nodes/host/listen/listen';
import { NotListening } from '../../nodes/host/listen/not-listening';
import type { Collector, CollectorPorts } from '../../nodes/host/listen/collector';
import { openStore, processState, type Store } from '../../nodes/host/store/store';
import { triggersOf } from '../../nodes/host/n8n/workflow-triggers';
import { gmailReading, gmailReadingData } from '../support/gmail-reading';
import { readingDataOf } from '../support/reading';
import { until } from '../support/until';

const SETTINGS: ListenSettings = {
  delivery: { mostRuns: 1, mailsPerRun: 1, mostQueuedMs: 60_000 },
  subscription: {
    retryDelaysMs: [],
    guarantee: 'atLeastOnce',
    keepContentMs: 0,
    retentionMs: 86_400_000,
    afterSuccess: null,
    whenDead: null,
  },
  outage: { afterMs: 900_000, whenOver: true },
  alarmsShowMail: false,
};

const READING = gmailReading();
const SOURCE: SourceKey = { kind: 'gmail', account: 'ann@example.com', mailbox: 'All Mail' };

describe('a trigger that listens', { timeout: 120_000 }, () => {
  let folder: string;
  let store: Store;
  let workflows = 0;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'durable-mail-listen-'));
    process.env['N8N_USER_FOLDER'] = folder;
    store = await openStore({
      getNode: () => ({ parameters: {} }),
      getCredentials: () => assert.fail('there is none'),
    } as never);
  });
  after(async () => {
    await store.ledger.close();
    delete process.env['N8N_USER_FOLDER'];
    await rm(folder, { recursive: true });
  });

  /** n8n, as far as a trigger touches it, and a source that does as it is told. */
  class Listening {
    readonly told: string[] = [];
    /** What n8n keeps for the node. */
    staticData: IDataObject = {};
    instanceId = 'this n8n';
    readonly ports: CollectorPorts[] = [];
    stopped = 0;
    stopping: Promise<void> = Promise.resolve();
    mode: WorkflowActivateMode = 'init';
    constructor(readonly workflowId = `w${++workflows}`) {}

    collect: () => Promise<void> = async () => undefined;
    readonly context = {
      getNode: () => ({ id: 'n', name: 'Mail', parameters: {} }),
      getWorkflow: () => ({ id: this.workflowId }),
      getActivationMode: () => this.mode,
      getCredentials: () => assert.fail('there is none'),
      saveFailedExecution: (error: NodeOperationError) => this.told.push(error.message),
      getInstanceId: () => this.instanceId,
      getWorkflowStaticData: () => this.staticData,
    } as unknown as ITriggerFunctions;
    readonly collector: Collector = {
      watched: () => 'The letter box',
      place: ({ account }) => `Letter box ${account}`,
      heals: (error) => /passes/.test(String(error)),
      collect: async (opened, ports) => {
        assert.equal(opened, store);
        this.ports.push(ports);
        await this.collect();
        return {
          start: async () => [],
          stop: async () => {
            await this.stopping;
            this.stopped++;
          },
        };
      },
    };

    begin(settings = SETTINGS): Promise<() => Promise<void>> {
      return listen(this.context, settings, this.collector);
    }

    subscriber(id: number, cursor: Subscription['cursor'] = null): Subscriber<unknown, GmailReading> {
      const subscription = { id, sourceId: 1, cursor, createdAt: 0, nodeIds: [id] };
      const login = async (): Promise<void> => undefined;
      return this.ports
        .at(-1)!
        .subscriber(subscription, { reading: READING, login, mostConnections: 1 }, SOURCE);
    }
  }

  it('says that a person has just published it, and nothing of the kind after a restart', async () => {
    for (const mode of ['activate', 'update', 'init'] as const) {
      const listening = new Listening();
      listening.mode = mode;
      let known: boolean | undefined;
      listening.collect = async () => void (known = listening.subscriber(1, { kind: 'gmail' }).isByPerson);
      const beginning = listening.begin();
      await until('it subscribes', () => known !== undefined);
      listening.ports.at(-1)!.joined();
      await (
        await beginning
      )();
      assert.equal(known, mode !== 'init', mode);
    }
  });

  it('tells people what it waits for where its start stands still, once, and goes on when it does', async () => {
    const listening = new Listening();
    let goOn = (): void => undefined;
    listening.collect = () => new Promise((resolve) => (goOn = resolve));
    const beginning = listening.begin({ ...SETTINGS, outage: { afterMs: 50, whenOver: true } });
    await until('people are told', () => listening.told.length > 0);
    await new Promise((resolve) => setTimeout(resolve, 200));
    assert.deepEqual(
      listening.told.map((text) =>
        /The letter box is not being read: it waits for its credential/.test(text),
      ),
      [true],
    );
    goOn();
    await until('it listens', () => store.listeners.size === 1);
    await (
      await beginning
    )();
    assert.equal(listening.told.length, 1);
  });

  it('is said to listen when each new subscription has its place, and not before', async () => {
    const listening = new Listening();
    let isActive = false;
    const beginning = listening.begin().then((close) => {
      isActive = true;
      return close;
    });
    await until('it collects', () => listening.ports.length === 1);
    const [ports] = listening.ports as [CollectorPorts];
    const first = listening.subscriber(1);
    const second = listening.subscriber(2);
    listening.subscriber(3, { kind: 'gmail' });
    ports.joined();
    first.synced();
    await new Promise(setImmediate);
    assert.deepEqual([isActive, second.begun(), ports.begunAt()], [false, false, null]);
    second.synced();
    const close = await beginning;
    assert.equal(second.begun(), true);
    assert.ok(ports.begunAt()! >= second.joinedAt);
    await close();
    assert.equal(listening.stopped, 1);
  });

  it('is closed at once while others listen, and the last one when all have left', async () => {
    const [slow, last] = [new Listening(), new Listening()];
    let goOn = (): void => undefined;
    slow.stopping = new Promise((resolve) => (goOn = resolve));
    const closes: (() => Promise<void>)[] = [];
    for (const each of [slow, last]) {
      const beginning = each.begin();
      await until('it collects', () => each.ports.length === 1);
      each.ports[0]!.joined();
      closes.push(await beginning);
    }
    await closes[0]!();
    assert.equal(slow.stopped, 0, 'it is not waited for');
    let isClosed = false;
    const closing = closes[1]!().then(() => (isClosed = true));
    await until('the last has stopped', () => last.stopped === 1);
    await new Promise((resolve) => setTimeout(resolve, 300));
    assert.equal(isClosed, false);
    goOn();
    await closing;
    assert.equal(slow.stopped, 1);
  });

  it('that never leaves holds up nobody for good', async () => {
    const listening = new Listening();
    listening.stopping = new Promise(() => undefined);
    const beginning = listening.begin();
    await until('it collects', () => listening.ports.length === 1);
    listening.ports[0]!.joined();
    await (
      await beginning
    )();
    assert.equal(listening.stopped, 0);
    assert.equal(processState().leaving.size, 0, 'nor anybody a second time');
  });

  describe('that has run before, at a server that says nothing,', () => {
    let silent: Server;
    let account: string;
    let login: ImapLogin;

    before(async () => {
      silent = createServer((socket) => socket.on('error', () => undefined).resume());
      await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
      const { port } = silent.address() as AddressInfo;
      login = {
        ...{ host: '127.0.0.1', port, secure: false, startTls: 'never', user: 'ann' },
        ...{ proof: { password: 'secret' }, mostConnections: 2, allowUnauthorizedCerts: false },
      };
      account = accountName(login);
    });
    after(() => silent.close());

    /** What an earlier life of the trigger has left in the ledger. */
    const knows = async (workflowId: string, nodeId: string, source: SourceKey): Promise<void> => {
      const { ledger } = store;
      const { id, sourceId } = await ledger.subscribe({
        ...{ workflowId, nodeId, source },
        ...SETTINGS.subscription,
      });
      const answer = await ledger.holdSource({ sourceId, holder: 'before', leaseMs: 1_000 });
      assert.ok('hold' in answer);
      const cursors = [{ subscriptionId: id, cursor: { uid: 7 } }];
      await ledger.record({ hold: answer.hold, messages: [], cursors });
      await ledger.releaseHolds([answer.hold]);
    };

    /** How long n8n waits for it, ms. */
    const beginning = async (collector: Collector, workflowId: string, present?: object): Promise<number> => {
      const context = {
        ...new Listening().context,
        getWorkflow: () => ({ id: workflowId }),
        ...(present && { workflow: { nodes: present } }),
      } as unknown as ITriggerFunctions;
      const began = performance.now();
      const close = await listen(context, SETTINGS, collector);
      const lasted = performance.now() - began;
      await close();
      return lasted;
    };

    const imap = (
      mailboxes: MailboxChoice,
      more: Partial<Parameters<typeof imapCollector>[0]> = {},
    ): Collector =>
      imapCollector({
        ...{ reading: readingDataOf({ mailboxes }), readBy: 'here', login: async () => login },
        ...more,
      });

    const never = new Promise<never>(() => undefined);
    const all: MailboxChoice = { kind: 'pattern', pattern: '*' };
    const inbox: MailboxChoice = { kind: 'names', names: ['INBOX'] };

    for (const [what, mailboxes] of Object.entries({ 'of a pattern': all, 'of a name': inbox })) {
      it(`is said to listen at once: a mailbox ${what}`, async () => {
        const workflow = `known ${what}`;
        await knows(workflow, 'n', { kind: 'imap', account, mailbox: 'INBOX' });
        assert.ok((await beginning(imap(mailboxes), workflow)) < 5_000);
        const tokenless = imap(mailboxes, { login: () => never });
        assert.ok((await beginning(tokenless, workflow)) < 5_000, 'nor for a provider of tokens');
      });
    }

    it('is said to listen at once: a Gmail account', async () => {
      await knows('gmail', 'n', { kind: 'gmail', account: 'ann@example.com', mailbox: 'All Mail' });
      const collector = gmailCollector({ getNode: () => ({ credentials: {} }) } as never, {
        ...{ reading: gmailReadingData(), readBy: 'here' },
        login: () => never,
        pubsubToken: () => never,
      });
      assert.ok((await beginning(collector, 'gmail')) < 5_000);
    });

    it('is said to listen at once where it goes on for another that is gone, and else not', async () => {
      const present = { Mail: { id: 'n', name: 'Mail', type: 'n8n-nodes-durable-mail.durableImapTrigger' } };
      await knows('replaced', 'gone', { kind: 'imap', account, mailbox: 'INBOX' });
      await knows('skips', 'n', { kind: 'imap', account, mailbox: 'INBOX' });
      const wait = await Promise.all([
        beginning(imap(all), 'replaced', present),
        beginning(imap(all), 'new', present),
        beginning(imap(inbox, { reading: readingDataOf({ skipBefore: Date.now() }) }), 'skips'),
      ]);
      assert.deepEqual(
        wait.map((ms) => ms > 5_000),
        [false, true, true],
      );
    });
  });

  it('serves what it has while it listens, and takes over for what is gone when it begins only', async () => {
    const listening = new Listening();
    const workflowId = listening.context.getWorkflow().id!;
    const nodes = {
      Mail: { id: 'n', name: 'Mail', type: 'n8n-nodes-durable-mail.durableImapTrigger' },
      Other: { id: 'o', name: 'Other', type: 'CUSTOM.durableGmailTrigger', disabled: true },
      Sink: { id: 's', name: 'Sink', type: 'n8n-nodes-base.httpRequest' },
    };
    Object.assign(listening.context, { workflow: { nodes } });
    const source: SourceKey = { kind: 'imap', account: 'ann', mailbox: workflowId };
    await store.ledger.subscribe({ workflowId, nodeId: 'n', source, ...SETTINGS.subscription });
    await store.ledger.unserve([{ workflowId, nodeId: 'n' }]);
    const served = async (): Promise<boolean | undefined> =>
      (await store.ledger.sources()).find(({ mailbox }) => mailbox === workflowId)?.served;
    assert.equal(await served(), false);
    const beginning = listening.begin();
    await until('it collects', () => listening.ports.length === 1);
    listening.ports[0]!.joined();
    const close = await beginning;
    assert.equal(await served(), true);
    assert.deepEqual(listening.ports[0]!.trigger, {
      ...{ workflowId, nodeId: 'n', nodeName: 'Mail' },
      present: [
        { id: 'n', name: 'Mail', disabled: false },
        { id: 'o', name: 'Other', disabled: true },
      ],
    });
    listening.ports[0]!.moved();
    await until('it collects anew', () => listening.ports.length === 2);
    assert.equal(listening.ports[1]!.trigger.present, undefined, 'others may be there by now');
    const newer = listening.begin();
    await until('it is registered anew', () => listening.ports.length === 3);
    listening.ports[2]!.joined();
    const closeNewer = await newer;
    await close();
    assert.equal(await served(), true, 'the older registration serves nothing any more');
    await closeNewer();
    await until('it is served by nobody', async () => (await served()) === false);
  });

  it('sees nothing of its workflow where n8n does not show it, or not as it is', () => {
    const seen = (workflow: unknown): unknown =>
      triggersOf({ getNode: () => ({ id: 'n' }), workflow } as unknown as ITriggerFunctions);
    const type = 'n8n-nodes-durable-mail.durableImapTrigger';
    for (const workflow of [
      undefined,
      {},
      { nodes: {} },
      { nodes: { Mail: { id: 'another', name: 'Mail', type } } },
      { nodes: { Mail: { id: 'n', name: 'Mail', type }, Two: { name: 'Two', type } } },
    ])
      assert.equal(seen(workflow), null);
  });

  it('is said to listen at once where its place cannot be found now, and goes on trying', async () => {
    const listening = new Listening();
    listening.collect = () => Promise.reject(new Error('This passes'));
    const close = await listening.begin();
    assert.deepEqual(listening.told, []);
    listening.collect = async () => undefined;
    await until('it has tried again', () => listening.ports.length === 2);
    await close();
  });

  it('tells a person at once of what does not pass, once, and of what lasts', async () => {
    const broken = new Listening();
    broken.collect = () => Promise.reject(new Error('The key does not fit (EACCES).'));
    const close = await broken.begin();
    await until('it has tried again', () => broken.ports.length === 3);
    assert.deepEqual(broken.told, ['The letter box is not being read: The key does not fit (EACCES).']);
    await close();
    const ledgerless = new Listening();
    ledgerless.collect = () => Promise.reject(new LedgerFault('unreachable', 'The ledger is away.'));
    const closeToo = await ledgerless.begin({ ...SETTINGS, outage: { afterMs: 1, whenOver: false } });
    await until('it lasts', () => ledgerless.told.length === 1);
    await closeToo();
  });

  it('tells a person once of what lasts, and not of each step that takes as long, nor of each try', async () => {
    const listening = new Listening();
    let tries = 0;
    let goWrong = (): void => undefined;
    const breaks = new Promise<void>((resolve) => (goWrong = resolve));
    listening.collect = async () => {
      tries++;
      await new Promise((resolve) => setTimeout(resolve, 100));
      if (tries < 3) throw new LedgerFault('unreachable', 'The ledger is away.');
      await breaks;
      throw new Error('The key does not fit (EACCES).');
    };
    const close = await listening.begin({ ...SETTINGS, outage: { afterMs: 20, whenOver: false } });
    await until('it has tried again', () => tries >= 3);
    assert.equal(listening.told.length, 1);
    goWrong();
    await until('what a person has to mend is told', () => listening.told.length > 1);
    await until('it has tried once more', () => tries >= 4);
    const [lasts, ...more] = listening.told;
    assert.match(lasts!, /The letter box is not being read: it waits for /);
    assert.deepEqual(more, ['The letter box is not being read: The key does not fit (EACCES).']);
    await close();
  });

  it('that has listened for a while and fails anew is a new outage for people', () => {
    let now = 0;
    const outage = new NotListening(() => now);
    const failed = (needsPerson: boolean): boolean =>
      outage.failed({ needsPerson, afterMs: 900_000, isAwaited: false });
    assert.deepEqual([failed(true), failed(true), outage.failures], [true, false, 2]);
    outage.listens();
    now += 10_000;
    assert.deepEqual([failed(true), outage.failures], [false, 3], 'it had hardly begun');
    outage.listens();
    now += 7 * 86_400_000;
    assert.deepEqual([failed(false), outage.failures], [false, 1], 'a blip');
    now += 900_001;
    assert.deepEqual([failed(false), failed(false), failed(true), failed(true)], [true, false, true, false]);
  });

  it('tells nobody of what breaks when it is closed', async () => {
    const listening = new Listening();
    let fail = (_: Error): void => assert.fail('it does not collect yet');
    listening.collect = () => new Promise((_, reject) => (fail = reject));
    const beginning = listening.begin();
    await until('it collects', () => listening.ports.length === 1);
    listening.ports[0]!.late();
    const close = await beginning;
    await close();
    fail(new Error('The key does not fit.'));
    await new Promise(setImmediate);
    assert.deepEqual(listening.told, []);
  });

  /** A trigger that begins, finds its place and stops. */
  async function lived(listening: Listening, cursor: Subscription['cursor'] = null): Promise<GmailReading> {
    const beginning = listening.begin();
    await until('it collects', () => listening.ports.length === 1);
    const subscriber = listening.subscriber(1, cursor);
    listening.ports[0]!.joined();
    subscriber.synced();
    await (
      await beginning
    )();
    return subscriber.reading;
  }

  it('reads from the last moment known where n8n remembers it and the ledger does not, and tells a person', async () => {
    const before = new Listening();
    assert.deepEqual((await lived(before)).start, READING.start);
    assert.deepEqual(before.told, []);
    const memory = before.staticData['durableMail'] as { ledgerId: string; place: string; at: number };
    assert.equal(memory.ledgerId, await store.ledger.ledgerId());
    assert.ok(Math.abs(memory.at - Date.now()) < 60_000);

    const again = async (
      changed: object,
      cursor: Subscription['cursor'] = null,
      instanceId = 'this n8n',
    ): Promise<[GmailReading['start'], string[]]> => {
      const listening = new Listening(before.workflowId);
      listening.instanceId = instanceId;
      listening.staticData = { durableMail: { ...memory, ...changed } };
      const reading = await lived(listening, cursor);
      const written = (listening.staticData['durableMail'] as { ledgerId: string }).ledgerId;
      assert.equal(written, memory.ledgerId);
      return [reading.start, listening.told];
    };
    const at = 1_700_000_000_000;
    const since = { kind: 'since', at: at - 60_000 };
    const [start, told] = await again({ ledgerId: 'lost', at });
    assert.deepEqual(start, since);
    assert.equal(told.length, 1);
    assert.match(
      told[0]!,
      /does not know this trigger, which had listened at 2023-11-14T22:13:20.*made anew/,
    );
    const [, moved] = await again({ ledgerId: 'other', at, place: 'the file elsewhere' });
    assert.match(moved[0]!, /It was the file elsewhere until then, and is another one now/);

    const asChosen = [READING.start, []];
    assert.deepEqual(await again({ at }), asChosen, 'the same ledger');
    assert.deepEqual(
      await again({ ledgerId: 'lost', at }, { kind: 'gmail' }),
      asChosen,
      'the ledger knows it',
    );
    assert.deepEqual(
      await again({ ledgerId: 'lost', at, sources: ['x'] }),
      asChosen,
      'another mailbox was chosen',
    );
    assert.deepEqual(await again({ ledgerId: 'lost', at, of: 'x' }), asChosen, 'a copied workflow');
    assert.deepEqual(await again({ ledgerId: 'lost' }, null, 'a clone'), asChosen, 'another n8n');
  });

  it('collects anew when its login leads to another account, and says what else is wrong', async () => {
    const listening = new Listening();
    const beginning = listening.begin();
    await until('it collects', () => listening.ports.length === 1);
    listening.ports[0]!.joined();
    const close = await beginning;
    const subscriber = listening.subscriber(1);
    subscriber.warn(new Error('A label is gone.'));
    subscriber.report(new Error('It is locked.'));
    subscriber.reportOver(180_000);
    assert.deepEqual(listening.told, [
      'A label is gone.',
      'The letter box is not being read: It is locked.',
      'The letter box is being read again, after 3 minutes.',
    ]);
    subscriber.moved();
    await until('it collects anew', () => listening.ports.length === 2);
    assert.equal(listening.stopped, 1, 'it has left the account before');
    await close();
  });
});

describe('a Gmail account', () => {
  /** A ledger and a registry that note what they are asked. */
  class Account {
    readonly subscribed: NewSubscription[] = [];
    readonly joined: [SourceKey, Subscriber<GmailLogin, GmailReading>][] = [];
    readonly done: string[] = [];
    address = 'ann@example.com';
    begunAt: number | null = null;
    cursor: Subscription['cursor'] = null;
    ledgerIsAway = false;
    known: NodeSubscription[] = [];
    readonly collector = gmailCollector(
      {
        getNode: () => ({ parameters: {}, credentials: { gmailOAuth2: { id: '1', name: 'My Gmail' } } }),
      } as never,
      {
        ...{ reading: gmailReadingData(), readBy: 'here' },
        login: async () => ({ address: this.address }) as GmailLogin,
        pubsubToken: () => assert.fail('nothing is pulled'),
      },
    );
    readonly #store = {
      ledger: {
        subscriptionsOf: async () => this.known,
        heritage: async () => [],
        subscribe: async (subscription: NewSubscription) => {
          if (this.ledgerIsAway) throw new LedgerFault('unreachable', 'The ledger is away.');
          this.subscribed.push(subscription);
          return { id: 7, sourceId: 1, cursor: this.cursor, createdAt: 0, nodeIds: [7, 3] };
        },
        listensWith: async (_: object, ids: readonly number[]) => assert.deepEqual(ids, [7]),
      },
      gmail: {
        join: (key: SourceKey, subscriber: Subscriber<GmailLogin, GmailReading>) => {
          this.joined.push([key, subscriber]);
          return async () => void this.done.push('left');
        },
      },
    } as unknown as Store;
    readonly #ports = {
      trigger: { workflowId: 'w', nodeId: 'n' },
      subscription: SETTINGS.subscription,
      subscriber: (_: Subscription, listening: object) => listening,
      begunAt: () => this.begunAt,
      joined: () => this.done.push('joined'),
    } as unknown as CollectorPorts;

    collect(): ReturnType<Collector['collect']> {
      return this.collector.collect(this.#store, this.#ports);
    }

    /** Where it was told to begin, the last time. */
    get start(): GmailReading['start'] | undefined {
      return this.joined.at(-1)?.[1].reading.start;
    }
  }

  it('is listened to as a whole, under its address', async () => {
    const account = new Account();
    const collecting = await account.collect();
    assert.deepEqual(account.joined, [], 'not before it starts');
    assert.deepEqual(await collecting.start(), [7, 3]);
    const source = { kind: 'gmail', account: 'ann@example.com', mailbox: 'All Mail' };
    assert.deepEqual(account.subscribed, [
      { workflowId: 'w', nodeId: 'n', source, ...SETTINGS.subscription, reading: gmailReadingData() },
    ]);
    assert.deepEqual(account.joined[0]?.[0], source);
    assert.deepEqual(account.start, { kind: 'new' });
    await collecting.stop();
    assert.deepEqual(account.done, ['joined', 'left']);
  });

  it('is not joined any more once it was stopped', async () => {
    const account = new Account();
    const collecting = await account.collect();
    const starting = collecting.start();
    await collecting.stop();
    await starting;
    assert.deepEqual([account.joined, account.done], [[], []]);
  });

  it('that could not be named when people were told is read from that moment on', async () => {
    const account = new Account();
    account.begunAt = 1_700_000_000_000;
    account.ledgerIsAway = true;
    const failing = await account.collect();
    await assert.rejects(failing.start(), LedgerFault);
    account.ledgerIsAway = false;
    await (await account.collect()).start();
    assert.deepEqual(account.start, { kind: 'since', at: 1_700_000_000_000 - 60_000 });
  });

  it('goes on where it stood, and another one that the credential opens later begins with now', async () => {
    const known = new Account();
    known.begunAt = 1_700_000_000_000;
    known.cursor = { kind: 'gmail' };
    await (await known.collect()).start();
    assert.deepEqual(known.start, { kind: 'new' });
    const moved = new Account();
    await (await moved.collect()).start();
    moved.begunAt = 1_700_000_000_000;
    moved.address = 'bob@example.com';
    await (await moved.collect()).start();
    assert.deepEqual([moved.joined[1]?.[0].account, moved.start], ['bob@example.com', { kind: 'new' }]);
  });

  it('is named by its credential until its address is known', async () => {
    const { collector } = new Account();
    assert.equal(collector.watched(), 'The Gmail account of the credential "My Gmail" (Gmail OAuth2 API)');
    const named = new Account();
    await named.collect();
    assert.equal(named.collector.watched(), 'The Gmail account ann@example.com');
    const mail = { account: 'ann@example.com', mailbox: 'All Mail', uid: null };
    assert.equal(collector.place(mail), 'Gmail account ann@example.com');
  });

  it('has faults that pass, and others that a person is told of at once', () => {
    const { collector } = new Account();
    const passes = (['busy', 'unreachable', 'expired'] as const).map((kind) => new GmailFault(kind, ''));
    const stays = (['login', 'forbidden', 'refused'] as const).map((kind) => new GmailFault(kind, ''));
    assert.deepEqual(
      [...passes, ...stays, new Error('')].map((fault) => collector.heals(fault)),
      [true, true, true, false, false, false, false],
    );
  });
});
