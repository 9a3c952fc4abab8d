// Everything that a person does with the package, once, in one n8n: for what differs between n8n's versions. What each
// part of it does in all its cases is tested in the newest n8n alone.
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { Bench, chain, type Node, webhook } from '../e2e/nodes/bench';
import type { StoredEvent } from './n8n';
import { until } from './until';
import { errorWorkflow, mailWorkflow, postMail, postTo, runOnce } from './workflows';

/** What is said of an n8n that lacks something (nodes/host/n8n/internals.ts). */
const LACKS = /\[durable-mail\] (This n8n .*) Everything works from n8n/g;

interface Execution {
  readonly id: string;
  readonly status: string;
  readonly workflowId: string;
}

/** @param inFull this n8n lacks nothing; otherwise what it lacks is said, and the rest works all the same */
export function wholePath({ inFull }: { readonly inFull: boolean }): void {
  describe('the whole path of a mail', { timeout: 20 * 60_000 }, () => {
    const bench = new Bench();
    before(() => bench.start());
    after(() => bench.dispose());
    beforeEach(() => bench.begin());
    afterEach(() => bench.end());

    /** Mail, and a step that posts it to `later`. */
    const posting = (options: object = {}): Promise<string> =>
      bench.publishedMail([postMail(bench.later)], chain('Mail', 'Sink'), options);

    const many = (what: string, count: number): string[] =>
      Array.from({ length: count }, (_, index) => `${what} ${index}`);
    const all = (state: string, count: number): string[] => Array.from({ length: count }, () => state);

    const eventsOf = async (id: string): Promise<StoredEvent[]> =>
      (await bench.n8n.events()).filter(({ workflow }) => workflow === id);

    const lacks = async (): Promise<string[]> =>
      [...(await bench.n8n.log()).matchAll(LACKS)].map(([, what]) => what!);

    it('runs ten mails once each', async () => {
      const id = await posting();
      await bench.append(...many('mail', 10));
      const events = await bench.isNow(id, ...all('DONE', 10));
      assert.ok(events.every(({ attempt }) => attempt === 1));
      assert.deepEqual(
        [...bench.later.counts()].sort(),
        many('mail', 10)
          .map((subject) => [subject, 1])
          .sort(),
      );
      // Their mails are settled before n8n has stored them.
      await until('n8n shows ten good runs', async () => {
        const runs = ((await bench.n8n.api.executions()) as Execution[]).filter(
          ({ workflowId }) => workflowId === id,
        );
        assert.deepEqual(
          runs.map(({ status }) => status),
          all('success', 10),
        );
        return true;
      });
    });

    it('tries a failed run again, sets a mail aside, and tells', async () => {
      const errors = await errorWorkflow(bench.n8n, bench.other);
      bench.later.answer = ({ subject }, earlier) => (subject === 'never' || earlier === 0 ? 500 : 200);
      const login = bench.dovecot.login(bench.user);
      const id = await mailWorkflow(bench.n8n, login, [postMail(bench.later)], {
        options: { retrySchedule: '1s' },
        settings: { errorWorkflow: errors },
      });
      await bench.n8n.api.publish(id);
      await bench.n8n.watching(id);
      await bench.append('second', 'never');
      const events = await bench.isNow(id, 'DONE', 'DEAD');
      assert.deepEqual(
        events.map(({ attempt, failures }) => [attempt, failures]),
        [
          [2, 1],
          [2, 2],
        ],
      );
      assert.match(events[1]!.lastError ?? '', /^Sink: /);
      const said = /A mail was set aside as DEAD/;
      await until('it is told', async () =>
        inFull
          ? bench.other.deliveries.some(({ text }) => said.test(text))
          : said.test(await bench.n8n.log()) || bench.other.deliveries.some(({ text }) => said.test(text)),
      );
      if (inFull) {
        // Of three tries that failed n8n would have told each.
        await new Promise((resolve) => setTimeout(resolve, 1_000));
        assert.equal(bench.other.deliveries.length, 1);
      }
      await bench.n8n.api.unpublish(id);
      await bench.n8n.api.unpublish(errors);
    });

    it('counts a retry that a person presses', async () => {
      bench.later.answer = () => 500;
      const id = await posting({ retrySchedule: '' });
      await bench.append('by hand');
      const [dead] = await bench.isNow(id, 'DEAD');
      // n8n has stored all of it once it is shown as failed.
      await until('n8n shows the failed run', async () =>
        ((await bench.n8n.api.executions()) as Execution[]).some(
          ({ id, status }) => id === dead!.executionId && status === 'error',
        ),
      );
      bench.later.answer = () => 200;
      await bench.n8n.api.request('POST', `/rest/executions/${dead!.executionId}/retry`, {
        loadWorkflow: true,
      });
      await until('the retry has done its work', () => bench.later.deliveries.length === 2);
      const isCounted =
        inFull || !(await lacks()).some((what) => /does not tell of the executions/.test(what));
      await bench.isNow(id, isCounted ? 'DONE' : 'DEAD');
    });

    it('loses nothing when n8n is killed, and runs nothing again that was done', async () => {
      let open = 0;
      bench.later.answer = async () => {
        open++;
        await new Promise((resolve) => setTimeout(resolve, 1_000));
        open--;
        return 200;
      };
      const id = await posting({ retrySchedule: '1s, 1s, 1s', mostInFlight: 3 });
      await bench.append(...many('before the kill', 6));
      await until('some are done, and some under way', () => bench.later.accepted.length >= 2 && open > 0);
      await bench.n8n.down('SIGKILL');
      const done = (await bench.n8n.events()).filter(({ state }) => state === 'DONE').map(({ id }) => id);
      const seen = bench.later.deliveries.length;
      await bench.append(...many('while it is down', 2));
      await bench.n8n.up();
      await bench.isNow(id, ...all('DONE', 8));
      assert.equal(bench.later.counts().size, 8);
      assert.ok(bench.later.deliveries.slice(seen).every(({ eventId }) => !done.includes(eventId)));
    });

    it('stops when it is unpublished, and runs the mail of the meantime when it is published again', async () => {
      const id = await posting();
      await bench.append('before');
      await bench.isNow(id, 'DONE');
      await bench.n8n.api.unpublish(id);
      await bench.append('meanwhile');
      await new Promise((resolve) => setTimeout(resolve, 2_000));
      assert.equal(bench.later.deliveries.length, 1);
      await bench.n8n.api.publish(id);
      await bench.isNow(id, 'DONE', 'DONE');
      assert.equal(bench.later.deliveries.length, 2);
    });

    it('does a step behind Run Once once, when a later one fails', async () => {
      bench.later.answer = (_, earlier) => (earlier === 0 ? 500 : 200);
      const steps = [runOnce(), postMail(bench.guarded, 'Guarded'), postMail(bench.later, 'Later')];
      const edges = [...chain('Mail', 'Run Once', 'Guarded', 'Later'), ['Run Once', 'Later', 1] as const];
      const id = await bench.publishedMail(steps, edges);
      await bench.append('once');
      await bench.isNow(id, 'DONE');
      assert.deepEqual([bench.guarded.deliveries.length, bench.later.deliveries.length], [1, 2]);
    });

    it('shows a mail in the Mail Ledger node, and replays it', async () => {
      bench.later.answer = () => 500;
      const id = await posting({ retrySchedule: '' });
      await bench.append('replayed');
      const [dead] = await bench.isNow(id, 'DEAD');
      const ask = async (parameters: object): Promise<readonly Record<string, unknown>[]> => {
        const path = `ledger-${Object.values(parameters).join('-').length}-${bench.user}`;
        const ledger: Node = {
          name: 'Mail Ledger',
          type: 'n8n-nodes-durable-mail.mailLedger',
          typeVersion: 1,
          parameters: { resource: 'event', eventId: dead!.id, ...parameters },
        };
        await bench.published([webhook(path), ledger], chain('Call', 'Mail Ledger'));
        const response = await bench.call(path);
        assert.equal(response.status, 200);
        return (await response.json()) as Record<string, unknown>[];
      };
      const [shown] = await ask({ operation: 'get' });
      assert.deepEqual([shown?.['state'], shown?.['subject']], ['DEAD', 'replayed']);
      bench.later.answer = () => 200;
      const [replayed] = await ask({ operation: 'replay', select: 'ids', eventIds: dead!.id });
      assert.equal(replayed?.['count'], 1);
      await bench.isNow(id, 'DONE');
    });

    it('shows the newest mail in a manual test, which records nothing', async () => {
      await bench.append('older', 'newest');
      const login = bench.dovecot.login(bench.user);
      const id = await mailWorkflow(bench.n8n, login, [runOnce(), postMail(bench.later)]);
      const before = (await bench.n8n.events()).length;
      for (const count of [1, 2]) {
        await bench.n8n.api.runManually(id, 'Mail');
        await until('the mail is shown', () => bench.later.deliveries.length === count);
      }
      assert.deepEqual(
        bench.later.deliveries.map(({ subject, eventId }) => [subject, eventId]),
        Array.from({ length: 2 }, () => ['newest', 'manual-test']),
      );
      assert.equal((await bench.n8n.events()).length, before);
    });

    it('takes no keys in a manual test that calls another workflow', async () => {
      const called: Node = {
        name: 'Called',
        type: 'n8n-nodes-base.executeWorkflowTrigger',
        typeVersion: 1.1,
        parameters: { inputSource: 'passthrough' },
      };
      const key = runOnce({ key: `={{ "${bench.user}" }}` });
      const inner = await bench.published(
        [called, key, postTo(bench.later, {})],
        chain('Called', 'Run Once', 'Sink'),
      );
      const start = { name: 'Start', type: 'n8n-nodes-base.manualTrigger', typeVersion: 1, parameters: {} };
      const call = {
        name: 'Call It',
        type: 'n8n-nodes-base.executeWorkflow',
        typeVersion: 1.2,
        parameters: { workflowId: { __rl: true, mode: 'id', value: inner }, workflowInputs: { value: {} } },
      };
      const outer = await bench.made([start, call], chain('Start', 'Call It'));
      for (const count of [1, 2]) {
        await bench.n8n.api.runManually(outer, 'Start');
        await until('it has run', async () => {
          const ended = ((await bench.n8n.api.executions()) as Execution[]).filter(
            ({ workflowId, status }) => workflowId === outer && status === 'success',
          );
          return ended.length === count;
        });
      }
      assert.equal(bench.later.deliveries.length, inFull || (await lacks()).length === 0 ? 2 : 1);
    });

    it('was away at a start of n8n: it listens again, or says what to press', async () => {
      const id = await posting();
      await bench.append('before');
      await bench.isNow(id, 'DONE');
      await bench.n8n.down();
      const putBack = await bench.n8n.takeAway();
      await bench.n8n.up();
      // One that keeps what it knows of each trigger tries it, and gives it up.
      await until('n8n has tried', async () => !(await bench.n8n.api.triggers(id)).includes('activated'));
      await bench.n8n.down();
      await putBack();
      await bench.n8n.up();
      await bench.append('after');
      const given = await until('n8n has begun', async () => {
        const triggers = await bench.n8n.api.triggers(id);
        return triggers.includes('failed') || (await eventsOf(id)).length > 1 ? triggers : false;
      });
      if (given.includes('failed')) {
        const says = new RegExp(`A trigger of workflow ${id} .*does not listen.*publish it again`);
        await until('it says what to press', async () => says.test(await bench.n8n.log()), 90_000);
        await bench.n8n.api.unpublish(id);
        await bench.n8n.api.publish(id);
      }
      await bench.isNow(id, 'DONE', 'DONE');
    });

    it('says once what this n8n lacks', async (t) => {
      const said = await lacks();
      for (const what of said) t.diagnostic(what);
      if (inFull) assert.deepEqual(said, []);
    });
  });
}
