// "Retry" in n8n's list of executions, pressed by a person: what it does to a mail, in a real n8n. It is the same in regular
// and in queue mode.
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import type { Servers } from './endings';
import { rawMail } from './mails';
import type { StoredEvent } from './n8n';
import { until } from './until';
import { errorWorkflow, mailWorkflow, postMail } from './workflows';

interface Execution {
  readonly id: string;
  readonly status: string;
  readonly workflowId: string;
}

export function retriesByHand(mode: string, servers: () => Servers): void {
  describe(`a run that a person retries in ${mode}`, { timeout: 10 * 60_000 }, () => {
    let user: string;
    let users = 0;
    let workflow: string;
    let errors: string;

    before(async () => {
      errors = await errorWorkflow(servers().n8n, servers().sink);
    });
    beforeEach(() => {
      user = `retried-${mode.replaceAll(' ', '-')}-${++users}`;
      servers().sink.reset();
    });
    after(async () => {
      const { api } = servers().n8n;
      await api.unpublish(workflow);
      // What the error workflow tells comes to the sink of whoever is next, else.
      await until('nothing runs any more', async () =>
        ((await api.executions()) as Execution[]).every(({ status }) => !['new', 'running'].includes(status)),
      );
    });

    const failing = async (retrySchedule: string): Promise<void> => {
      const { n8n, dovecot, sink } = servers();
      sink.answer = ({ subject }) => (subject === '' ? 200 : 500);
      if (workflow) await n8n.api.unpublish(workflow);
      workflow = await mailWorkflow(n8n, dovecot.login(user), [postMail(sink)], {
        options: { retrySchedule },
        settings: { errorWorkflow: errors },
      });
      await n8n.api.publish(workflow);
      await n8n.watching(workflow);
      await dovecot.append(user, [rawMail({ subject: 'wanted' })]);
    };

    const isNow = (state: string, attempt?: number): Promise<StoredEvent> =>
      until(
        `the mail is ${state}`,
        async () => {
          const [event] = (await servers().n8n.events()).filter((one) => one.workflow === workflow);
          return event?.state === state && (attempt ?? event.attempt) === event.attempt && event;
        },
        90_000,
      );

    /** @returns the execution that n8n made of it, when it has ended */
    const retry = async (execution: string | null): Promise<Execution> => {
      const { n8n } = servers();
      const { id } = (await n8n.api.request('POST', `/rest/executions/${execution}/retry`, {
        loadWorkflow: true,
      })) as { id: string };
      return until('the retry has ended', async () => {
        const found = ((await n8n.api.executions()) as Execution[]).find((one) => one.id === id);
        return ['success', 'error', 'canceled', 'crashed'].includes(found?.status ?? '') && found!;
      });
    };

    const errorOf = async ({ id }: Execution): Promise<string> =>
      JSON.stringify(await servers().n8n.api.request('GET', `/rest/executions/${id}`));

    const wanted = (): number =>
      servers().sink.deliveries.filter(({ subject }) => subject === 'wanted').length;

    it('at a later step, which goes well: the DEAD mail is DONE', async () => {
      await failing('1s');
      const { executionId } = await isNow('DEAD', 2);
      servers().sink.answer = () => 200;
      assert.equal((await retry(executionId)).status, 'success');
      await isNow('DONE', 3);
      assert.equal(wanted(), 3);
    });

    it('while its own retry waits: the mail is DONE, and is not run once more', async () => {
      await failing('6s');
      const { executionId } = await isNow('RETRY', 1);
      servers().sink.answer = () => 200;
      assert.equal((await retry(executionId)).status, 'success');
      await isNow('DONE', 2);
      await new Promise((resolve) => setTimeout(resolve, 9_000));
      assert.equal(wanted(), 2);
    });

    it('and that fails again is DEAD again, and the next retry, of that retry, counts, too', async () => {
      await failing('');
      const { executionId } = await isNow('DEAD', 1);
      const failed = await retry(executionId);
      assert.equal(failed.status, 'error');
      await isNow('DEAD', 2);
      servers().sink.answer = () => 200;
      assert.equal((await retry(failed.id)).status, 'success');
      await isNow('DONE', 3);
      assert.equal(wanted(), 3);
    });

    it('after its own retry went well: an error that says so, and nothing is done twice', async () => {
      await failing('1s');
      servers().sink.answer = (_, earlier) => (earlier === 0 ? 500 : 200);
      const { executionId } = await isNow('DONE', 2);
      const first = ((await servers().n8n.api.executions()) as Execution[]).find(
        ({ workflowId, status }) => workflowId === workflow && status === 'error',
      );
      assert.ok(first);
      const refused = await retry(first.id);
      assert.equal(refused.status, 'error');
      assert.match(await errorOf(refused), new RegExp(`run again since by execution ${executionId}`));
      assert.equal(wanted(), 2);
      await isNow('DONE', 2);
    });

    it('though it was a message of the trigger: an error that says so', async () => {
      await failing('');
      const { executionId } = await isNow('DEAD', 1);
      const notice = await until('it is told', async () =>
        ((await servers().n8n.api.executions()) as Execution[]).find(
          ({ id, workflowId, status }) => workflowId === workflow && status === 'error' && id !== executionId,
        ),
      );
      const refused = await retry(notice.id);
      assert.equal(refused.status, 'error');
      assert.match(await errorOf(refused), /was a message of the trigger/);
      await isNow('DEAD', 1);
      assert.equal(wanted(), 1);
    });
  });
}
