// An account that is asked over HTTP, of a kind that nobody knows: what it takes to watch one, and what comes with it.
import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import type { Ledger, SourceReport } from '../../engine/ledger/ledger';
import { PolledAccounts } from '../../engine/polled/accounts';
import { AccountFault, type Purpose } from '../../engine/polled/fault';
import type { PolledKind, PolledSubscriber, RoundEnd } from '../../engine/polled/kind';
import type { PolledTimes } from '../../engine/polled/pace';
import { ProcessWake } from '../../engine/signal/wake';
import { SourceLeases } from '../../engine/source/leases';
import { SourceRegistry } from '../../engine/source/registry';
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

/** A post office: what it is asked, by whose credential, and what it answers. */
class PostOffice {
  readonly asked: string[] = [];
  readonly told: string[] = [];
  readonly reports: SourceReport[] = [];
  readonly wake = new ProcessWake();
  /** Credentials that are refused. */
  readonly refused = new Set<string>();
  /** What the next rounds come to; then nothing. */
  readonly rounds: RoundEnd[] = [];
  chores = 0;
  isChoreDue = false;
  readonly #registry: SourceRegistry<Post['login'], Post['reading']>;

  constructor() {
    const ledger = {
      holdSource: () => Promise.resolve({ hold: { sourceId: 9, fence: 1 } }),
      releaseHolds: () => Promise.resolve(),
      reportSource: async (_: unknown, report: SourceReport) => void this.reports.push(report),
    } as unknown as Ledger;
    const leases = new SourceLeases(ledger, silentLog);
    const accounts = new PolledAccounts(
      this.#kind(),
      { ledger, leases, wake: this.wake, log: silentLog },
      TIMES,
    );
    this.#registry = new SourceRegistry(accounts.start);
  }

  #kind(): PolledKind<Post> {
    const answer = async (what: string, credential: string): Promise<string> => {
      this.asked.push(`${what} by ${credential}`);
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
    const tell = (what: string) => (fault: Error) => void this.told.push(`${id} ${what}: ${fault.message}`);
    const subscriber: PolledSubscriber<Post> = {
      subscription: { id, sourceId: 9, cursor: { at: 1 }, createdAt: 0, nodeIds: [id] },
      ...{
        reading: { pollMs },
        outage: { afterMs: 0, whenOver: false },
        hasActions: true,
        mostConnections: 1,
      },
      ...{ joinedAt: 0, begun: () => true, synced: () => undefined, reportOver: () => undefined },
      login: () => Promise.resolve({ address: 'ann', credential: { id: credential } }),
      report: tell('reported'),
      warn: tell('warned'),
      moved: () => undefined,
    };
    return this.#registry.join({ kind: 'post', account: 'ann', mailbox: 'box' }, subscriber);
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
});
