// Every way in which a run can end that can be brought about, and what becomes of its mail: the table in
// docs/delivery.md, tried in a real n8n. It is the same in regular and in queue mode.
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import type { Dovecot } from './dovecot';
import { rawMail } from './mails';
import type { N8n, StoredEvent } from './n8n';
import type { Sink } from './sink';
import { until } from './until';
import { errorWorkflow, mailWorkflow, postMail, type Step, waitForAnHour } from './workflows';

export interface Servers {
  readonly n8n: N8n;
  readonly dovecot: Dovecot;
  readonly sink: Sink;
}

/** What an error workflow is handed of a trigger that reports. */
interface ErrorTriggerItem {
  readonly trigger: { readonly error: { readonly context: { readonly alarm: Record<string, unknown> } } };
}

const later = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export function endingsOfRuns(mode: string, servers: () => Servers): void {
  describe(`the end of a run in ${mode}`, { timeout: 20 * 60_000 }, () => {
    let user: string;
    let users = 0;
    let workflows: string[];

    beforeEach(() => {
      user = `${mode.replaceAll(' ', '-')}-${++users}`;
      workflows = [];
      servers().sink.reset();
    });
    afterEach(async () => {
      for (const id of workflows) await servers().n8n.api.unpublish(id);
    });

    const published = async (
      steps: readonly Step[],
      options: object = {},
      settings: object = {},
    ): Promise<string> => {
      const { n8n, dovecot } = servers();
      const id = await mailWorkflow(n8n, dovecot.login(user), steps, { options, settings });
      workflows.push(id);
      await n8n.api.publish(id);
      await n8n.watching(id);
      return id;
    };

    const append = (...subjects: string[]): Promise<void> =>
      servers().dovecot.append(
        user,
        subjects.map((subject) => rawMail({ subject })),
      );

    const eventsOf = async (workflow: string): Promise<StoredEvent[]> =>
      (await servers().n8n.events()).filter((event) => event.workflow === workflow);

    const isNow = (workflow: string, ...states: string[]): Promise<StoredEvent[]> =>
      until(
        `the mails are ${states.join(', ')}`,
        async () => {
          const events = await eventsOf(workflow);
          assert.deepEqual(
            events.map(({ state }) => state),
            states,
          );
          return events;
        },
        90_000,
      );

    const statusOf = async (id: string): Promise<string | undefined> =>
      (await servers().n8n.api.executions()).find((execution) => execution.id === id)?.status;

    it('success: DONE', async () => {
      const { sink } = servers();
      const id = await published([postMail(sink)]);
      await append('fine');
      const [event] = await isNow(id, 'DONE');
      assert.deepEqual([event?.attempt, event?.failures], [1, 0]);
      await until('n8n says so, too', async () => (await statusOf(event!.executionId!)) === 'success');
      assert.equal(sink.deliveries.length, 1);
    });

    it('error: RETRY, and DONE when a later run succeeds', async () => {
      const { sink } = servers();
      sink.answer = (_, earlier) => (earlier === 0 ? 500 : 200);
      const id = await published([postMail(sink)], { retrySchedule: '1s' });
      await append('fails once');
      const [event] = await isNow(id, 'DONE');
      assert.deepEqual([event?.attempt, event?.failures], [2, 1]);
    });

    it('error on the last try: DEAD, and the error workflow hears of it once, with where the mail is', async () => {
      const { n8n, sink } = servers();
      const errors = await errorWorkflow(n8n, sink);
      workflows.push(errors);
      sink.answer = ({ subject }) => (subject === '' ? 200 : 500);
      const id = await published([postMail(sink)], { retrySchedule: '1s' }, { errorWorkflow: errors });
      await append('secret subject');
      const [event] = await isNow(id, 'DEAD');
      // All that the error workflow was told.
      const reports = (): string[] =>
        sink.deliveries.filter(({ subject }) => subject === '').map(({ text }) => text);
      const report = await until('it is reported', () => reports()[0], 60_000);
      assert.match(report, /set aside as DEAD: its run failed 2 times.* The last run failed with: Sink: /);
      const { trigger } = JSON.parse(report.slice(report.indexOf(',{') + 1)) as ErrorTriggerItem;
      const { lastError, lastExecutionUrl, ...alarm } = trigger.error.context.alarm;
      assert.deepEqual(alarm, {
        kind: 'mailGivenUp',
        ...{ eventId: event!.id, state: 'DEAD', tries: 2, account: alarm['account'], mailbox: 'INBOX' },
        ...{
          lastExecutionId: event!.executionId,
          workflowId: id,
          workflow: `Mail of ${user}`,
          trigger: 'Mail',
        },
      });
      assert.match(String(lastError), /^Sink: /);
      assert.match(
        String(lastExecutionUrl),
        new RegExp(`^http.*/workflow/${id}/executions/${event!.executionId}$`),
      );
      for (const part of ['INBOX', user, `UID ${event!.uid}`, event!.id])
        assert.ok(report.includes(part), part);
      assert.ok(!report.includes('secret subject'), 'nothing of the mail is in it');
      // The trigger looks again; nothing more is said.
      await append('another');
      await isNow(id, 'DEAD', 'DEAD');
      await until('the other is reported', () => reports().length === 2, 60_000);
      // Neither is what n8n would tell of each of the four tries.
      await later(2_000);
      assert.equal(reports().filter((text) => text.includes(event!.id)).length, 1);
      assert.equal(reports().length, 2);
      // What n8n shows of a try has all of the workflow in it.
      const execution = (await n8n.api.request('GET', `/rest/executions/${event!.executionId}`)) as {
        status: string;
        workflowData: { settings: { errorWorkflow?: string }; nodes: unknown[] };
      };
      assert.equal(execution.status, 'error');
      assert.equal(execution.workflowData.settings.errorWorkflow, errors);
      assert.equal(execution.workflowData.nodes.length, 2);
    });

    it('error, where the error workflow is to hear of every try: it does, and of the mail', async () => {
      const { n8n, sink } = servers();
      const errors = await errorWorkflow(n8n, sink);
      workflows.push(errors);
      sink.answer = ({ subject }) => (subject === '' ? 200 : 500);
      const options = { retrySchedule: '1s', errorWorkflow: 'everyTry', showMailIn: ['alarms'] };
      const id = await published([postMail(sink)], options, { errorWorkflow: errors });
      await append('shown subject');
      await isNow(id, 'DEAD');
      const reports = (): string[] =>
        sink.deliveries.filter(({ subject }) => subject === '').map(({ text }) => text);
      await until('all is told', () => reports().length === 3, 60_000);
      const told = reports().filter((text) => text.includes('set aside as DEAD'));
      assert.equal(told.length, 1);
      assert.match(told[0]!, /from \S+@\S+, "shown subject"/);
    });

    it('is found by its mail, in the list of executions', async () => {
      const { n8n, sink } = servers();
      const id = await published([postMail(sink)]);
      await append('found');
      const [event] = await isNow(id, 'DONE');
      const { customData } = await until('n8n has stored it', async () => {
        const found = (await n8n.api.request('GET', `/rest/executions/${event!.executionId}`)) as {
          status: string;
          customData?: Record<string, string>;
        };
        // It stores that the run has succeeded first, and the custom data after that.
        return found.status === 'success' && found.customData?.['mailEvent'] !== undefined && found;
      });
      assert.deepEqual(customData, {
        ...{ mailEvent: event!.id, mailTry: '1' },
        ...{ mailSender: customData?.['mailSender'], mailSubject: 'found' },
      });
    });

    it('timeout of the workflow: RETRY', async () => {
      const { sink } = servers();
      sink.answer = async (_, earlier) => {
        if (earlier === 0) await later(15_000);
        return 200;
      };
      const id = await published(
        [postMail(sink), postMail(sink, 'Second')],
        { retrySchedule: '1s' },
        { executionTimeout: 3 },
      );
      await append('takes long once');
      const [event] = await isNow(id, 'DONE');
      assert.deepEqual([event?.attempt, event?.failures], [2, 1]);
    });

    it('stopped by a person: RETRY', async () => {
      const { n8n, sink } = servers();
      sink.answer = async (_, earlier) => {
        if (earlier === 0) await later(10_000);
        return 200;
      };
      const id = await published([postMail(sink), postMail(sink, 'Second')], { retrySchedule: '1s' });
      await append('is stopped');
      const [running] = await isNow(id, 'RUNNING');
      await until('the run is under way', () => sink.deliveries.length === 1);
      await n8n.api.request('POST', `/rest/executions/${running!.executionId}/stop`, {});
      const [event] = await isNow(id, 'DONE');
      assert.deepEqual([event?.attempt, event?.failures], [2, 1]);
    });

    it('a Wait node: DONE, since n8n keeps the rest of the run', async () => {
      const id = await published([waitForAnHour]);
      await append('waits');
      const [event] = await isNow(id, 'DONE');
      assert.equal(event?.failures, 0);
      await until('it waits', async () => (await statusOf(event.executionId!)) === 'waiting');
    });

    it('error at most once: DEAD at once', async () => {
      const { sink } = servers();
      sink.answer = () => 500;
      const id = await published([postMail(sink)], { guarantee: 'atMostOnce', retrySchedule: '1s, 1s' });
      await append('fails');
      const [event] = await isNow(id, 'DEAD');
      assert.deepEqual([event?.attempt, event?.failures], [1, 1]);
    });

    it('error of a run with several mails: each is tried again alone, so that one spoils no other', async () => {
      const { n8n, sink, dovecot } = servers();
      sink.answer = ({ subject }) => (subject === 'mail 3' ? 500 : 200);
      const id = await mailWorkflow(n8n, dovecot.login(user), [postMail(sink)], {
        options: { mailsPerRun: 10, mostInFlight: 1, retrySchedule: '1s, 1s' },
      });
      workflows.push(id);
      await n8n.api.publish(id);
      await n8n.watching(id);
      await append(...Array.from({ length: 6 }, (_, index) => `mail ${index}`));
      const settled = await until(
        'all are settled',
        async () => {
          const events = await eventsOf(id);
          return (
            events.length === 6 && events.every(({ state }) => ['DONE', 'DEAD'].includes(state)) && events
          );
        },
        120_000,
      );
      assert.deepEqual(
        settled.map(({ state }) => state),
        ['DONE', 'DONE', 'DONE', 'DEAD', 'DONE', 'DONE'],
      );
      const executions = new Set(settled.map(({ executionId }) => executionId));
      assert.ok(executions.size <= 6);
    });
  });
}
