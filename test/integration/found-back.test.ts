// A mail server with several users goes down and comes back: who finds it back first calls the others; against a real
// Dovecot.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { monotonicNow, pause } from '../../engine/runtime/time';
import { Dovecot } from '../support/dovecot';
import { rawMail } from '../support/mails';
import { until } from '../support/until';
import { type Joined, Watching } from '../support/watching';

const SECOND = 1_000;
const never = new AbortController().signal;

describe('a mail server that comes back after an outage', { timeout: 5 * 60_000 }, () => {
  let dovecot: Dovecot;
  let watching: Watching;
  const joined: Joined[] = [];

  before(async () => {
    dovecot = await Dovecot.start();
    watching = await Watching.start();
  });
  after(async () => {
    await Promise.all(joined.map(({ leave }) => leave()));
    await watching.dispose();
    await dovecot.dispose();
  });

  async function join(user: string, password?: string): Promise<Joined> {
    const login = dovecot.login(user, password === undefined ? {} : { proof: { password } });
    const one = await watching.join(login, { workflowId: user });
    joined.push(one);
    return one;
  }

  const failures = (user: string): number =>
    watching.log.filter((line) => line.includes(`of ${user}@`)).length;

  it('is tried by everybody within 15 s of when one has found it back, and a rejected password is not', async (test) => {
    // The longest waits, all of them alike: nobody but a newcomer finds it back before they are over.
    test.mock.method(Math, 'random', () => 0.999);
    const users = ['ann', 'bea', 'cem', 'dan', 'eva'];
    const all: Joined[] = [];
    for (const user of users) all.push(await join(user));
    for (const { subscription } of all) await watching.read(subscription, 0);

    await dovecot.down();
    // After 1, 2, 4, 8 and 16 s: the next wait is 32 s. The first line says that it is watched.
    await until(
      'everybody waits for long',
      () => users.every((user) => failures(user) >= 6 + 1),
      90 * SECOND,
    );
    for (const user of users) await dovecot.deliver(user, [rawMail({ subject: 'during the outage' })]);
    await dovecot.up();
    const newcomer = await join('new');
    await watching.read(newcomer.subscription, 0);
    const foundAt = monotonicNow();
    await until('everybody has the mail', () =>
      all.every((one) => watching.uids(one.subscription).length === 1),
    );
    const took = monotonicNow() - foundAt;
    assert.ok(took < 18 * SECOND, `${took} ms`);

    const rejected = await join('zoe', 'wrong');
    await until('it is rejected', () => failures('zoe') === 1);
    const another = await join('other');
    await watching.read(another.subscription, 0);
    await pause(16 * SECOND, never);
    assert.equal(failures('zoe'), 1, 'it is not tried again because others get in');
    assert.equal(watching.uids(rejected.subscription).length, 0);
  });
});
