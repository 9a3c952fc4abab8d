// Mail Ledger behind a webhook: what it shows, and what its actions do to mails.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { accountName } from '../../../engine/imap/session/login';
import { rawMail } from '../../support/mails';
import { until } from '../../support/until';
import { postMail } from '../../support/workflows';
import { MailLedgerNode, type Shown } from './ask-ledger';
import { type Bench, chain, holdUp, type Node, PATIENCE_MS, type RunError, split } from './bench';

export function mailLedgerTests(bench: Bench): void {
  describe('Mail Ledger', () => {
    const { ask, act } = new MailLedgerNode(bench);

    const shown = async (eventId: string): Promise<Shown> =>
      (await ask({ resource: 'event', operation: 'get', eventId }))[0]!;

    const many = (filters: object, more: object = { returnAll: true }): Promise<Shown[]> =>
      ask({ resource: 'event', operation: 'getAll', filters, ...more });

    /** Posts mails to the sink; none is tried again by itself. */
    const posting = (options: object = {}): Promise<string> =>
      bench.publishedMail([postMail(bench.later)], chain('Mail', 'Sink'), { retrySchedule: '', ...options });

    const dead = async (subject = 'dead'): Promise<{ id: string; eventId: string }> => {
      bench.later.answer = () => 500;
      const id = await posting();
      await bench.append(subject);
      const [event] = await bench.isNow(id, 'DEAD');
      bench.later.answer = () => 200;
      return { id, eventId: event!.id };
    };

    it('gets an event, with what is known of its mail', async () => {
      const id = await posting();
      await bench.append('shown');
      const [event] = await bench.isNow(id, 'DONE');
      const { recordedAt, ...facts } = await shown(event!.id);
      assert.ok(Math.abs(Date.parse(recordedAt) - Date.now()) < 10 * 60_000, recordedAt);
      const { eventId, state, attempt, sender, subject, workflowId, hasContent } = facts;
      assert.deepEqual(
        { eventId, state, attempt, sender, subject, workflowId, hasContent },
        {
          eventId: event!.id,
          state: 'DONE',
          attempt: 1,
          sender: 'ann@example.com',
          subject: 'shown',
          workflowId: id,
          hasContent: false,
        },
      );
    });

    it('gets many events by state, sender and time', async () => {
      bench.later.answer = ({ subject }) => (subject === 'bad' ? 500 : 200);
      const workflowId = await posting();
      await bench.append('good', 'bad');
      await bench.isNow(workflowId, 'DONE', 'DEAD');
      const subjects = async (filters: object): Promise<(string | null)[]> =>
        (await many({ workflowId, ...filters })).map(({ subject }) => subject);
      assert.deepEqual(await subjects({}), ['bad', 'good'], 'the newest first');
      assert.deepEqual(await subjects({ states: ['DEAD', 'UNKNOWN'] }), ['bad']);
      assert.deepEqual(await subjects({ sender: 'ANN@' }), ['bad', 'good']);
      assert.deepEqual(await subjects({ sender: 'nobody@' }), []);
      const anHourAgo = new Date(Date.now() - 3_600_000).toISOString();
      assert.deepEqual(await subjects({ recordedAfter: anHourAgo }), ['bad', 'good']);
      assert.deepEqual(await subjects({ recordedBefore: anHourAgo }), []);
    });

    it('gets more events than fit on one page, each once', async () => {
      const count = 210;
      const nothing: Node = { name: 'Nothing', type: 'n8n-nodes-base.noOp', typeVersion: 1, parameters: {} };
      const workflowId = await bench.publishedMail([nothing], chain('Mail', 'Nothing'), { mailsPerRun: 100 });
      await bench.append(...Array.from({ length: count }, (_, index) => `mail ${index}`));
      await bench.isNow(workflowId, ...Array.from({ length: count }, () => 'DONE'));
      const all = await many({ workflowId });
      assert.deepEqual(
        all.map(({ subject }) => subject),
        Array.from({ length: count }, (_, index) => `mail ${count - 1 - index}`),
      );
      const most = await many({ workflowId }, { returnAll: false, limit: 205 });
      assert.deepEqual(most, all.slice(0, 205));
    });

    it('counts events by state, and tells how a mailbox is doing', async () => {
      bench.later.answer = ({ subject }) => (subject === 'bad' ? 500 : 200);
      const workflowId = await posting();
      await bench.append('good', 'bad', 'good, too');
      await bench.isNow(workflowId, 'DONE', 'DEAD', 'DONE');
      const [counts] = await ask<Record<string, number>>({
        resource: 'statistics',
        operation: 'getByState',
        workflowId,
      });
      const { completed, failed, waiting, total } = counts!;
      assert.deepEqual(
        { completed, failed, waiting, total },
        { completed: 2, failed: 1, waiting: 0, total: 3 },
      );
      const sources = await ask<{
        account: string;
        mailbox: string;
        workflowIds: string[];
        connection: string;
        lastSuccessAt: string;
        lastError: string | null;
      }>({ resource: 'source', operation: 'getAll' });
      const source = sources.find(({ workflowIds }) => workflowIds.includes(workflowId));
      assert.ok(source);
      assert.deepEqual(
        [source.account, source.mailbox, source.lastError],
        [accountName(bench.dovecot.login(bench.user)), 'INBOX', null],
      );
      assert.match(source.connection, /^(idling|polling)$/);
      assert.ok(Date.parse(source.lastSuccessAt) > 0);
    });

    it('replays a dead mail at once', async () => {
      const { id, eventId } = await dead();
      assert.equal(await act('replay', { select: 'ids', eventIds: eventId }), 1);
      const [event] = await bench.isNow(id, 'DONE');
      assert.deepEqual([event?.attempt, event?.failures], [2, 0]);
    });

    it('replays a mail whose content is gone: it is read again from its server', async () => {
      const id = await posting();
      await bench.dovecot.append(bench.user, [rawMail({ subject: 'again', text: 'The very same text' })]);
      const [event] = await bench.isNow(id, 'DONE');
      assert.equal((await shown(event!.id)).hasContent, false);
      assert.equal(await act('replay', { select: 'ids', eventIds: event!.id }), 1);
      await until('it ran again', () => bench.later.accepted.length === 2, PATIENCE_MS);
      await bench.isNow(id, 'DONE');
      const [first, second] = bench.later.deliveries;
      assert.deepEqual([first?.attempt, second?.attempt], [1, 2]);
      assert.equal(second?.text, first?.text);
      assert.equal(second?.idempotencyKey, first?.idempotencyKey);
    });

    it('replays all dead mails, of all workflows', async () => {
      const first = await dead('one');
      bench.newUser();
      const second = await dead('two');
      assert.ok((await act('replay', { select: 'all' })) >= 2);
      for (const { id } of [first, second]) await bench.isNow(id, 'DONE');
    });

    it('retries now what would wait for an hour', async () => {
      bench.later.answer = (_, earlier) => (earlier === 0 ? 500 : 200);
      const workflowId = await posting({ retrySchedule: '1h' });
      await bench.append('waits');
      await bench.isNow(workflowId, 'RETRY');
      assert.equal(await act('retryNow', { select: 'filter', filters: { workflowId } }), 1);
      await bench.isNow(workflowId, 'DONE');
    });

    it('marks a mail as done without a run', async () => {
      const { id, eventId } = await dead();
      assert.equal(await act('markDone', { select: 'ids', eventIds: eventId }), 1);
      await bench.isNow(id, 'DONE');
      assert.equal(bench.later.deliveries.length, 1);
    });

    it('forgets the content of a mail, its sender and its subject', async () => {
      const { eventId } = await dead('private');
      assert.equal((await shown(eventId)).hasContent, true);
      assert.equal(await act('forget', { select: 'ids', eventIds: eventId }), 1);
      const { state, hasContent, sender, subject } = await shown(eventId);
      assert.deepEqual([state, hasContent, sender, subject], ['DEAD', false, null, null]);
    });

    it('says what is wrong with an event that it was asked for, and of which item', async () => {
      const nowhere = '00000000-0000-4000-8000-000000000000';
      const { eventId } = await dead();
      const ids = split('body.ids');
      await assert.rejects(
        ask({ resource: 'event', operation: 'get', eventId: '={{ $json.part }}' }, [ids], {
          ids: [eventId, nowhere],
        }),
        { message: `Event ${nowhere} is not in this mail ledger`, itemIndex: 1 },
      );
      await assert.rejects(ask({ resource: 'event', operation: 'get', eventId: '12' }), {
        message: '"12" is not an event ID',
        itemIndex: 0,
      });
      await assert.rejects(act('replay', { select: 'filter', filters: {} }), /No filter is set/);
    });

    it('does not touch an event that is being run, and says so', async () => {
      const finish = holdUp(bench.later);
      const id = await posting();
      await bench.append('runs');
      const [event] = await bench.isNow(id, 'RUNNING');
      for (const operation of ['replay', 'markDone', 'retryNow', 'forget']) {
        await assert.rejects(act(operation, { select: 'ids', eventIds: event!.id }), (error: RunError) => {
          assert.ok(error.message.startsWith(`Event ${event!.id} is RUNNING: `), error.message);
          assert.equal(error.itemIndex, 0);
          return true;
        });
      }
      finish();
      await bench.isNow(id, 'DONE');
      assert.equal(bench.later.deliveries.length, 1);
    });
  });
}
