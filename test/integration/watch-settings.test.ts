// What a person sets about watching reaches the connection: with the engine's own times, against a real Dovecot.
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import type { ImapReading } from '../../engine/imap/read/reading';
import { Dovecot } from '../support/dovecot';
import { TcpProxy } from '../support/net';
import { until } from '../support/until';
import { type Joined, Watching } from '../support/watching';

/** Less than one heartbeat, and one deadline, where nobody has set them. */
const SOON_MS = 25_000;

describe('a trigger that sets', { timeout: 5 * 60_000 }, () => {
  let dovecot: Dovecot;
  let proxy: TcpProxy;
  let watching: Watching;
  let one: Joined;
  let users = 0;

  before(async () => {
    dovecot = await Dovecot.start();
  });
  after(() => dovecot.dispose());
  beforeEach(async () => {
    proxy = await TcpProxy.to(dovecot.port);
    watching = await Watching.start();
  });
  afterEach(async () => {
    await one.leave();
    await proxy.close();
    await watching.dispose();
  });

  const watch = async (reading: Partial<ImapReading>): Promise<void> => {
    one = await watching.join(dovecot.login(`user${++users}`, { port: proxy.port }), { reading });
    await until('the mailbox is watched', () => watching.source().connection === 'idling');
  };

  const idles = (): number => proxy.clientSaid.split('IDLE\r\n').length - 1;

  it('its heartbeat has IDLE begun again as often', async () => {
    await watch({ heartbeatMs: 1_000 });
    await until('IDLE began four times', () => idles() >= 4, SOON_MS);
    assert.equal(proxy.accepted, 1);
  });

  it('how long a server may take has a dead connection made anew after that', async () => {
    await watch({ heartbeatMs: 1_000, commandMs: 1_000 });
    proxy.freeze();
    await until('there is another connection', () => proxy.accepted >= 2, SOON_MS);
  });

  it('how old a connection may get has it made anew, however well it works', async () => {
    await watch({ heartbeatMs: 1_000, reconnectMs: 2_000 });
    await until('there is a third connection', () => proxy.accepted >= 3, SOON_MS);
    assert.deepEqual([one.reports, one.warnings], [[], []]);
  });
});
