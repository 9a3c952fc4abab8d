// Mail that was there before: how a subscription begins with some or all of it, against a real Dovecot.
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { Dovecot } from '../support/dovecot';
import { rawMail } from '../support/mails';
import { until } from '../support/until';
import { type Joined, type JoinOptions, Watching } from '../support/watching';

const COUNT = 120;
const DAY_MS = 86_400_000;

describe('a first activation', { timeout: 10 * 60_000 }, () => {
  let dovecot: Dovecot;
  let watching: Watching;
  let joined: Joined[];

  before(async () => {
    dovecot = await Dovecot.start();
    const mails = Array.from({ length: COUNT }, (_, index) => rawMail({ subject: `old ${index + 1}` }));
    await dovecot.append('ann', mails);
  });
  after(() => dovecot.dispose());
  beforeEach(async () => {
    joined = [];
    watching = await Watching.start({ heartbeatMs: 5_000 });
  });
  afterEach(async () => {
    await Promise.all(joined.map(({ leave }) => leave()));
    await watching.dispose();
  });

  const join = async (reading: JoinOptions['reading'], user = 'ann'): Promise<Joined> => {
    const one = await watching.join(dovecot.login(user), { ...(reading && { reading }) });
    joined.push(one);
    return one;
  };

  const has = (one: Joined, count: number): Promise<unknown> =>
    until(`${count} mails are recorded`, () => watching.uids(one.subscription).length >= count);

  const numbers = (from: number, to: number): number[] =>
    Array.from({ length: to - from + 1 }, (_, index) => from + index);

  const backfill = async (): Promise<unknown> => (await watching.ledger.sources())[0]?.backfill;

  it('with everything takes the newest fifty first, then the rest, each once, and tells how far it is', async () => {
    const one = await join({ start: { kind: 'everything' } });
    await has(one, COUNT);
    assert.deepEqual(watching.uids(one.subscription), [
      ...numbers(71, 120),
      ...numbers(21, 70),
      ...numbers(1, 20),
    ]);
    await until('nothing is left', async () => (await backfill()) === null);
    const [source] = await watching.ledger.sources();
    assert.equal(source!.state, 'idle');
  });

  it('with the last ten takes these', async () => {
    const one = await join({ start: { kind: 'last', count: 10 } });
    await has(one, 10);
    await watching.read(one.subscription, COUNT);
    assert.deepEqual(watching.uids(one.subscription), numbers(111, 120));
  });

  it('since a date takes what was received then or later, wherever it stands', async () => {
    const client = await dovecot.client('since');
    const now = Date.now();
    const ages = [1, 40, 2, 50, 60, 3];
    for (const age of ages) {
      const received = new Date(now - age * DAY_MS);
      await client.append('INBOX', rawMail({ subject: `${age} days old` }), [], received);
    }
    await client.logout();
    const one = await join({ start: { kind: 'since', at: now - 10 * DAY_MS } }, 'since');
    await has(one, 3);
    await watching.read(one.subscription, ages.length);
    assert.deepEqual(watching.uids(one.subscription), [1, 3, 6]);
  });

  it('goes on at its checkpoint when it was cut off, and new mail does not wait for the old', async () => {
    const user = 'cut';
    const mails = Array.from({ length: 600 }, (_, index) => rawMail({ subject: `old ${index + 1}` }));
    await dovecot.append(user, mails);
    const first = await join({ start: { kind: 'everything' } }, user);
    // No more than five hundred wait for their run: there it stops by itself, until they have run.
    await has(first, 500);
    await until('it is told how far it is', async () => {
      const { read, left } = ((await backfill()) ?? {}) as { read?: number; left?: number };
      return read === 500 && left === 100;
    });
    await dovecot.append(user, [rawMail({ subject: 'new' })]);
    await has(first, 501);
    assert.equal(watching.uids(first.subscription).at(-1), 601, 'the new one is there, the old ones wait');
    await first.leave();

    const waiting = await watching.ledger.events({}, { limit: 600 });
    await watching.ledger.markDone({ ids: waiting.events.map(({ id }) => id) });
    const second = await join({ start: { kind: 'everything' } }, user);
    await has(second, 601);
    await until('nothing is left', async () => (await backfill()) === null);
    const uids = watching.uids(second.subscription);
    assert.deepEqual(
      [...uids].sort((a, b) => a - b),
      numbers(1, 601),
    );
  });

  it('goes on as soon as mails have run, however long a heartbeat is', async () => {
    const user = 'patient';
    const mails = Array.from({ length: 600 }, (_, index) => rawMail({ subject: `old ${index + 1}` }));
    await dovecot.append(user, mails);
    const slow = await Watching.start({ heartbeatMs: 10 * 60_000, pollMs: 10 * 60_000 });
    const one = await slow.join(dovecot.login(user), { reading: { start: { kind: 'everything' } } });
    const recorded = (count: number): Promise<unknown> =>
      until(`${count} mails are recorded`, () => slow.uids(one.subscription).length === count);
    try {
      await recorded(500);
      await until('it waits', async () => (await slow.ledger.sources())[0]?.backfill?.read === 500);
      const { events } = await slow.ledger.events({}, { limit: 600 });
      await slow.ledger.markDone({ ids: events.map(({ id }) => id) });
      await recorded(600);
    } finally {
      await one.leave();
      await slow.dispose();
    }
  });

  it('of a mailbox that lost nearly all of its mails ends, too', async () => {
    const client = await dovecot.client('sparse');
    for (const subject of numbers(1, 300))
      await client.append('INBOX', rawMail({ subject: String(subject) }));
    await client.mailboxOpen('INBOX');
    await client.messageDelete('2:299', { uid: true });
    await client.logout();
    const one = await join({ start: { kind: 'everything' } }, 'sparse');
    await has(one, 2);
    await until('nothing is left', async () => (await backfill()) === null);
    assert.deepEqual(
      watching.uids(one.subscription).sort((a, b) => a - b),
      [1, 300],
    );
  });

  it('of a mailbox that another workflow has watched since it was empty takes what came since', async () => {
    const first = await join({ start: { kind: 'new' } }, 'grown');
    await watching.read(first.subscription, 0);
    await dovecot.append('grown', [rawMail({ subject: 'one' }), rawMail({ subject: 'two' })]);
    await watching.read(first.subscription, 2);
    const login = dovecot.login('grown');
    const second = await watching.join(login, {
      workflowId: 'later',
      reading: { start: { kind: 'everything' } },
    });
    joined.push(second);
    await has(second, 2);
  });

  it('of an empty mailbox has nothing to read, and takes what comes', async () => {
    const one = await join({ start: { kind: 'everything' } }, 'empty');
    await watching.read(one.subscription, 0);
    await dovecot.append('empty', [rawMail({ subject: 'first' })]);
    await has(one, 1);
  });
});

describe('a later activation', { timeout: 5 * 60_000 }, () => {
  let dovecot: Dovecot;
  let watching: Watching;

  before(async () => {
    dovecot = await Dovecot.start();
    watching = await Watching.start({ heartbeatMs: 5_000 });
  });
  after(async () => {
    await watching.dispose();
    await dovecot.dispose();
  });

  for (const [skipWhileOff, expected] of [
    [false, [1, 2, 3]],
    [true, [1, 3]],
  ] as const) {
    it(skipWhileOff ? 'skips what came while it was off' : 'continues where it stopped', async () => {
      const user = skipWhileOff ? 'skips' : 'continues';
      const login = dovecot.login(user);
      const join = (): Promise<Joined> =>
        watching.join(login, { workflowId: user, reading: { skipWhileOff } });
      const append = (subject: string): Promise<void> => dovecot.append(user, [rawMail({ subject })]);
      const first = await join();
      await watching.read(first.subscription, 0);
      await append('before');
      await watching.read(first.subscription, 1);
      await first.leave();
      await append('while off');
      const again = await join();
      await watching.read(again.subscription, 2);
      await append('after');
      await watching.read(again.subscription, 3);
      assert.deepEqual(watching.uids(again.subscription), expected);
      await again.leave();
    });
  }
});
