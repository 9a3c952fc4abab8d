// Servers that say nothing any more: who is asked, what counts as an answer, and when another process is to read instead.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { isGreeted } from '../../engine/imap/session/greeting';
import { Silences, silenceTimesOf } from '../../engine/imap/watch/silence';
import { until } from '../support/until';

const TIMES = { quietMs: 80, answerMs: 60, greetMs: 200 };

type Login = Parameters<Silences['join']>[0]['login'];

/** Takes connections; greets them or not. */
class Host {
  readonly #server: Server = createServer((socket) => this.#took(socket));
  readonly #open: Socket[] = [];
  greets = true;
  asked = 0;
  login = { host: '127.0.0.1', port: 0, secure: false } as Login;

  async begin(): Promise<this> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    this.login = { ...this.login, port: (this.#server.address() as AddressInfo).port };
    return this;
  }

  async end(): Promise<void> {
    for (const socket of this.#open) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #took(socket: Socket): void {
    this.asked++;
    this.#open.push(socket);
    socket.on('error', () => undefined);
    if (this.greets) socket.write('* OK ready\r\n');
  }
}

class Connection {
  heard: number | null = 1;
  asked = 0;
  rests = true;
  answers = true;
  login = {} as Login;
  whenAsked = (): void => undefined;

  to(login: Login): this {
    this.login = login;
    return this;
  }

  readonly ask = (): boolean => {
    if (!this.rests) return false;
    this.asked++;
    this.whenAsked();
    if (this.answers) this.heard = (this.heard ?? 0) + 10;
    return true;
  };
}

describe('a server that says nothing any more', () => {
  let host: Host;
  let hasOthers: boolean;
  let silences: Silences;
  let silent: number;
  let heard: number;
  let leaves: (() => void)[];

  beforeEach(async () => {
    [hasOthers, silent, heard, leaves] = [true, 0, 0, []];
    host = await new Host().begin();
    silences = silencesOf(TIMES);
  });
  afterEach(async () => {
    for (const leave of leaves) leave();
    await host.end();
  });

  const silencesOf = (times: typeof TIMES): Silences =>
    new Silences({ times, hasOthers: () => hasOthers, silent: () => silent++, heard: () => heard++ });
  const join = (...connections: readonly Connection[]): void => {
    for (const each of connections) leaves.push(silences.join(each.to(host.login)));
  };
  const rounds = (count: number): Promise<void> =>
    new Promise((resolve) => setTimeout(resolve, count * (TIMES.quietMs + TIMES.answerMs)));

  it('is asked over one connection at a time, each in its turn', async () => {
    const all = [new Connection(), new Connection(), new Connection()];
    join(...all);
    await until('each was asked', () => all.every(({ asked }) => asked > 0));
    const asked = all.map((each) => each.asked);
    assert.ok(Math.max(...asked) - Math.min(...asked) <= 1, String(asked));
    assert.deepEqual([silent, host.asked], [0, 0]);
  });

  it('is not asked while it says something by itself', async () => {
    const [talks, rests] = [new Connection(), new Connection()];
    join(talks, rests);
    const talking = setInterval(() => (talks.heard = (talks.heard ?? 0) + 1), 10);
    await rounds(4);
    clearInterval(talking);
    assert.deepEqual([talks.asked, rests.asked], [0, 0]);
  });

  it('is silent where no connection hears anything, nor a new one, until it is heard again', async () => {
    const [one, busy] = [new Connection(), new Connection()];
    one.answers = false;
    busy.rests = false;
    host.greets = false;
    join(busy, one);
    await until('it is silent', () => silent > 1);
    assert.equal(silences.isSilent(host.login), true);
    assert.ok(one.asked > 0);
    assert.equal(heard, 0);
    busy.heard = 2;
    await until('it was heard', () => !silences.isSilent(host.login));
    assert.equal(heard, 1);
  });

  it('is none where only its answers take long: a new connection is greeted', async () => {
    const slow = new Connection();
    slow.answers = false;
    silences = silencesOf({ ...TIMES, greetMs: 5_000 });
    join(slow);
    await until('new connections were made', () => host.asked > 2);
    assert.deepEqual([silent, silences.isSilent(host.login)], [0, false]);
  });

  it('is that also for connections that are being made', async () => {
    const making = new Connection();
    making.heard = null;
    making.rests = false;
    host.greets = false;
    join(making);
    await until('it is silent', () => silent > 0);
  });

  it('is found out though its connections fail meanwhile, and are made anew', async () => {
    host.greets = false;
    const over = new AbortController();
    const making = (async () => {
      while (!over.signal.aborted) {
        const one = new Connection();
        one.heard = null;
        one.rests = false;
        const leave = silences.join(one.to(host.login));
        await new Promise((resolve) => setTimeout(resolve, TIMES.quietMs / 2));
        leave();
      }
    })();
    await until('it is silent', () => silent > 0);
    over.abort();
    await making;
  });

  it('is that also where no connection can be made', async () => {
    const one = new Connection();
    one.answers = false;
    await host.end();
    join(one);
    await until('it is silent', () => silent > 0);
    host = await new Host().begin();
  });

  it('is left alone where there is nobody else, and when nothing is connected any more', async () => {
    const one = new Connection();
    hasOthers = false;
    host.greets = false;
    one.answers = false;
    join(one);
    await rounds(4);
    assert.deepEqual([one.asked, silent, host.asked], [0, 0, 0]);
    one.whenAsked = () => {
      for (const leave of leaves.splice(0)) leave();
    };
    hasOthers = true;
    await until('it was asked', () => one.asked > 0);
    await rounds(4);
    assert.deepEqual([one.asked, silent], [1, 0]);
    assert.equal(silences.isSilent(host.login), false);
  });

  it('is found out, and its mailboxes given away, within the time of a takeover', () => {
    const takeoverMs = 30_000;
    const leaseMs = (takeoverMs * 2) / 3;
    const { quietMs, answerMs, greetMs } = silenceTimesOf(leaseMs);
    // It is looked four times in the quiet; and others have the time of the membership to say that they are cut off as well.
    assert.ok(quietMs * 1.25 < 0.4 * leaseMs);
    assert.ok(quietMs * 1.25 + answerMs + greetMs + 0.4 * leaseMs < takeoverMs * 0.9);
  });

  it('is that also where it could not be connected to several times, unless another connection works', async () => {
    const [making, works] = [new Connection(), new Connection()];
    making.heard = null;
    const said = async (): Promise<number> => {
      silences.notReached(host.login);
      silences.notReached(host.login);
      await new Promise((resolve) => setTimeout(resolve, TIMES.quietMs + 5));
      return silent;
    };
    hasOthers = false;
    assert.equal(await said(), 1, 'once for all that say so');
    join(making);
    assert.equal(await said(), 2);
    join(works);
    assert.equal(await said(), 2);
  });

  it('is out of reach, though it greets, until somebody is let in', async () => {
    const making = new Connection();
    [making.heard, making.rests] = [null, false];
    silences = silencesOf({ ...TIMES, greetMs: 5_000 });
    silences.notReached(host.login);
    join(making);
    await until('it has greeted', () => host.asked > 0);
    await rounds(2);
    assert.deepEqual([silent, heard], [1, 0]);
    making.heard = 10;
    await until('it is heard', () => heard === 1);
  });

  it('is one on both of the usual ports: a login with the wrong one is no matter of the server', () => {
    const works = new Connection();
    const on = (port: number): Login => ({ ...host.login, port });
    leaves.push(silences.join(works.to(on(143))));
    silences.notReached(on(993));
    assert.equal(silent, 0);
    silences.notReached(on(1993));
    assert.equal(silent, 1);
  });

  it('says nothing to TLS, or something that TLS does not like', async () => {
    const byTls = { ...host.login, secure: true };
    assert.equal(await isGreeted(byTls, 5_000), true, 'it is no TLS, but it answers');
    host.greets = false;
    assert.equal(await isGreeted(byTls, 100), false);
    assert.equal(await isGreeted(host.login, 100), false);
  });
});
