// An account that is asked over HTTP, of a kind that nobody knows: what it takes to watch one, and what comes with it.
import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import type { Ledger } from '../../engine/ledger/ledger';
import type { SourceReport } from '../../engine/ledger/sources';
import { PolledAccounts } from '../../engine/polled/accounts';
import { AccountFault, type Purpose } from '../../engine/polled/fault';
import type { PolledCall, PolledKind, PolledSubscriber, RoundEnd } from '../../engine/polled/kind';
import { PolledLoop } from '../../engine/polled/loop';
import { Notices } from '../../engine/polled/notices';
import type { PolledTimes } from '../../engine/polled/pace';
import { Bell } from '../../engine/runtime/bell';
import { processWide } from '../../engine/runtime/process-wide';
import { monotonicNow, pause } from '../../engine/runtime/time';
import { ProcessWake } from '../../engine/signal/wake';
import { FoundBack } from '../../engine/source/found-back';
import { SourceLeases } from '../../engine/source/leases';
import { lookKey } from '../../engine/source/notices';
import { SourceRegistry } from '../../engine/source/registry';
import { WatchedSource, type WatchPorts } from '../../engine/source/watched';
import { silentLog } from '../support/log';
import { until } from '../support/until';

interface Post {
  readonly login: { readonly address: string; readonly credential: { readonly id: string } };
  readonly reading: { readonly pollMs: number };
  readonly api: { look(): Promise<string>; change(): Promise<string> };
}

class PostFault extends AccountFault {
  readonly needsPerson = true;

  constructor(
    message: string,
    readonly isRejection = true,
    readonly isOfAllLogins = false,
    readonly isOutOfReach = false,
  ) {
    super(message);
  }

  isOfLoginFor(purpose: Purpose): boolean {
    return this.isRejection && purpose !== 'notify';
  }

  inOtherWords(message: string): PostFault {
    return new PostFault(message, this.isRejection);
  }
}

const TIMES: PolledTimes = {
  ...{ standbyMs: 20, lookMs: 60_000, olderMs: 20, leastLookMs: 1, earlyMs: 20, tailMs: 20, storedMs: 20 },
  ...{ notifiedPollMs: 60_000, retryMs: [20], rejectedMs: [20], leastRetryMs: 5 },
  ledger: { firstMs: 20, mostMs: 20 },
};
const NOTHING: RoundEnd = { older: null, recovered: null, againInMs: null, news: false };

// Whoever waits for a server that is found back tries it at once.
processWide('found-back/1', () => new FoundBack({ now: monotonicNow, pause, random: () => 0 }));

const KEY = { kind: 'post', account: 'ann', mailbox: 'box' };

/** A post office: what it is asked, by whose credential, and what it answers. */
class PostOffice {
  readonly asked: string[] = [];
  readonly told: string[] = [];
  readonly reports: SourceReport[] = [];
  readonly wake = new ProcessWake();
  /** Credentials that are refused. */
  readonly refused = new Set<string>();
  /** Why nobody is answered. */
  fault: PostFault | null = null;
  /** What the next rounds come to; then nothing. */
  readonly rounds: RoundEnd[] = [];
  chores = 0;
  isChoreDue = false;
  /** Another process has the account. */
  isElsewhere = false;
  /** Where everybody signs in. */
  address = 'ann';
  /** What is asked is answered when this resolves. */
  answering: Promise<void> = Promise.resolve();
  readonly #ports: WatchPorts;
  readonly #times: PolledTimes;
  readonly #registry: SourceRegistry<Post['login'], Post['reading']>;

  constructor(times: Partial<PolledTimes> = {}) {
    const ledger = {
      holdSource: () =>
        Promise.resolve(
          this.isElsewhere ? { heldBy: 'elsewhere:1:a', until: null } : { hold: { sourceId: 9, fence: 1 } },
        ),
      releaseHolds: () => Promise.resolve(),
      reportSource: async (_: unknown, report: SourceReport) => void this.reports.push(report),
    } as unknown as Ledger;
    this.#ports = { ledger, leases: new SourceLeases(ledger, silentLog), wake: this.wake, log: silentLog };
    this.#times = { ...TIMES, ...times };
    this.#registry = new SourceRegistry(new PolledAccounts(this.#kind(), this.#ports, this.#times).start);
  }

  #kind(): PolledKind<Post> {
    const answer = async (what: string, credential: string): Promise<string> => {
      this.asked.push(`${what} by ${credential}`);
      await this.answering;
      if (this.fault) throw this.fault;
      if (this.refused.has(credential)) throw new PostFault(`${credential} is not accepted`);
      return what;
    };
    return {
      names: (account) => {
        const name = `postbox of ${account}`;
        return { name, called: `the ${name}`, settings: 'wishes', server: 'The post office' };
      },
      reaching: {
        open: ({ credential: { id } }) => ({
          look: () => answer('looked', id),
          change: () => answer('changed', id),
        }),
        shared: (ask) => ({
          look: () => ask('read', (api) => api.look()),
          change: () => ask('change', (api) => api.change()),
        }),
        serverOf: () => 'post office',
        asksFor: ({ hasActions }) => hasActions,
        allRefused: (cause) => new PostFault((cause as Error).message, true, true),
      },
      watch: () => ({
        announcing: {
          isWorking: false,
          until: null,
          heard: () => undefined,
          missed: () => undefined,
          want: () => undefined,
          leave: () => Promise.resolve(),
        },
        chores: [
          {
            dueInMs: (wasRead) => (this.isChoreDue && wasRead ? 0 : Infinity),
            run: async () => {
              this.isChoreDue = false;
              this.chores++;
            },
          },
        ],
        read: async ({ api }) => {
          await api.look();
          return this.rounds.shift() ?? NOTHING;
        },
        act: async ({ apiOf }) => {
          await apiOf(2).change();
          return false;
        },
      }),
    };
  }

  join(id: number, credential: string, pollMs = 60_000): () => Promise<void> {
    return this.#registry.join(KEY, this.#subscriber(id, credential, pollMs));
  }

  /** The loop alone, of one who listens, and its bell. */
  loop(): { readonly loop: PolledLoop<Post>; readonly bell: Bell<PolledCall> } {
    const [kind, bell, notices] = [this.#kind(), new Bell<PolledCall>(), new Notices()];
    const listening = [this.#subscriber(1, 'first', 60_000)];
    const source = new WatchedSource(KEY, 9, kind.names('ann'), () => listening, this.#ports);
    const account = kind.watch(source, bell, notices);
    const parts = { kind, source, account, bell, notices, times: this.#times, log: silentLog };
    return { loop: new PolledLoop(parts), bell };
  }

  #subscriber(id: number, credential: string, pollMs: number): PolledSubscriber<Post> {
    const tell = (what: string) => (fault: Error) => void this.told.push(`${id} ${what}: ${fault.message}`);
    return {
      subscription: { id, sourceId: 9, cursor: { at: 1 }, createdAt: 0, nodeIds: [id] },
      ...{
        reading: { pollMs },
        outage: { afterMs: 0, whenOver: false },
        hasActions: true,
        mostConnections: 1,
      },
      ...{ joinedAt: 0, begun: () => true, synced: () => undefined, reportOver: () => undefined },
      login: () => Promise.resolve({ address: this.address, credential: { id: credential } }),
      report: tell('reported'),
      warn: tell('warned'),
      moved: () => undefined,
    };
  }

  looks(): number {
    return this.asked.filter((what) => what.startsWith('looked')).length;
  }
}

describe('a polled account, of whatever kind', () => {
  const leaving: (() => Promise<void>)[] = [];
  afterEach(() => Promise.all(leaving.splice(0).map((leave) => leave())));

  it('is read at once, by its poll, and when somebody joins; then what is due with mails is done', async () => {
    const post = new PostOffice();
    leaving.push(post.join(1, 'first', 30));
    await until('it was polled', () => post.looks() >= 4);
    assert.ok(post.asked.includes('changed by first'));
    const slow = new PostOffice();
    leaving.push(slow.join(1, 'first'));
    await until('it was read, and acted on', () => slow.asked.length === 2);
    leaving.push(slow.join(2, 'second'));
    await until('it was read for the other one', () => slow.looks() === 2);
    assert.deepEqual(slow.reports.at(-1)?.state, 'idle');
  });

  it('is read on while there is older mail, and rests then', async () => {
    const post = new PostOffice();
    const older = { read: 1, left: 1, waits: false };
    post.rounds.push({ ...NOTHING, older }, { ...NOTHING, older }, { ...NOTHING, againInMs: 10 });
    leaving.push(post.join(1, 'first'));
    await until('it was read to its end', () => post.looks() === 4);
    await new Promise((resolve) => setTimeout(resolve, 100));
    assert.equal(post.looks(), 4);
  });

  it('does its chores beside the reading, once it was read, at a call', async () => {
    const post = new PostOffice();
    post.isChoreDue = true;
    leaving.push(post.join(1, 'first'));
    await until('the chore is done', () => post.chores === 1);
    await until('what is due with mails is done after it', () => post.asked.includes('changed by first'));
    post.asked.length = 0;
    post.wake.notify([1]);
    await until('it acts when a run has ended', () => post.asked.includes('changed by first'));
    assert.deepEqual(post.asked, ['changed by first'], 'and asks nothing else for it');
  });

  it('is reached over whatever login works; told is whose own does not, and acts are done with the own one', async () => {
    const post = new PostOffice();
    post.refused.add('first');
    leaving.push(post.join(1, 'first'), post.join(2, 'second'));
    await until('it is reached', () => post.asked.includes('changed by second'));
    assert.deepEqual(post.asked.slice(0, 2), ['looked by first', 'looked by second']);
    assert.deepEqual(post.told, [
      `1 reported: The postbox of ann is read with the credentials of other workflows only, since this workflow's own does not work: first is not accepted`,
    ]);
  });

  it('that no login reaches is told to each in words of the own one, and tried until it is reached', async () => {
    const post = new PostOffice();
    for (const credential of ['first', 'second']) post.refused.add(credential);
    leaving.push(post.join(1, 'first'), post.join(2, 'second'));
    await until('both are told', () => post.told.length === 2);
    assert.deepEqual([...post.told].sort(), [
      '1 reported: first is not accepted',
      '2 reported: second is not accepted',
    ]);
    assert.equal(post.reports.at(-1)?.state, 'retry_scheduled');
    post.refused.clear();
    await until('it is read again', () => post.reports.at(-1)?.state === 'idle');
    assert.equal(post.told.length, 2);
  });

  it('is in one mode at a time: another has it, it is read, at rest, left alone, left', async () => {
    const post = new PostOffice({ retryMs: [60_000], rejectedMs: [60_000], standbyMs: 60_000 });
    post.isElsewhere = true;
    const { loop, bell } = post.loop();
    const is = (mode: typeof loop.mode): Promise<boolean> => until(`it is ${mode}`, () => loop.mode === mode);
    await is('standing by');
    assert.deepEqual(post.asked, []);

    let answer = (): void => undefined;
    post.answering = new Promise((resolve) => (answer = resolve));
    post.isElsewhere = false;
    bell.ring('joined');
    await is('reading');
    bell.ring('joined');
    answer();
    await until('it was read once more, for who joined meanwhile', () => post.looks() === 2);
    await is('resting');

    post.fault = new PostFault('It is closed', false);
    bell.ring('joined');
    await is('backing off');
    const looks = post.looks();
    bell.ring('notice');
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.deepEqual([loop.mode, post.looks()], ['backing off', looks], 'whatever comes');
    post.fault = null;
    bell.ring('joined');
    await is('resting');

    post.address = 'bob';
    bell.ring('joined');
    await is('moving');
    post.address = 'ann';
    await is('resting');
    await loop.stop();
    assert.equal(loop.mode, 'ended');
  });

  it('is read when a person asks, also while it is left alone or all logins are refused, and no sooner than it may be', async () => {
    const post = new PostOffice({ retryMs: [60_000], rejectedMs: [60_000], storedMs: 60_000 });
    const ask = (): void => post.wake.notify([lookKey(9)]);
    leaving.push(post.join(1, 'first'));
    await until('it was read, and acted on', () => post.asked.length === 2);
    ask();
    await until('it was read again', () => post.looks() === 2);
    for (const fault of [new PostFault('It is closed', false), null]) {
      post.fault = fault;
      if (!fault) post.refused.add('first');
      ask();
      await until('it is left alone', () => post.reports.at(-1)?.state === 'retry_scheduled');
      await new Promise((resolve) => setTimeout(resolve, 50));
      const looks = post.looks();
      post.fault = null;
      post.refused.clear();
      ask();
      await until('it is tried again', () => post.reports.at(-1)?.state === 'idle');
      assert.equal(post.looks(), looks + 1);
    }
  });

  it('that was out of reach is read as soon as another account on its server is, and no sooner for other faults', async () => {
    const RARELY = { retryMs: [60_000], rejectedMs: [60_000] };
    const [out, alsoOut, busy, refused] = Array.from({ length: 4 }, () => new PostOffice(RARELY));
    for (const one of [out!, alsoOut!]) one.fault = new PostFault('There is no answer', false, false, true);
    busy!.fault = new PostFault('Too much was asked for', false);
    refused!.fault = new PostFault('Not accepted');
    const all = [out!, alsoOut!, busy!, refused!];
    for (const one of all) leaving.push(one.join(1, 'first'));
    const state = (one: PostOffice): string | undefined => one.reports.at(-1)?.state;
    await until('all are left alone', () => all.every((one) => state(one) === 'retry_scheduled'));
    for (const one of all) one.fault = null;
    await new Promise((resolve) => setTimeout(resolve, 100));
    assert.ok(all.every((one) => one.looks() === 1));
    leaving.push(out!.join(2, 'second'));
    await until('both are read', () => [out!, alsoOut!].every((one) => state(one) === 'idle'));
    await new Promise((resolve) => setTimeout(resolve, 100));
    assert.deepEqual([busy!.looks(), refused!.looks()], [1, 1]);
  });
});
