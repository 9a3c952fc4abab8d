// Two processes with one ledger and the same mailbox: one reads, the other stands by and takes over.
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { MailReading } from '../../engine/imap/session/mails';
import { LedgerFault } from '../../engine/ledger/fault';
import { Dovecot } from '../support/dovecot';
import { rawMail } from '../support/mails';
import { TcpProxy } from '../support/net';
import { until } from '../support/until';
import { type Joined, Watching } from '../support/watching';

const TIMES = { heartbeatMs: 2_000, standbyMs: 300 };
const LEASE_MS = 3_000;

type Contents = (
  this: MailReading,
  ...asked: Parameters<MailReading['contents']>
) => ReturnType<MailReading['contents']>;

describe('a second process with the same mailbox', { timeout: 5 * 60_000 }, () => {
  let dovecot: Dovecot;
  let proxy: TcpProxy;
  let first: Watching;
  let second: Watching;
  let joined: Joined[];
  let user: string;
  let users = 0;

  before(async () => {
    dovecot = await Dovecot.start();
  });
  after(() => dovecot.dispose());
  beforeEach(async () => {
    user = `user${++users}`;
    proxy = await TcpProxy.to(dovecot.port);
    first = await Watching.start(TIMES, { holder: 'one:1:a', leaseMs: LEASE_MS });
    second = await Watching.start(TIMES, { file: first.file, holder: 'two:1:b', leaseMs: LEASE_MS });
    joined = [];
  });
  afterEach(async () => {
    await Promise.all(joined.map(({ leave }) => leave()));
    await second.dispose();
    await first.dispose();
    await proxy.close();
  });

  const join = async (watching: Watching): Promise<Joined> => {
    const one = await watching.join(dovecot.login(user, { port: proxy.port }));
    joined.push(one);
    return one;
  };

  const append = (subject: string): Promise<void> => dovecot.append(user, [rawMail({ subject })]);

  it('makes no connection while the first one reads, and takes over when that leaves', async () => {
    const one = await join(first);
    await first.read(one.subscription, 0);
    const other = await join(second);
    await append('one');
    await first.read(one.subscription, 1);
    assert.equal(proxy.accepted, 1);
    await one.leave();
    await append('two');
    await second.read(other.subscription, 2);
    assert.deepEqual(second.uids(other.subscription), [1, 2]);
    assert.equal(proxy.accepted, 2);
    assert.equal(proxy.open, 1);
  });

  it('takes over, too, while it reads another mailbox over the same connection', async () => {
    const client = await dovecot.client(user);
    await client.mailboxCreate('Orders');
    await client.logout();
    const long = 10 * 60_000;
    const third = await Watching.start(
      { heartbeatMs: long, pollMs: 500 },
      { file: first.file, holder: 'three:1:c', leaseMs: LEASE_MS },
    );
    const one = await join(first);
    await first.read(one.subscription, 0);
    const login = dovecot.login(user, { port: proxy.port, mostConnections: 1 });
    const orders = await third.join(login, { workflowId: 'orders', mailbox: 'Orders' });
    const inbox = await third.join(login);
    try {
      await third.read(orders.subscription, 0);
      // By then it has found INBOX held, and nothing else wakes it.
      await new Promise((resolve) => setTimeout(resolve, 2_000));
      await one.leave();
      await append('one');
      await third.read(inbox.subscription, 1);
    } finally {
      await Promise.all([orders.leave(), inbox.leave()]);
      await third.dispose();
    }
  });

  it('takes over when the first one has fallen silent, and what that one still records is refused', async () => {
    const one = await join(first);
    await first.read(one.subscription, 0);
    const [source] = await first.ledger.sources();
    const before = await first.ledger.holdSource({
      sourceId: source!.id,
      holder: 'one:1:a',
      leaseMs: LEASE_MS,
    });
    assert.ok('hold' in before);
    // The process stalls: it renews nothing, and its connection stays open.
    const awake = { ...first.ledger };
    first.ledger.renewHolds = () => new Promise(() => undefined);
    first.ledger.holdSource = () => Promise.reject(new Error('It stands still'));
    const other = await join(second);
    await until('the second one has taken over', () => second.log.join().includes('Watching mailbox'));
    await append('one');
    await second.read(other.subscription, 1);
    assert.deepEqual(second.uids(other.subscription), [1]);
    Object.assign(first.ledger, awake);
    await assert.rejects(
      first.ledger.record({ hold: before.hold, messages: [], cursors: [] }),
      (error) => error instanceof LedgerFault && error.kind === 'taken',
    );
    await append('two');
    await second.read(other.subscription, 2);
    assert.deepEqual(second.uids(other.subscription), [1, 2], 'each once, whoever saw it');
    await until('the first one has seen it', () => first.log.join().includes('this one stands by'));
    await until('and left the server', () => proxy.open === 1);
  });
});

/** What is told of it comes first, and its content by itself. */
const LARGE = rawMail({ subject: 'one', text: 'long '.repeat(20_000) });

describe('a mailbox that is left while it is read', { timeout: 5 * 60_000 }, () => {
  let dovecot: Dovecot;
  let watching: Watching;
  let joined: Joined[];
  let user: string;
  let users = 0;

  before(async () => {
    dovecot = await Dovecot.start();
  });
  after(() => dovecot.dispose());
  beforeEach(async () => {
    user = `leaver${++users}`;
    watching = await Watching.start(TIMES, { holder: 'one:1:a' });
    joined = [];
  });
  afterEach(async () => {
    await Promise.all(joined.map(({ leave }) => leave()));
    await watching.dispose();
  });

  const join = async (workflowId: string): Promise<Joined> => {
    const one = await watching.join(dovecot.login(user), { workflowId });
    joined.push(one);
    return one;
  };
  const heldBy = async (): Promise<string | null> => {
    const [source] = await watching.ledger.sources();
    const answer = await watching.ledger.holdSource({
      sourceId: source!.id,
      holder: 'two:1:b',
      leaseMs: LEASE_MS,
    });
    return 'heldBy' in answer ? answer.heldBy : null;
  };

  it('and joined again is read by one at a time, and stays held', async () => {
    const one = await join('a');
    await watching.read(one.subscription, 0);
    const { ledger } = watching;
    const unrecorded = ledger.unrecorded.bind(ledger);
    const asked = new Gate();
    let reading = 0;
    let most = 0;
    ledger.unrecorded = async (candidates) => {
      most = Math.max(most, ++reading);
      await asked.pass();
      return unrecorded(candidates).finally(() => reading--);
    };
    await dovecot.append(user, [LARGE]);
    await asked.reached;
    const left = one.leave();
    const two = await join('b');
    await dovecot.append(user, [rawMail({ subject: 'two' })]);
    await new Promise((resolve) => setTimeout(resolve, 3 * TIMES.standbyMs));
    asked.open();
    await left;
    await watching.read(two.subscription, 2);
    assert.equal(most, 1);
    assert.equal(await heldBy(), 'one:1:a');
  });

  it('records nothing after that', async (test) => {
    const one = await join('a');
    await watching.read(one.subscription, 0);
    const reading = new Gate();
    const contents: Contents = Reflect.get<MailReading, 'contents'>(MailReading.prototype, 'contents');
    const slowly: Contents = async function (...asked) {
      const read = await contents.apply(this, asked);
      await reading.pass();
      return read;
    };
    test.mock.method(MailReading.prototype, 'contents', slowly);
    await dovecot.append(user, [LARGE]);
    await reading.reached;
    const left = one.leave();
    reading.open();
    await left;
    assert.deepEqual(watching.uids(one.subscription), []);
    assert.equal(await heldBy(), null, 'another process may read it now');
  });

  it('before it has its lease gives that back', async () => {
    const { ledger } = watching;
    const hold = ledger.holdSource.bind(ledger);
    const asked = new Gate();
    ledger.holdSource = async (request) => {
      const answer = await hold(request);
      await asked.pass();
      return answer;
    };
    const one = await join('a');
    await asked.reached;
    const left = one.leave();
    asked.open();
    await left;
    assert.equal(await heldBy(), null);
  });
});

/** Something that is held up until the test lets it pass. */
class Gate {
  #reach: () => void = () => undefined;
  #open: () => void = () => undefined;
  readonly reached = new Promise<void>((resolve) => (this.#reach = resolve));
  readonly #opened = new Promise<void>((resolve) => (this.#open = resolve));

  async pass(): Promise<void> {
    this.#reach();
    await this.#opened;
  }

  open(): void {
    this.#open();
  }
}
