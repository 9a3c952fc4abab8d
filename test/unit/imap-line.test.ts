// The modes of a line: what leads from one to the next, with a server and mailboxes that do as they are told.
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it, mock } from 'node:test';
import { ImapFault } from '../../engine/imap/session/fault';
import type { ImapLogin } from '../../engine/imap/session/login';
import { ImapSession } from '../../engine/imap/session/session';
import { ImapLine } from '../../engine/imap/watch/line';
import type { WatchedMailbox } from '../../engine/imap/watch/mailbox';
import { LINE_TIMES } from '../../engine/imap/watch/pace';
import type { Silences } from '../../engine/imap/watch/silence';
import type { ImapSubscriber } from '../../engine/imap/watch/subscriber';
import { Bell } from '../../engine/runtime/bell';
import { readingOf } from '../support/reading';
import { until } from '../support/until';

const LOGIN: ImapLogin = {
  ...{ host: 'imap.example.com', port: 993, secure: true, startTls: 'required', user: 'ann' },
  ...{ proof: { password: 'secret' }, allowUnauthorizedCerts: false, mostConnections: 1 },
};
const NEVER_SOON = { ...LINE_TIMES, standbyMs: 60_000, leastRetryMs: 100 };

/** A connection that waits until somebody ends the wait. */
class Session {
  readonly canIdle = true;
  readonly isHinted = false;
  readonly opened = { name: 'INBOX' };
  readonly #bell = new Bell<'interrupt'>();
  waits = 0;
  ends = 0;

  async wait(ms: number, _againMs: number, signal: AbortSignal): Promise<'time' | 'interrupt'> {
    this.waits++;
    this.#bell.take('interrupt');
    await this.#bell.wait(ms, ['interrupt'], signal);
    return this.#bell.take('interrupt') ? 'interrupt' : 'time';
  }

  interrupt(): void {
    this.#bell.ring('interrupt');
  }

  ended = (): void => undefined;

  abandon(): void {
    this.ended();
  }

  async end(): Promise<void> {
    this.ends++;
  }
}

/** What a line meets. */
class Scene {
  readonly sessions: Session[] = [];
  /** Connections that are being made. */
  readonly connecting: { made: () => Session; failed: (fault: Error) => void }[] = [];
  isHeld = true;
  /** Another process is to have it. */
  isPassing = false;
  /** That process is not given it. */
  isRefused = false;
  /** The server says nothing to this process, whatever is asked. */
  isSilent = false;
  notReached = 0;
  cutOffs = 0;
  checking = (): Promise<void> => Promise.resolve();
  /** Those that the server is known to have. */
  connections = 0;
  visits = 0;
  /** What the next visit does. */
  visiting: () => Promise<void> = () => Promise.resolve();
  readonly told: unknown[] = [];
  moves = 0;
  user = LOGIN.user;
  takenOver = 0;
  isTakenOver = false;
  /** What people, or other processes, are told cannot be told. */
  telling: () => Promise<boolean> = () => Promise.resolve(false);
  readonly line: ImapLine;

  constructor() {
    mock.method(ImapSession, 'connect', (_login: unknown, signal: AbortSignal) => this.#connect(signal));
    const tooMany = (): boolean => {
      this.takenOver++;
      return this.isTakenOver;
    };
    const silences = {
      join: () => {
        this.connections++;
        return () => {
          this.connections--;
        };
      },
      isSilent: () => this.isSilent,
      notReached: () => this.notReached++,
    } as unknown as Silences;
    this.line = new ImapLine('ann@imap.example.com', NEVER_SOON, silences, tooMany, this.#mailbox());
  }

  #connect(signal: AbortSignal): Promise<Session> {
    return new Promise((resolve, reject) => {
      signal.addEventListener('abort', () => {
        if (this.isSilent) reject(signal.reason as Error);
      });
      this.connecting.push({
        made: () => {
          const session = new Session();
          this.sessions.push(session);
          resolve(session);
          return session;
        },
        failed: reject,
      });
    });
  }

  #mailbox(): WatchedMailbox {
    const subscriber = {
      login: () => Promise.resolve({ ...LOGIN, user: this.user }),
      reading: readingOf(),
      moved: () => this.moves++,
      warn: () => undefined,
    } as unknown as ImapSubscriber;
    const isHeld = (): boolean => this.isHeld;
    const isPassing = (): boolean => this.isPassing;
    const mailbox = {
      key: { kind: 'imap', account: 'ann@imap.example.com', mailbox: 'INBOX' },
      announcements: { looks: () => undefined, heartbeatMs: () => 60_000 },
      notBefore: 0,
      actionsDue: false,
      subscribers: () => [subscriber],
      held: () => Promise.resolve(this.isHeld),
      get isHeld() {
        return isHeld();
      },
      get isPassing() {
        return isPassing();
      },
      passOn: async () => {
        if (this.isPassing && !this.isRefused) this.isHeld = false;
        if (this.isRefused) this.isPassing = false;
      },
      follow: () => undefined,
      outOfReach: () => this.telling(),
      cutOff: async () => {
        this.cutOffs++;
      },
      checking: () => this.checking(),
      visit: async () => {
        this.visits++;
        await this.visiting();
        return { more: false };
      },
      failed: async (error: unknown) => void this.told.push(error),
    };
    return mailbox as unknown as WatchedMailbox;
  }

  async is(mode: ImapLine['mode']): Promise<void> {
    await until(`it is ${mode}`, () => this.line.mode === mode);
  }

  /** A connection is being made; then it is, or not. */
  async connects(): Promise<Scene['connecting'][number]> {
    await until('a connection is being made', () => this.connecting.length > 0);
    assert.equal(this.line.mode, 'connecting');
    return this.connecting.shift()!;
  }

  async follows(): Promise<Session> {
    const session = (await this.connects()).made();
    await until('it waits', () => session.waits > 0);
    assert.equal(this.line.mode, 'following');
    return session;
  }

  /** A visit is under way that nobody answers, until the connection is given up. */
  async visitsInVain(): Promise<Session> {
    const session = await this.follows();
    this.visiting = () =>
      new Promise((_, reject) => {
        session.ended = () => reject(new ImapFault('connection', 'It was lost'));
      });
    this.line.nudge();
    await until('a visit is under way', () => this.visits > 1);
    return session;
  }
}

describe('a line', () => {
  let scene: Scene;

  beforeEach(() => {
    scene = new Scene();
  });
  afterEach(async () => {
    const ended = scene.line.stop();
    for (const { failed } of scene.connecting) failed(new ImapFault('connection', 'over'));
    await ended;
    assert.equal(scene.line.mode, 'ended');
    for (const { ends } of scene.sessions) assert.ok(ends > 0, 'no connection is left open');
    mock.restoreAll();
  });

  it('connects, follows, and backs off when the connection breaks; then it connects again', async () => {
    const first = await scene.follows();
    assert.equal(scene.visits, 1);
    const lost = new ImapFault('connection', 'It was lost');
    scene.visiting = () => Promise.reject(lost);
    scene.line.nudge();
    await scene.is('backing off');
    assert.deepEqual([scene.told, first.ends > 0], [[lost], true]);
    scene.visiting = () => Promise.resolve();
    const visits = scene.visits;
    await scene.follows();
    assert.equal(scene.visits, visits + 1);
  });

  it('gives away what another process is to have, however long it waits', async () => {
    (await scene.connects()).failed(new ImapFault('login', 'The password is rejected'));
    await scene.is('backing off');
    scene.isPassing = true;
    scene.line.nudge();
    await new Promise((resolve) => setTimeout(resolve, 200));
    assert.equal(scene.line.mode, 'standing by');
    assert.equal(scene.isHeld, false);
  });

  it('ends what is under way to a server that says nothing, as soon as another process is to have it', async () => {
    const session = await scene.visitsInVain();
    scene.isPassing = true;
    scene.line.nudge();
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.deepEqual(
      [scene.line.mode, session.ends],
      ['following', 0],
      'a mail that takes long is no silence',
    );
    scene.isSilent = true;
    scene.line.nudge();
    await until('it was given away', () => !scene.isHeld);
    await scene.is('standing by');
    assert.equal(scene.connections, 0);
  });

  it('backs off where nobody takes what a connection was given up for', async () => {
    (await scene.connects()).failed(new ImapFault('busy', 'Later', { retryAfterMs: 1 }));
    await scene.connects();
    scene.isSilent = true;
    scene.isPassing = true;
    scene.isRefused = true;
    scene.line.nudge();
    await until('it is told', () => scene.told.length === 2);
    assert.match(String(scene.told.at(-1)), /The server of ann@imap\.example\.com does not answer/);
    assert.ok(scene.isHeld);
  });

  it('begins no connection for what another process was found for meanwhile', async () => {
    scene.checking = async () => {
      scene.isPassing = true;
    };
    (await scene.connects()).failed(new ImapFault('busy', 'Later', { retryAfterMs: 1 }));
    await until('it was given away', () => !scene.isHeld);
    await scene.is('standing by');
    assert.equal(scene.connecting.length, 0);
  });

  it('lets go also of what another process was found for before the server fell silent', async () => {
    await scene.visitsInVain();
    scene.isPassing = scene.isSilent = true;
    scene.line.cutOff();
    await until('it was given away', () => !scene.isHeld);
    assert.equal(scene.cutOffs, 1);
  });

  it('says that its server is not reached, where that is not a matter of the login', async () => {
    scene.telling = () => Promise.resolve(true);
    (await scene.connects()).failed(new ImapFault('login', 'The password is rejected'));
    await scene.is('backing off');
    await until('it was told', () => scene.told.length === 1);
    await new Promise((resolve) => setTimeout(resolve, 120));
    scene.line.look();
    (await scene.connects()).failed(new ImapFault('unreachable', 'It is not there'));
    await until('it is said', () => scene.notReached > 0);
    assert.equal(scene.notReached, 1);
  });

  it('gives up a connection that is not answered, as soon as another process is to have what it is for', async () => {
    scene.isSilent = true;
    await scene.follows();
    scene.visiting = () => Promise.reject(new ImapFault('connection', 'It was lost'));
    scene.line.nudge();
    await scene.connects();
    scene.line.nudge();
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.deepEqual([scene.line.mode, scene.connections], ['connecting', 1], 'there may be nobody else');
    scene.isPassing = true;
    scene.line.nudge();
    await until('it was given away', () => !scene.isHeld);
    await scene.is('standing by');
    assert.equal(scene.connections, 0);
    assert.equal(scene.told.length, 1, 'that it was given up is no fault of the server');
  });

  it('backs off where no connection is made, however often somebody joins', async () => {
    (await scene.connects()).failed(new ImapFault('login', 'The password is rejected'));
    await scene.is('backing off');
    for (let joined = 0; joined < 5; joined++) scene.line.nudge();
    await new Promise((resolve) => setTimeout(resolve, 200));
    assert.equal(scene.line.mode, 'backing off');
    assert.equal(scene.told.length, 1);
  });

  it('leaves the server alone as long where it cannot be told how it is doing', async () => {
    scene.telling = async () => {
      await new Promise(setImmediate);
      throw new Error('It cannot be told');
    };
    (await scene.connects()).failed(new ImapFault('connection', 'It was lost'));
    await scene.is('backing off');
    await new Promise((resolve) => setTimeout(resolve, 200));
    assert.equal(scene.told.length, 1);
    scene.telling = () => Promise.resolve(false);
    await scene.follows();
  });

  it('looks as soon as a person asks, and tries again then what failed, but not at once', async () => {
    const refused = new ImapFault('login', 'The password is rejected');
    (await scene.connects()).failed(refused);
    await scene.is('backing off');
    scene.line.look();
    scene.line.look();
    assert.equal(scene.line.mode, 'backing off');
    (await scene.connects()).failed(refused);
    await scene.is('backing off');
    await new Promise((resolve) => setTimeout(resolve, 200));
    assert.equal(scene.line.mode, 'backing off', 'once for all who asked');
    scene.line.look();
    const session = await scene.follows();
    const { visits } = scene;
    scene.line.look();
    await until('it was visited', () => scene.visits > visits && session.waits > 1);
    assert.equal(scene.sessions.length, 1);
  });

  it('stands by while another process has the mailboxes, and looks when somebody joins', async () => {
    const session = await scene.follows();
    scene.isHeld = false;
    scene.line.nudge();
    await scene.is('standing by');
    assert.ok(session.ends > 0);
    scene.line.nudge();
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.equal(scene.line.mode, 'standing by');
    scene.isHeld = true;
    scene.line.nudge();
    await scene.follows();
  });

  it('stands by when everybody has moved to another account', async () => {
    (await scene.connects()).failed(new ImapFault('busy', 'Later', { retryAfterMs: 1 }));
    scene.user = 'bob';
    await until('it was told to move', () => scene.moves > 0);
    assert.equal(scene.line.mode, 'standing by');
    assert.equal(scene.connecting.length, 0);
  });

  it('serves who joins during a visit with the next one, without a wait between', async () => {
    const making = await scene.connects();
    scene.visiting = async () => {
      if (scene.visits === 1) scene.line.nudge();
    };
    const session = making.made();
    await until('it waits', () => session.waits > 0);
    assert.deepEqual([scene.visits, session.waits], [2, 1]);
  });

  it('ends where another line takes its mailboxes over, and tells nobody', async () => {
    scene.isTakenOver = true;
    (await scene.connects()).failed(new ImapFault('busy', 'Too many connections'));
    await scene.is('ended');
    assert.deepEqual([scene.takenOver, scene.told], [1, []]);
  });

  it('goes on alone where nobody takes them over', async () => {
    (await scene.connects()).failed(new ImapFault('busy', 'Too many connections'));
    await scene.is('backing off');
    assert.deepEqual([scene.takenOver, scene.told.length], [1, 1]);
    await scene.follows();
  });

  it('is ended in whatever mode it is, with its connection', async () => {
    const making = await scene.connects();
    const ended = scene.line.stop();
    const late = making.made();
    await ended;
    assert.deepEqual([late.ends > 0, late.waits, scene.visits], [true, 0, 0]);
    const following = new Scene();
    const session = await following.follows();
    await following.line.stop();
    assert.deepEqual([following.line.mode, session.ends > 0], ['ended', true]);
    const backing = new Scene();
    (await backing.connects()).failed(new ImapFault('login', 'The password is rejected'));
    await backing.is('backing off');
    await backing.line.stop();
    assert.equal(backing.line.mode, 'ended');
  });
});
