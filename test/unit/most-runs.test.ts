// How many runs a process has at once: what the environment says, n8n's own limit, and what n8n can carry.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { afterEach, describe, it } from 'node:test';
import * as mostRunsModule from '../../nodes/host/listen/most-runs';

const { mostRuns, mostRunsFault, runSlots } = mostRunsModule;

const NAMES = ['DURABLE_MAIL_MOST_RUNS', 'N8N_CONCURRENCY_PRODUCTION_LIMIT', 'DB_TYPE', 'EXECUTIONS_MODE'];
const before = new Map(NAMES.map((name) => [name, process.env[name]]));

describe('the most runs of a process', () => {
  afterEach(() => {
    for (const [name, value] of before) {
      if (value === undefined) Reflect.deleteProperty(process.env, name);
      else process.env[name] = value;
    }
  });

  const most = (environment: Record<string, string>, cores = 2): number => {
    for (const name of NAMES) Reflect.deleteProperty(process.env, name);
    Object.assign(process.env, environment);
    return mostRuns(cores);
  };

  it('are by default what n8n can carry: by cores, and by its database', () => {
    assert.equal(most({}, 1), 10);
    assert.equal(most({}, 2), 20);
    assert.equal(most({}, 16), 20, 'SQLite has one writer, however many cores there are');
    assert.equal(most({ DB_TYPE: 'sqlite' }, 16), 20);
    assert.equal(most({ DB_TYPE: 'postgresdb' }, 2), 20);
    assert.equal(most({ DB_TYPE: 'postgresdb' }, 16), 50);
  });

  it('are what the variable says, which may be more or less', () => {
    assert.equal(most({ DURABLE_MAIL_MOST_RUNS: '100' }), 100);
    assert.equal(most({ DURABLE_MAIL_MOST_RUNS: ' 1 ' }), 1);
    assert.equal(most({ DURABLE_MAIL_MOST_RUNS: '' }), 20);
  });

  it("are never more than n8n's own limit", () => {
    assert.equal(most({ N8N_CONCURRENCY_PRODUCTION_LIMIT: '3' }), 3);
    assert.equal(most({ N8N_CONCURRENCY_PRODUCTION_LIMIT: '3', DURABLE_MAIL_MOST_RUNS: '9' }), 3);
    assert.equal(most({ N8N_CONCURRENCY_PRODUCTION_LIMIT: '30' }), 20);
    for (const none of ['-1', '-5', 'many', ''])
      assert.equal(most({ N8N_CONCURRENCY_PRODUCTION_LIMIT: none }), 20, `"${none}" is no limit`);
  });

  it('are as many as each workflow may have in queue mode, where workers take what they can carry', () => {
    const queue = { EXECUTIONS_MODE: 'queue' };
    assert.equal(most(queue), Infinity);
    assert.equal(most({ ...queue, N8N_CONCURRENCY_PRODUCTION_LIMIT: '5' }), Infinity, "it is each worker's");
    assert.equal(most({ ...queue, DURABLE_MAIL_MOST_RUNS: '40' }), 40);
  });

  it('are the default where the variable is no number, which is said with its name', () => {
    for (const wrong of ['0', '-1', '2.5', '1001', 'many']) {
      assert.equal(most({ DURABLE_MAIL_MOST_RUNS: wrong }), 20);
      assert.equal(
        mostRunsFault(),
        'The environment variable DURABLE_MAIL_MOST_RUNS cannot be used: it must be a whole number from 1 to 1000.',
      );
    }
    most({ DURABLE_MAIL_MOST_RUNS: '7' });
    assert.equal(mostRunsFault(), null);
  });

  it('are counted once in a process, also by a second copy of the package', () => {
    const load = createRequire(__filename);
    const file = load.resolve('../../nodes/host/listen/most-runs');
    const first = runSlots();
    Reflect.deleteProperty(load.cache, file);
    const second = load(file) as typeof mostRunsModule;
    assert.notEqual(second.runSlots, runSlots, 'it is another copy');
    assert.equal(second.runSlots(), first);
  });
});
