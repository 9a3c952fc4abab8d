// What the collector does with jobs that come, change, go, or cannot be begun: over an engine that only counts.
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { Collector } from '../../cli/collect/collector';
import { SourceLines } from '../../cli/collect/source-lines';
import { type ToDoList, toDoList } from '../../cli/collect/to-do';
import { parseConfig } from '../../cli/config/config';
import type { Engine } from '../../engine/instance/engine';
import type { NodeId } from '../../engine/ledger/serving';
import type { SourceKey } from '../../engine/ledger/sources';
import { silentLog } from '../support/log';
import { until } from '../support/until';

const configOf = (...jobs: readonly string[]): string =>
  JSON.stringify({
    // Nobody is there: what is asked is refused at once.
    accounts: { ann: { host: '127.0.0.1', port: 9, user: 'ann', password: { env: 'ANN_PASSWORD' } } },
    jobs: Object.fromEntries(
      jobs.map((name) => [
        name,
        { accounts: 'ann', to: { webhook: { url: 'https://hooks.example.com/mail' } } },
      ]),
    ),
  });

describe('the collector', () => {
  let list: () => Promise<ToDoList>;
  let ending: AbortController;
  let running: Promise<void>;
  let collector: Collector;
  let said: string[];
  let served: string[];
  let unserved: string[];
  /** How many watch the mailbox now. */
  let watched: number;
  /** Called before a job counts as served, or is left. */
  let serving: () => void;
  let leaving: () => void;

  const jobs = async (...names: readonly string[]): Promise<void> => {
    const read = await toDoList(await parseConfig(configOf(...names), 'mail.json'), null);
    list = () => Promise.resolve(read);
  };

  beforeEach(async () => {
    process.env['ANN_PASSWORD'] = 'secret';
    [said, served, unserved] = [[], [], []];
    watched = 0;
    const lines = new SourceLines(silentLog);
    serving = leaving = () => undefined;
    ending = new AbortController();
    const engine = {
      ledger: {
        subscriptionsOf: async () => [
          { id: 1, source: { kind: 'imap', account: 'ann@127.0.0.1:9', mailbox: 'INBOX' } },
        ],
        heritage: async () => [],
        subscribe: async () => ({ id: 1, sourceId: 1, nodeIds: [1] }),
        listensWith: async () => undefined,
      },
      imap: {
        join: (key: SourceKey) => {
          watched++;
          lines.follow(key, { is: 'connected' });
          return async () => {
            watched--;
            leaving();
          };
        },
      },
      served: {
        serve: async ({ workflowId }: NodeId) => {
          serving();
          served.push(workflowId);
        },
        leave: async ({ workflowId }: NodeId) => void unserved.push(workflowId),
      },
    } as unknown as Engine;
    collector = new Collector({
      engine,
      delivering: { serve: () => undefined, leave: async () => undefined },
      lines,
      log: { ...silentLog, info: (text) => said.push(text), error: (text) => said.push(text) },
      list: () => list(),
      others: () => new Set(),
      destination: () => ({ take: async () => undefined }),
    });
    await jobs('orders', 'tickets');
  });
  afterEach(async () => {
    ending.abort();
    await running;
    delete process.env['ANN_PASSWORD'];
  });

  const begin = (): void => void (running = collector.run(ending.signal));
  const refreshed = (times: number): Promise<unknown> =>
    until('it has looked', () => said.filter((text) => text.includes('refreshed: ')).length >= times, 20_000);

  it('leaves jobs that are gone unserved, and none of those that are there when it ends', async () => {
    begin();
    await refreshed(1);
    await jobs('orders');
    collector.refresh();
    await refreshed(2);
    assert.deepEqual([unserved, watched], [['collector:tickets'], 1]);
    ending.abort();
    await running;
    assert.deepEqual([unserved, watched], [['collector:tickets'], 0]);
  });

  it('leaves jobs unserved that were taken out just before it was to end', async () => {
    begin();
    await refreshed(1);
    await jobs('tickets');
    ending.abort();
    await running;
    assert.deepEqual([unserved, watched], [['collector:orders'], 0]);
  });

  it('closes what it could not begin, and watches it once when it can', async () => {
    await jobs('orders');
    let failures = 2;
    serving = () => {
      if (failures-- > 0) throw new Error('The ledger is away');
    };
    leaving = () => {
      throw new Error('nor can it be left');
    };
    begin();
    await refreshed(1);
    assert.deepEqual([watched, served], [0, []]);
    assert.match(said[0]!, /orders, account ann cannot begin, and is tried again: The ledger is away/);
    for (const times of [2, 3]) {
      collector.refresh();
      await refreshed(times);
    }
    assert.deepEqual([watched, served, unserved], [1, ['collector:orders'], []]);
  });

  it('goes on with the others where one of them cannot be closed', async () => {
    leaving = () => {
      throw new Error('it cannot be left');
    };
    begin();
    await refreshed(1);
    await jobs('bills');
    collector.refresh();
    await refreshed(2);
    assert.deepEqual([served.at(-1), watched], ['collector:bills', 1]);
  });

  it('begins nothing by a list that came when it was to end', async () => {
    begin();
    await refreshed(1);
    list = async () => {
      ending.abort();
      return { ...(await toDoList(await parseConfig(configOf('bills'), 'mail.json'), null)) };
    };
    collector.refresh();
    await running;
    assert.equal(served.includes('collector:bills'), false);
  });
});
