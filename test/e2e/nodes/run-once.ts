// Run Once before a step with side effects: what is done once, and what again.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { until } from '../../support/until';
import type { Sink } from '../../support/sink';
import { postMail, postTo, runOnce } from '../../support/workflows';
import { MailLedgerNode } from './ask-ledger';
import { type Bench, chain, type Edge, holdUp, type Node, only, PATIENCE_MS, split, webhook } from './bench';

/** What is already done goes to the step that tells the other sink, and on. */
const already = (...next: string[]): Edge[] => [
  ['Run Once', 'Already', 1],
  ...next.map((name): Edge => ['Already', name]),
];

const loop: Node = {
  name: 'Loop',
  type: 'n8n-nodes-base.splitInBatches',
  typeVersion: 3,
  parameters: { options: {} },
};

const THREE_PARTS = "={{ { parts: ['one', 'two', 'three'] } }}";
const EACH_ONCE = new Map([
  ['one', 1],
  ['two', 1],
  ['three', 1],
]);
const ORDER = '={{ $json.body.order }}';

export function runOnceTests(bench: Bench): void {
  describe('Run Once', () => {
    /** Mail, Run Once, the guarded step, a later one; what is already done goes on to the later one, too. */
    const guardedFlow = (parameters: object = {}): Promise<string> =>
      bench.publishedMail(
        [
          runOnce(parameters),
          postMail(bench.guarded, 'Guarded'),
          postMail(bench.later, 'Later'),
          postMail(bench.other, 'Already'),
        ],
        [...chain('Mail', 'Run Once', 'Guarded', 'Later'), ...already('Later')],
      );

    const failsOnce = (_: unknown, earlier: number): number => (earlier === 0 ? 500 : 200);

    it('does a step once, when a later one fails; in the retry the mail leaves at Already done', async () => {
      bench.later.answer = failsOnce;
      const id = await guardedFlow();
      await bench.append('one');
      const [event] = await bench.isNow(id, 'DONE');
      assert.equal(event?.failures, 1);
      assert.equal(bench.guarded.deliveries.length, 1);
      assert.deepEqual(
        bench.later.deliveries.map(({ attempt }) => attempt),
        [1, 2],
      );
      assert.deepEqual(
        bench.other.deliveries.map(({ attempt, subject }) => [attempt, subject]),
        [[2, 'one']],
      );
    });

    it('does a step again that failed itself', async () => {
      bench.guarded.answer = failsOnce;
      const id = await guardedFlow();
      await bench.append('one');
      await bench.isNow(id, 'DONE');
      assert.deepEqual([bench.guarded.deliveries.length, bench.guarded.accepted.length], [2, 1]);
      assert.deepEqual([bench.later.deliveries.length, bench.other.deliveries.length], [1, 0]);
    });

    for (const [ifRunFails, times] of [
      ['free', 2],
      ['keep', 1],
    ] as const) {
      it(`finished when the run ends well, ${ifRunFails}: ${times === 1 ? 'no repeat' : 'a repeat'} after a later step failed`, async () => {
        bench.later.answer = failsOnce;
        const id = await guardedFlow({ keyIsFinished: 'runEnds', ifRunFails });
        await bench.append('one');
        await bench.isNow(id, 'DONE');
        assert.equal(bench.guarded.accepted.length, times);
        assert.equal(bench.other.deliveries.length, 2 - times);
      });
    }

    it('finished at once: a step that failed is never done again', async () => {
      bench.guarded.answer = () => 500;
      const id = await guardedFlow({ keyIsFinished: 'atOnce' });
      await bench.append('one');
      await bench.isNow(id, 'DONE');
      assert.equal(bench.guarded.deliveries.length, 1);
      assert.deepEqual([bench.later.deliveries.length, bench.other.deliveries.length], [1, 1]);
    });

    it('lets each of several items of one mail pass once', async () => {
      bench.later.answer = () => (bench.later.deliveries.length === 2 ? 500 : 200);
      const part = { subject: '={{ $json.part }}' };
      const ofItem = { subject: "={{ $('Split').item.json.part }}" };
      const id = await bench.publishedMail(
        [
          only(THREE_PARTS),
          split('parts'),
          runOnce(),
          postTo(bench.guarded, part, {}, 'Guarded'),
          postTo(bench.later, ofItem, {}, 'Later'),
          postTo(bench.other, ofItem, {}, 'Already'),
        ],
        [...chain('Mail', 'Only', 'Split', 'Run Once', 'Guarded', 'Later'), ...already('Later')],
      );
      await bench.append('of three parts');
      await bench.isNow(id, 'DONE');
      assert.deepEqual(bench.guarded.counts(), EACH_ONCE);
      assert.deepEqual(bench.other.counts(), EACH_ONCE);
      assert.equal(bench.later.deliveries.length, 6);
    });

    it('lets all items of a loop pass once', async () => {
      bench.later.answer = () => (bench.later.deliveries.length === 1 ? 500 : 200);
      const part = { subject: '={{ $json.part }}' };
      const id = await bench.publishedMail(
        [
          only(THREE_PARTS),
          split('parts'),
          loop,
          runOnce(),
          postTo(bench.guarded, part, {}, 'Guarded'),
          postTo(bench.later, { subject: 'all' }, {}, 'Later'),
          postTo(bench.other, { subject: "={{ $('Loop').item.json.part }}" }, {}, 'Already'),
        ],
        [
          ...chain('Mail', 'Only', 'Split', 'Loop', 'Later'),
          ['Loop', 'Run Once', 1],
          ...chain('Run Once', 'Guarded', 'Loop'),
          ...already('Loop'),
        ],
      );
      await bench.append('of three parts');
      await bench.isNow(id, 'DONE');
      assert.deepEqual(bench.guarded.counts(), EACH_ONCE);
      assert.deepEqual(bench.other.counts(), EACH_ONCE);
    });

    /** What nobody makes twice. */
    const made: Node = { ...only('={{ { n: String(Math.random()) } }}'), name: 'Made' };
    const MADE = { subject: '={{ $json.n }}' };
    const both = (sink: Sink): string[] => sink.deliveries.map(({ subject }) => subject);

    it('gives a retry what the step has answered, with its files, and keeps nothing of a run that ended well', async () => {
      bench.later.answer = failsOnce;
      const file: Node = {
        name: 'File',
        type: 'n8n-nodes-base.convertToFile',
        typeVersion: 1.1,
        parameters: { operation: 'toText', sourceProperty: 'n', options: { fileName: 'n.txt' } },
      };
      const sends = { sendBody: true, contentType: 'binaryData', inputDataFieldName: 'data' };
      const id = await bench.publishedMail(
        [
          runOnce(),
          made,
          file,
          postTo(bench.later, { subject: '={{ $binary.data.fileName }}' }, sends, 'Later'),
        ],
        [...chain('Mail', 'Run Once', 'Made', 'File', 'Later'), ['Run Once', 'Later', 1]],
      );
      await bench.append('one');
      await bench.isNow(id, 'DONE');
      assert.deepEqual(both(bench.later), ['n.txt', 'n.txt']);
      const [first, second] = bench.later.deliveries.map(({ attachment }) => attachment.toString());
      assert.match(first!, /0\.\d+/);
      assert.equal(second, first);
      const kept = await bench.n8n.ledger<{ n: number }>('select count(*) as n from once_answer');
      assert.equal(kept[0]!.n, 0);
    });

    it('in a sub-workflow gives the retry of the caller what the step has answered', async () => {
      bench.later.answer = failsOnce;
      const called: Node = {
        name: 'Called',
        type: 'n8n-nodes-base.executeWorkflowTrigger',
        typeVersion: 1.1,
        parameters: { inputSource: 'passthrough' },
      };
      const end: Node = { name: 'End', type: 'n8n-nodes-base.noOp', typeVersion: 1, parameters: {} };
      const inner = await bench.published(
        [called, runOnce({ key: '={{ $json.delivery.idempotencyKey }}' }), made, end],
        [...chain('Called', 'Run Once', 'Made', 'End'), ['Run Once', 'End', 1]],
      );
      const call: Node = {
        name: 'Call It',
        type: 'n8n-nodes-base.executeWorkflow',
        typeVersion: 1.2,
        parameters: { workflowId: { __rl: true, mode: 'id', value: inner }, workflowInputs: { value: {} } },
      };
      const id = await bench.publishedMail(
        [call, postTo(bench.later, MADE, {}, 'Later')],
        chain('Mail', 'Call It', 'Later'),
      );
      await bench.append('one');
      await bench.isNow(id, 'DONE');
      const [first, second] = both(bench.later);
      assert.match(first!, /^0\.\d+$/);
      assert.equal(second, first);
    });

    it('keeps the answers of a mail that is DEAD, for its replay, until its content is forgotten', async () => {
      bench.later.answer = () => 500;
      const id = await bench.publishedMail(
        [runOnce(), made, postTo(bench.later, MADE, {}, 'Later')],
        [...chain('Mail', 'Run Once', 'Made', 'Later'), ['Run Once', 'Later', 1]],
      );
      await bench.append('one');
      await bench.isNow(id, 'DEAD');
      const kept = (): Promise<{ event: string }[]> =>
        bench.n8n.ledger('select event.id as event from once_answer join event on event.seq = event_seq');
      const [{ event }] = (await kept()) as [{ event: string }];
      const { act } = new MailLedgerNode(bench);
      await act('replay', { select: 'ids', eventIds: event });
      await until('it ran again', () => bench.later.deliveries.length === 4, PATIENCE_MS);
      await bench.isNow(id, 'DEAD');
      assert.equal(new Set(both(bench.later)).size, 1, 'each try was given it');
      assert.equal(await act('forget', { select: 'ids', eventIds: event }), 1);
      assert.deepEqual(await kept(), []);
    });

    it('in two workflows, with an equal key and the scope Everywhere, does the step in one', async () => {
      const steps = [
        runOnce({ key: '={{ $json.subject }}', scope: 'everywhere' }),
        postMail(bench.guarded, 'Guarded'),
        postMail(bench.other, 'Already'),
      ];
      const edges = [...chain('Mail', 'Run Once', 'Guarded'), ...already()];
      const ids = [await bench.publishedMail(steps, edges), await bench.publishedMail(steps, edges)];
      await bench.append('the same order');
      for (const id of ids) await bench.isNow(id, 'DONE');
      assert.deepEqual([bench.guarded.deliveries.length, bench.other.deliveries.length], [1, 1]);
    });

    it('keeps mails of one run apart that have lost their delivery, by the item that they come from', async () => {
      bench.later.answer = () => (bench.later.deliveries.length === 1 ? 500 : 200);
      const subject = { subject: '={{ $json.subject }}' };
      const upsideDown: Node = {
        name: 'Sort',
        type: 'n8n-nodes-base.sort',
        typeVersion: 1,
        parameters: {
          sortFieldsUi: { sortField: [{ fieldName: 'subject', order: 'descending' }] },
          options: {},
        },
      };
      const id = await bench.publishedMail(
        [
          only('={{ { subject: $json.subject } }}'),
          upsideDown,
          runOnce(),
          postTo(bench.guarded, subject, {}, 'Guarded'),
          postTo(bench.later, { subject: "={{ $('Only').item.json.subject }}" }, {}, 'Later'),
          postTo(bench.other, { subject: "={{ $('Only').item.json.subject }}" }, {}, 'Already'),
        ],
        [...chain('Mail', 'Only', 'Sort', 'Run Once', 'Guarded', 'Later'), ...already('Later')],
        { mailsPerRun: 10, mostInFlight: 1 },
      );
      // They are found together when it is published again.
      await bench.n8n.api.unpublish(id);
      const subjects = ['a', 'b', 'c', 'd'];
      await bench.append(...subjects);
      await bench.n8n.api.publish(id);
      await bench.isNow(id, 'DONE', 'DONE', 'DONE', 'DONE');
      assert.deepEqual(
        bench.guarded.deliveries.map(({ subject }) => subject),
        subjects.toReversed(),
        'one run had them all, and no retry repeated one',
      );
      assert.deepEqual(
        [...bench.other.counts()].sort(),
        subjects.map((subject) => [subject, 1]),
      );
    });

    it('whose step was cut off by a kill is free after its lease, and the retry does the step', async () => {
      bench.guarded.answer = (_, earlier) => (earlier === 0 ? new Promise(() => undefined) : 200);
      const id = await guardedFlow();
      await bench.append('cut off');
      await until('the step is under way', () => bench.guarded.deliveries.length === 1, PATIENCE_MS);
      await bench.n8n.down('SIGKILL');
      await bench.n8n.up();
      await bench.isNow(id, 'DONE');
      assert.deepEqual([bench.guarded.deliveries.length, bench.guarded.accepted.length], [2, 1]);
      assert.deepEqual([bench.later.deliveries.length, bench.other.deliveries.length], [1, 0]);
    });

    /** Behind a webhook at the user's path, with what is already done at the other sink. */
    const guardedCall = (parameters: object, more: Partial<Node> = {}, output = 1): Promise<string> =>
      bench.published(
        [
          webhook(bench.user),
          { ...runOnce(parameters), ...more },
          postTo(bench.guarded, { subject: ORDER }, {}, 'Guarded'),
          postTo(bench.other, { subject: ORDER, text: '={{ $json.error }}' }, {}, 'Already'),
        ],
        [...chain('Call', 'Run Once', 'Guarded'), ['Run Once', 'Already', output]],
      );

    it('works without a mail, with a Key: the second call leaves at Already done', async () => {
      await guardedCall({ key: ORDER });
      for (const order of ['1', '1', '2'])
        assert.equal((await bench.call(bench.user, { order })).status, 200);
      assert.deepEqual(
        [...bench.guarded.counts()],
        [
          ['1', 1],
          ['2', 1],
        ],
      );
      assert.deepEqual([...bench.other.counts()], [['1', 1]]);
    });

    it('says what is missing when there is neither a mail nor a Key', async () => {
      const id = await guardedCall({});
      assert.equal((await bench.call(bench.user, { order: '1' })).status, 500);
      const error = await bench.errorOf(id);
      assert.match(error.message, /This item comes from no Durable Mail trigger/);
      assert.match(error.description, /Enter a Key/);
      assert.equal(error.itemIndex, 0);
      assert.deepEqual([bench.guarded.deliveries.length, bench.other.deliveries.length], [0, 0]);
    });

    for (const [onError, output] of [
      ['continueRegularOutput', 1],
      ['continueErrorOutput', 2],
    ] as const) {
      it(`set to go on after errors (${onError}) sends nothing on as First time`, async () => {
        await guardedCall({}, { onError }, output);
        assert.equal((await bench.call(bench.user, { order: '1' })).status, 200);
        assert.equal(bench.guarded.deliveries.length, 0);
        assert.equal(bench.other.deliveries.length, 1);
        assert.match(bench.other.deliveries[0]!.text, /comes from no Durable Mail trigger/);
      });
    }

    it('waits for a run that is doing the step, and leaves at Already done when it has', async () => {
      const finish = holdUp(bench.guarded);
      const workflowId = await guardedCall({ key: ORDER });
      const filter = JSON.stringify({ workflowId, status: ['running'] });
      const first = bench.call(bench.user, { order: '1' });
      await until('the step is under way', () => bench.guarded.deliveries.length === 1);
      const second = bench.call(bench.user, { order: '1' });
      await until(
        'both run',
        async () => (await bench.n8n.api.executions(`limit=10&filter=${filter}`)).length === 2,
      );
      assert.equal(bench.other.deliveries.length, 0);
      finish();
      assert.deepEqual([(await first).status, (await second).status], [200, 200]);
      assert.deepEqual([bench.guarded.deliveries.length, bench.other.deliveries.length], [1, 1]);
    });

    it('fails when the step takes longer than Wait For', async () => {
      const finish = holdUp(bench.guarded);
      const id = await guardedCall({ key: ORDER, options: { waitSeconds: 1 } });
      const first = bench.call(bench.user, { order: '1' });
      await until('the step is under way', () => bench.guarded.deliveries.length === 1);
      assert.equal((await bench.call(bench.user, { order: '1' })).status, 500);
      const error = await bench.errorOf(id);
      assert.match(error.message, /Another run is doing this step now, and did not end within 1 s/);
      assert.equal(error.itemIndex, 0);
      finish();
      assert.equal((await first).status, 200);
      assert.deepEqual([bench.guarded.deliveries.length, bench.other.deliveries.length], [1, 0]);
    });
  });
}
