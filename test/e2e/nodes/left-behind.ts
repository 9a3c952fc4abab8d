// A trigger that is cut out of its workflow and put in again, or not, while mails wait for it.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { until } from '../../support/until';
import { postMail } from '../../support/workflows';
import { MailLedgerNode, type Shown } from './ask-ledger';
import { type Bench, chain, PATIENCE_MS } from './bench';

export function leftBehindTests(bench: Bench): void {
  describe('a trigger that is gone', () => {
    const { ask, acted } = new MailLedgerNode(bench);

    /** Two mails, each of whose runs has failed. */
    const waiting = async (retrySchedule: string): Promise<string> => {
      bench.later.answer = () => 500;
      const id = await bench.publishedMail([postMail(bench.later)], chain('Mail', 'Sink'), { retrySchedule });
      await bench.append('one', 'two');
      await bench.isNow(id, 'RETRY', 'RETRY');
      bench.later.answer = () => 200;
      return id;
    };

    /** As a person who pastes it, or imports the workflow over itself: its trigger is another node. */
    const replace = async (id: string, nodeId: string, parameters: object = {}): Promise<void> => {
      const { api } = bench.n8n;
      const workflow = await api.workflow(id);
      const nodes = (workflow.nodes as { type: string; parameters: object }[]).map((node) =>
        /durableImap/.test(node.type)
          ? { ...node, id: nodeId, parameters: { ...node.parameters, ...parameters } }
          : node,
      );
      await api.request('PATCH', `/rest/workflows/${id}`, { ...workflow, nodes });
    };

    const shown = (workflowId: string): Promise<Shown[]> =>
      ask({ resource: 'event', operation: 'getAll', filters: { workflowId }, returnAll: true });

    it('and put in again goes on where it stopped, with what waits for it', async () => {
      const { api } = bench.n8n;
      const id = await waiting('1s, 15s, 15s');
      await api.unpublish(id);
      await replace(id, 'put in again');
      await bench.append('three, while it was off');
      await api.publish(id);
      await bench.append('four');
      await bench.isNow(id, 'DONE', 'DONE', 'DONE', 'DONE');
      const subjects = bench.later.accepted.map(({ subject }) => subject).sort();
      assert.deepEqual(subjects, ['four', 'one', 'three, while it was off', 'two'], 'each once');
      assert.deepEqual(
        (await shown(id)).map(({ served }) => served),
        [true, true, true, true],
      );
    });

    it('and put in for another mailbox leaves mails of which a person is told, as whoever replays them', async () => {
      const { api } = bench.n8n;
      await (await bench.dovecot.client(bench.user)).mailboxCreate('Orders');
      const id = await waiting('1h');
      await replace(id, 'for another mailbox', { mailbox: 'Orders' });
      await api.publish(id);
      const told = async (): Promise<string[]> => {
        const executions = await api.executions();
        const errors = executions.filter(
          ({ workflowId, status, mode }) => workflowId === id && status === 'error' && mode !== 'manual',
        );
        const texts = [];
        for (const { id: execution } of errors) {
          const { data } = (await api.request('GET', `/rest/executions/${execution}`)) as { data: string };
          if (data.includes('not in this workflow any more')) texts.push(data);
        }
        return texts;
      };
      const [text] = await until('it is told', async () => (await told()).length > 0 && told(), PATIENCE_MS);
      assert.ok(text!.includes('2 mails wait for the trigger'), text);
      assert.deepEqual(
        (await shown(id)).map(({ served }) => served),
        [false, false],
      );
      const one = { select: 'filter', filters: { workflowId: id } };
      const { count, unserved, message } = await acted('retryNow', one);
      assert.deepEqual([count, unserved], [2, 2]);
      assert.match(message!, /^2 of these emails belong to a trigger that does not listen/);
      const [counts] = await ask<{ unserved: number }>({
        ...{ resource: 'statistics', operation: 'getByState', workflowId: id },
      });
      assert.equal(counts!.unserved, 2);
      await replace(id, 'back again', { mailbox: 'INBOX' });
      await api.publish(id);
      await bench.isNow(id, 'DONE', 'DONE');
      assert.equal((await told()).length, 1);
    });

    it('with its whole workflow leaves mails that are shown as nobodys', async () => {
      const id = await waiting('1h');
      await bench.deleted(id);
      const events = await until('nobody serves them', async () => {
        const found = await shown(id);
        return found.every(({ served }) => !served) && found;
      });
      assert.equal(events.length, 2);
      const { unserved } = await acted('retryNow', { select: 'ids', eventIds: events[0]!.eventId });
      assert.equal(unserved, 1);
      const sources = await ask<{ workflowIds: string[]; served: boolean }>({
        ...{ resource: 'source', operation: 'getAll' },
      });
      assert.equal(sources.find(({ workflowIds }) => workflowIds.includes(id))?.served, false);
    });
  });
}
