// Two processes with one ledger and the same mailbox: one reads, the other stands by and takes over.
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { LedgerFault } from '../../engine/ledger/fault';
import { Dovecot } from '../support/dovecot';
import { rawMail } from '../support/mails';
import { TcpProxy } from '../support/net';
import { until } from '../support/until';
import { type Joined, Watching } from '../support/watching';

const TIMES = { heartbeatMs: 2_000, standbyMs: 300 };
const LEASE_MS = 3_000;

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
    first.ledger.renewHolds = () => new Promise(() => undefined);
    const other = await join(second);
    await until('the second one has taken over', () => second.log.join().includes('Watching mailbox'));
    await append('one');
    await second.read(other.subscription, 1);
    assert.deepEqual(second.uids(other.subscription), [1]);
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
