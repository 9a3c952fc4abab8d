// What is done through the console: acts on mails, for one, for some, and for all that a filter finds; and looks at sources.
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import type {
  Acted,
  ActRequest,
  JobAnswer,
  JobsAnswer,
  JobTold,
  MailAnswer,
  MailsAnswer,
} from '../../engine/console/api';
import { LedgerFault } from '../../engine/ledger/fault';
import type { Ledger } from '../../engine/ledger/ledger';
import type { Selection } from '../../engine/ledger/inspection';
import { deadMails, listening } from '../support/console-mails';
import { openConsole, type OpenConsole, OPERATE, type Received, refusedWith } from '../support/console';
import { until } from '../support/until';

/** Something that is waited for until it is opened. */
class Gate {
  open!: () => void;
  readonly #opened = new Promise<void>((resolve) => (this.open = resolve));

  pass(): Promise<void> {
    return this.#opened;
  }
}

const DEAD_OF_W1 = { state: 'DEAD', workflow: 'w1' };

describe('what is done through the console', { timeout: 120_000 }, () => {
  let open: OpenConsole;
  /** Each replay that the ledger was asked for: how many, and by whom. */
  let replays: [count: number, by: string | undefined][];
  /** Before each of them. */
  let before: (replays: number) => Promise<void>;

  beforeEach(async () => {
    replays = [];
    before = async () => undefined;
    open = await openConsole({
      over: (ledger) => ({
        replay: async (selection: Selection, by?: string) => {
          assert.ok('ids' in selection);
          replays.push([selection.ids.length, by]);
          await before(replays.length);
          return ledger.replay(selection, by);
        },
      }),
    });
  });
  afterEach(() => open.close());

  const dead = async (count: number, workflow = 'w1'): Promise<Ledger> => {
    await deadMails(open.ledger, await listening(open.ledger, workflow), count);
    return open.ledger;
  };

  const act = (request: ActRequest): Promise<Received> => open.post('/api/act', request);

  const replayAll = async (count: number): Promise<JobTold> => {
    const answer = await act({ action: 'replay', filter: DEAD_OF_W1, count });
    assert.equal(answer.status, 200, answer.text);
    return answer.json<JobAnswer>().job;
  };

  const ended = (job: JobTold): Promise<JobTold> =>
    until('the job has ended', async () => {
      const { jobs } = await open.get<JobsAnswer>('/api/jobs');
      const told = jobs.find(({ id }) => id === job.id);
      return told && told.state !== 'running' && told;
    });

  const states = async (workflowId: string): Promise<Readonly<Record<string, number>>> =>
    Object.fromEntries(
      Object.entries(await open.ledger.statistics({ workflowId })).filter(([, count]) => count > 0),
    );

  it('is done at once for the mails that were picked, and wakes their trigger', async () => {
    const ledger = await dead(3);
    const { mails } = await open.get<MailsAnswer>('/api/mails');
    const ids = mails.slice(0, 2).map(({ id }) => id);
    const answer = await act({ action: 'replay', ids: [...ids, ids[0]!.toUpperCase()] });
    assert.deepEqual(answer.json<Acted>(), { changed: 2, unserved: 0 });
    assert.deepEqual(replays, [[2, 'console (operate)']]);
    assert.deepEqual(open.woken, [1]);
    assert.equal((await ledger.event(ids[0]!))!.state, 'PENDING');
    for (const [action, changed] of [
      ['replay', 0],
      ['retryNow', 0],
      ['markDone', 2],
      ['forget', 2],
    ] as const) {
      assert.equal((await act({ action, ids })).json<Acted>().changed, changed, action);
    }
  });

  it('is done to those that are still in the state in which they were shown', async () => {
    const ledger = await dead(3);
    const [one, two, three] = (await open.get<MailsAnswer>('/api/mails')).mails.map(({ id }) => id);
    // It has become another since it was shown.
    await ledger.markDone({ ids: [two!] });
    const ids = [one!, two!];
    const shown = await act({ action: 'replay', ids, state: 'dead' });
    assert.deepEqual(shown.json<Acted>(), { changed: 1, unserved: 0 });
    assert.deepEqual(await states('w1'), { PENDING: 1, DONE: 1, DEAD: 1 });
    const several = await act({ action: 'markDone', ids: [one!, three!], state: 'DEAD, RETRY' });
    assert.equal(several.json<Acted>().changed, 1);
    assert.deepEqual(await states('w1'), { PENDING: 1, DONE: 2 });
    assert.equal((await act({ action: 'replay', ids })).json<Acted>().changed, 1, 'without one: as they are');
  });

  it('counts what was changed: what was forgotten has nothing to be forgotten', async () => {
    await dead(2);
    const ids = (await open.get<MailsAnswer>('/api/mails')).mails.map(({ id }) => id);
    assert.equal((await act({ action: 'forget', ids })).json<Acted>().changed, 2);
    assert.equal((await act({ action: 'forget', ids })).json<Acted>().changed, 0);
  });

  it('is done to nothing where it is not said to what', async () => {
    await dead(2);
    const id = (await open.get<MailsAnswer>('/api/mails')).mails[0]!.id;
    for (const [body, words] of [
      [{}, /no "action"/],
      [{ action: 'delete', ids: [id] }, /"delete" is no "action". There are replay/],
      [{ action: 'replay' }, /either "ids"/],
      [{ action: 'replay', ids: [id], filter: {} }, /either "ids"/],
      [{ action: 'replay', ids: [] }, /list of 1 to 200/],
      [{ action: 'replay', ids: Array(201).fill(id) }, /list of 1 to 200/],
      [{ action: 'replay', ids: [id, 7] }, /"7" is no id/],
      [{ action: 'replay', ids: [{ toString: 1, valueOf: 1 }] }, /is no id/],
      [{ action: 'forget', filter: { sender: '\0' }, count: 2 }, /has a sign/],
      [{ action: 'replay', ids: [`${id}'`] }, /is no id/],
      [{ action: 'forget', filter: {}, count: 2 }, /No filter is set/],
      [{ action: 'forget', filter: { workflow: '' }, count: 2 }, /No filter is set/],
      [{ action: 'replay', filter: { workflow: 'w1' }, count: 2 }, /run again, too/],
      [{ action: 'replay', filter: { states: 'DEAD' }, count: 2 }, /"states" is not known/],
      [{ action: 'replay', filter: { state: ['DEAD'] }, count: 2 }, /has to be text/],
      [{ action: 'replay', filter: DEAD_OF_W1 }, /"count" has to be/],
      [{ action: 'replay', filter: DEAD_OF_W1, count: '2' }, /"count" has to be/],
      [{ action: 'replay', filter: DEAD_OF_W1, count: 2, force: true }, /"force" is not known/],
      [{ action: 'replay', filter: DEAD_OF_W1, count: 2, state: 'DEAD' }, /perhaps with a "state"/],
      [{ action: 'replay', ids: [id], count: 1 }, /perhaps with a "state"/],
      [{ action: 'replay', ids: [id], state: 'dead,nonsense' }, /"NONSENSE" is no "state"/],
      [{ action: 'replay', ids: [id], state: '' }, /"" is no "state"/],
      [{ action: 'replay', ids: [id], state: ['DEAD'] }, /"state" has to be text/],
      [{ action: 'forget', filter: { annotation: 'a%00' }, count: 2 }, /"annotation" has a sign/],
      [{ action: 'forget', filter: { workflow: 'w1\0' }, count: 2 }, /"workflow" has a sign/],
    ] as const) {
      refusedWith(await open.post('/api/act', body), 400, words);
    }
    // Within `ids`, within the object that is sent.
    const deep = (levels: number): string => `${'['.repeat(levels)}${']'.repeat(levels)}`;
    for (const [ids, words] of [
      [deep(99), /"object" is no id/],
      [deep(100), /has more than 100 levels/],
      [deep(30_000), /has more than 100 levels/],
    ] as const) {
      const answer = await open.send('/api/act', {
        ...{ method: 'POST', headers: { ...OPERATE, 'content-type': 'application/json' } },
        body: `{"action": "replay", "ids": ${ids}}`,
      });
      refusedWith(answer, 400, words);
    }
    assert.deepEqual(open.errors, []);
    assert.deepEqual(await states('w1'), { DEAD: 2 });
    assert.deepEqual((await open.get<JobsAnswer>('/api/jobs')).jobs, []);
  });

  it('is done to all that a filter finds, in the background, once, and told who did it', async () => {
    await dead(500);
    await dead(3, 'w2');
    const job = await replayAll(500);
    assert.equal(job.by, 'console (operate)');
    assert.equal(job.state, 'running');
    const told = await ended(job);
    assert.deepEqual(
      { ...told, askedAt: '', endedAt: '' },
      {
        ...{
          id: job.id,
          of: 'mails',
          action: 'replay',
          filter: DEAD_OF_W1,
          by: 'console (operate)',
          askedAt: '',
          endedAt: '',
        },
        ...{ state: 'done', count: 500, seen: 500, changed: 500, unserved: 0, error: null },
      },
    );
    assert.deepEqual(replays, [
      [200, 'console (operate)'],
      [200, 'console (operate)'],
      [100, 'console (operate)'],
    ]);
    assert.deepEqual(await states('w1'), { PENDING: 500 });
    assert.deepEqual(await states('w2'), { DEAD: 3 });
    const [mail] = (await open.get<MailsAnswer>('/api/mails?workflow=w1&limit=1')).mails;
    const { deeds } = (await open.get<MailAnswer>(`/api/mails/${mail!.id}`)).life;
    assert.deepEqual(
      deeds.map(({ what, by }) => [what, by]),
      [['replay', 'console (operate)']],
    );
    assert.deepEqual(open.woken, [1, 1, 1]);
  });

  it('leaves alone what came after it was asked for', async () => {
    const ledger = await dead(300);
    const [reached, gate] = [new Gate(), new Gate()];
    before = async (count) => {
      if (count !== 1) return;
      reached.open();
      await gate.pass();
    };
    const job = await replayAll(300);
    await reached.pass();
    await deadMails(ledger, await listening(ledger), 5);
    gate.open();
    assert.equal((await ended(job)).changed, 300);
    assert.deepEqual(await states('w1'), { PENDING: 300, DEAD: 5 });
  });

  it('is stopped half way, and what was done stays done', async () => {
    await dead(500);
    const [reached, gate] = [new Gate(), new Gate()];
    before = async (count) => {
      if (count !== 2) return;
      reached.open();
      await gate.pass();
    };
    const job = await replayAll(500);
    await reached.pass();
    const stopping = await open.post('/api/jobs/stop', { job: job.id });
    assert.equal(stopping.json<JobAnswer>().job.state, 'running');
    gate.open();
    const told = await ended(job);
    assert.equal(told.state, 'stopped');
    assert.equal(told.changed, 400);
    assert.ok(told.endedAt);
    assert.deepEqual(await states('w1'), { PENDING: 400, DEAD: 100 });
    assert.equal((await ended(await replayAll(100))).changed, 100);
    refusedWith(await open.post('/api/jobs/stop', { job: 'x' }), 404, /no such action/);
    refusedWith(await open.post('/api/jobs/stop', {}), 404, /no such action/);
  });

  it('is told with what broke, where the ledger fails on the way', async () => {
    await dead(300);
    before = async (count) => {
      if (count === 2) throw new LedgerFault('full', 'The disk is full.');
    };
    const told = await ended(await replayAll(300));
    assert.deepEqual(
      [told.state, told.seen, told.changed, told.error],
      ['failed', 200, 200, 'The disk is full.'],
    );
    assert.match(open.errors.join(), /ended after 200 mails: The disk is full/);
  });

  it('is not done where there is more by now than the person was told of', async () => {
    await dead(60);
    const answer = await act({ action: 'replay', filter: DEAD_OF_W1, count: 30 });
    refusedWith(answer, 409, /finds 60 mails by now, and you were told of 30/);
    assert.deepEqual(await states('w1'), { DEAD: 60 });
    assert.equal((await ended(await replayAll(45))).changed, 60);
  });

  it('is done once where a button is pressed twice at the same moment', async () => {
    await dead(3);
    const asked = { action: 'replay', filter: DEAD_OF_W1, count: 3 } as const;
    const answers = await Promise.all([act(asked), act(asked), act(asked)]);
    assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 409, 409]);
    await ended(answers.find(({ status }) => status === 200)!.json<JobAnswer>().job);
    assert.deepEqual(replays, [[3, 'console (operate)']]);
  });

  it('is done once where the same is asked for in other words', async () => {
    await dead(3);
    const gate = new Gate();
    before = () => gate.pass();
    const meant = {
      ...{ state: 'DEAD,UNKNOWN', workflow: 'w1', sender: 'BOB', since: '2026-01-31T00:00:00Z' },
    };
    const job = (await act({ action: 'replay', filter: meant, count: 3 })).json<JobAnswer>().job;
    for (const filter of [
      meant,
      { ...meant, state: 'UNKNOWN,DEAD' },
      { ...meant, state: 'dead, dead,UNKNOWN,DEAD' },
      { sender: 'bob', state: 'DEAD,UNKNOWN', since: '2026-01-31', workflow: 'w1', source: '' },
      { ...meant, since: '2026-01-31T01:00:00.000+01:00' },
    ])
      refusedWith(await act({ action: 'replay', filter, count: 3 }), 409, /being done already/);
    const other = await act({ action: 'replay', filter: { ...meant, workflow: 'W1' }, count: 0 });
    assert.equal(other.status, 200, 'an id has its case');
    gate.open();
    await ended(job);
    assert.deepEqual(replays, [[3, 'console (operate)']]);
  });

  it('leaves alone what the filter found and would not find any more when its turn comes', async () => {
    const ledger = await dead(3);
    const [moved] = (await open.get<MailsAnswer>('/api/mails')).mails;
    before = async () => {
      await ledger.markDone({ ids: [moved!.id] });
    };
    const { seen, changed } = await ended(await replayAll(3));
    assert.deepEqual([seen, changed], [3, 2]);
    assert.deepEqual(await states('w1'), { PENDING: 2, DONE: 1 });
  });

  it('is not done twice at the same time, nor too many of them', async () => {
    await dead(1);
    const gate = new Gate();
    before = () => gate.pass();
    const job = await replayAll(1);
    refusedWith(await act({ action: 'replay', filter: DEAD_OF_W1, count: 1 }), 409, /being done already/);
    for (const sender of ['a', 'b', 'c']) {
      await deadMails(open.ledger, await listening(open.ledger), 1, { sender });
      const filter = { ...DEAD_OF_W1, sender };
      assert.equal((await act({ action: 'replay', filter, count: 1 })).status, 200);
    }
    const fifth = await act({ action: 'replay', filter: { state: 'DEAD' }, count: 4 });
    refusedWith(fifth, 429, /4 such actions are under way/);
    assert.ok(fifth.headers['retry-after']);
    gate.open();
    await ended(job);
  });

  it('asks for a look at a source that there is, and that somebody listens to', async () => {
    await listening(open.ledger);
    await open.ledger.unserve([{ workflowId: 'w1', nodeId: 'n1' }]);
    refusedWith(await open.post('/api/look', { source: 1 }), 409, /No published workflow listens/);
    assert.deepEqual(open.looked, []);
    await open.ledger.serve([{ workflowId: 'w1', nodeId: 'n1' }]);
    assert.deepEqual((await open.post('/api/look', { source: 1 })).json(), { asked: true });
    for (const source of [2, '1', null, 1.5]) {
      refusedWith(await open.post('/api/look', { source }), 404, /no such source/);
    }
    assert.deepEqual(open.looked, [1]);
    assert.equal((await open.send('/api/look', { method: 'POST', headers: OPERATE })).status, 415);
  });
});
