// How many logins to one server are under way at once, from this process.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { describe, it } from 'node:test';
import { ImapConnection } from '../../engine/imap/session/connection';
import type { ImapLogin } from '../../engine/imap/session/login';
import { inItsPlace, MOST_LOGINS_AT_ONCE } from '../../engine/imap/session/login-places';

const MANY = 3 * MOST_LOGINS_AT_ONCE + 7;
const never = new AbortController().signal;

/** A place that is held until it is let go. */
class Held {
  readonly begun: number[] = [];
  readonly ends = new Map<number, () => void>();

  take(number: number, server = { host: 'mail.example', port: 993 }, signal = never): Promise<number> {
    return inItsPlace(server, signal, async () => {
      this.begun.push(number);
      await new Promise<void>((resolve) => this.ends.set(number, resolve));
      return number;
    });
  }
}

const turns = async (): Promise<void> => {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
};

describe('logins to one mail server', () => {
  it('are so many at once, the next one when one is over, in the order in which they came', async () => {
    const held = new Held();
    const all = Array.from({ length: MANY }, (_, number) => held.take(number));
    const other = held.take(-1, { host: 'mail.example', port: 143 });
    await turns();
    const first = Array.from({ length: MOST_LOGINS_AT_ONCE }, (_, number) => number);
    assert.deepEqual(held.begun, [...first, -1]);
    for (let number = 0; number < MANY; number++) {
      held.ends.get(number)!();
      assert.equal(await all[number], number);
      await turns();
      assert.equal(held.begun.length, Math.min(MANY, MOST_LOGINS_AT_ONCE + number + 1) + 1);
    }
    held.ends.get(-1)!();
    await other;
    assert.deepEqual(
      held.begun.filter((number) => number >= 0),
      Array.from({ length: MANY }, (_, number) => number),
    );
  });

  it('that fail, or are called off while they wait, give their place to the next one', async () => {
    const held = new Held();
    const leaving = new AbortController();
    const failing = Array.from({ length: MOST_LOGINS_AT_ONCE }, () =>
      inItsPlace({ host: 'mail.example', port: 993 }, never, () => Promise.reject(new Error('refused'))),
    );
    const off = Array.from({ length: 5 }, (_, number) => held.take(number, undefined, leaving.signal));
    const last = held.take(5);
    leaving.abort(new Error('stopped'));
    for (const one of off) await assert.rejects(one, /stopped/);
    for (const one of failing) await assert.rejects(one, /refused/);
    await turns();
    assert.deepEqual(held.begun, [5]);
    held.ends.get(5)!();
    await last;
  });

  it('never open more connections than that, and each has its turn', async () => {
    let [open, most, seen] = [0, 0, 0];
    const server = createServer((socket) => {
      seen++;
      most = Math.max(most, ++open);
      socket.on('error', () => undefined);
      setTimeout(() => {
        open--;
        socket.end('* BYE not now\r\n');
      }, 50);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const login: ImapLogin = {
      ...{ host: '127.0.0.1', port, secure: false, startTls: 'never', user: 'ann', mostConnections: 3 },
      ...{ proof: { password: 'secret' }, allowUnauthorizedCerts: false },
    };
    await Promise.all(
      Array.from({ length: MANY }, () => assert.rejects(ImapConnection.connect(login, never))),
    );
    server.close();
    assert.deepEqual([seen, most], [MANY, MOST_LOGINS_AT_ONCE]);
  });
});
