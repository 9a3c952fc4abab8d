// The outbox at the console's addresses: what is looked at, what is done, and what is kept from whoever may not see or do it.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Acted, CountAnswer, JobAnswer, JobsAnswer, JobTold } from '../../engine/console/api';
import type {
  EndpointsAnswer,
  EntryAnswer,
  OutboxActRequest,
  OutboxAnswer,
  OutboxCounts,
  PreviewAnswer,
  TemplateAnswer,
  TemplatesAnswer,
} from '../../engine/console/outbox-api';
import type { EntryAct } from '../../engine/ledger/outbox';
import { newReader } from '../../engine/outbox/reader';
import { deadMails, listening } from '../support/console-mails';
import {
  assertGuarded,
  consoleOfEach,
  type OpenConsole,
  READ,
  type Received,
  refusedWith,
} from '../support/console';
import { queued, tried } from '../support/outbox-entries';
import { until } from '../support/until';

const NOBODY = '00000000-0000-4000-8000-000000000000';
const FAILED = { became: 'FAILED', error: '550 no', answer: '550 5.1.1 no' } as const;
const UNKNOWN = { became: 'UNKNOWN', error: 'It broke off.', lookAfterMs: null } as const;
const HTML = '<p>Hello <b>{{name}}</b></p>';

describe("the outbox at the console's addresses", { timeout: 120_000 }, () => {
  let open: OpenConsole;
  const instead = consoleOfEach((opened) => (open = opened));

  const act = (request: OutboxActRequest): Promise<Received> => open.post('/api/outbox/act', request);
  const failed = async (count: number): Promise<readonly string[]> => {
    const ids = (await queued(open.ledger, count)).map(({ id }) => id);
    await tried(open.ledger, ids, FAILED);
    return ids;
  };
  const ended = (job: JobTold): Promise<JobTold> =>
    until('the job has ended', async () => {
      const { jobs } = await open.get<JobsAnswer>('/api/jobs');
      const told = jobs.find(({ id }) => id === job.id);
      return told && told.state !== 'running' && told;
    });

  describe('its entries', () => {
    it('are told the newest first, page by page, and nothing of what a sender needs', async () => {
      const entries = await queued(open.ledger, 5);
      const first = await open.get<OutboxAnswer>('/api/outbox?limit=3');
      const ids = entries.map(({ id }) => id).reverse();
      assert.deepEqual(
        first.entries.map(({ id }) => id),
        ids.slice(0, 3),
      );
      const rest = await open.get<OutboxAnswer>(`/api/outbox?limit=3&after=${first.next}`);
      assert.deepEqual([rest.entries.map(({ id }) => id), rest.next], [ids.slice(3), null]);
      const [entry] = first.entries;
      assert.ok(!JSON.stringify(first).includes('hidden@example.com'));
      assert.deepEqual(
        { ...entry!, id: '', key: '', messageId: '', queuedAt: '', dueAt: '' },
        {
          ...{ id: '', key: '', kind: 'mail', lane: 'smtp:shop@example.com', state: 'QUEUED', tries: 0 },
          ...{ recipient: 'bob@example.com', subject: 'Your order', messageId: '', workflowId: 'w1' },
          ...{ nodeId: 'n2', nodeName: 'Confirm', event: null, dueAt: '', queuedAt: '', begunAt: null },
          ...{ settledAt: null, lastError: null, lastAnswer: null, hasContent: true },
        },
      );
      assert.ok(Math.abs(Date.parse(entry!.queuedAt) - Date.now()) < 60_000);
      assert.equal(entry!.dueAt, entry!.queuedAt);
    });

    it('are found by each part of the filter', async () => {
      const event = '01a21d62-86db-7a3e-a829-9b12abf4a608';
      const origin = { workflowId: 'w2', nodeId: 'n', nodeName: null, event };
      const [one] = await queued(open.ledger, 1, {
        ...{
          kind: 'webhook',
          lane: 'host:hooks.example',
          recipient: 'https://hooks.example/a',
          subject: 'Größe',
        },
        ...{ origin, messageId: '<a@b>' },
      });
      await failed(2);
      const day = 86_400_000;
      const [before, later] = [-day, day].map((ms) => new Date(Date.now() + ms).toISOString());
      for (const [filter, count] of [
        ['', 3],
        ['state=FAILED', 2],
        ['state=queued,%20failed', 3],
        ['kind=webhook', 1],
        ['workflow=w2', 1],
        [`event=${event.toUpperCase()}`, 1],
        ['recipient=HOOKS.example', 1],
        [`subject=${encodeURIComponent('größe')}`, 1],
        ['lane=host:hooks.example', 1],
        ['messageId=<a@b>', 1],
        [`since=${before}`, 3],
        [`since=${later}`, 0],
        [`until=${before}`, 0],
      ] as const) {
        const { entries } = await open.get<OutboxAnswer>(`/api/outbox?${filter}`);
        assert.equal(entries.length, count, filter);
        assert.deepEqual(
          await open.get<CountAnswer>(`/api/outbox/found?${filter}`),
          { count, isMore: false },
          filter,
        );
      }
      const { entries } = await open.get<OutboxAnswer>('/api/outbox?kind=webhook');
      assert.equal(entries[0]!.id, one!.id);
    });

    it('are refused in words where a filter cannot be meant', async () => {
      for (const [query, words] of [
        ['state=nonsense', /"NONSENSE" is no "state". There are QUEUED, SENDING/],
        ['to=bob', /"to" is not known here. There are state, kind/],
        ['event=7', /"event" has to be the id of a mail/],
        ['since=yesterday', /has to be a time/],
        ['since=2026-02-02&until=2026-02-01', /"since" has to be before/],
        ['limit=0', /from 1 to 200/],
        ['recipient=%00', /has a sign/],
        ['key=x', /never into an address/],
        [`subject=${'a'.repeat(201)}`, /longer than 200/],
      ] as const)
        refusedWith(await open.send(`/api/outbox?${query}`, { headers: READ }), 400, words);
      refusedWith(await open.send('/api/outbox/count?state=SENT', { headers: READ }), 400, /nothing to ask/);
    });

    it('are told one by one, with the mail that they answer and its run', async () => {
      await deadMails(open.ledger, await listening(open.ledger), 1);
      const { events } = await open.ledger.events({}, { limit: 1 });
      const origin = { workflowId: 'w1', nodeId: 'n2', nodeName: null, event: events[0]!.id };
      const [answer] = await queued(open.ledger, 1, { origin });
      const [other] = await queued(open.ledger, 1, { origin: { ...origin, event: NOBODY } });
      await tried(open.ledger, [answer!.id], FAILED);
      const told = await open.get<EntryAnswer>(`/api/outbox/${answer!.id.toUpperCase()}`);
      assert.deepEqual(
        [told.entry.state, told.entry.tries, told.entry.lastError, told.entry.lastAnswer],
        ['FAILED', 1, '550 no', '550 5.1.1 no'],
      );
      assert.deepEqual(
        [told.mail!.id, told.mail!.executionId, told.mail!.subject],
        [events[0]!.id, '42', 'Hello'],
      );
      assert.equal((await open.get<EntryAnswer>(`/api/outbox/${other!.id}`)).mail, null);
      for (const id of [NOBODY, 'constructor', '%00', 'x'])
        refusedWith(await open.send(`/api/outbox/${id}`, { headers: READ }), 404, /not in the outbox/);
    });

    it('are counted, and measured for whoever watches', async () => {
      const [unknown] = await queued(open.ledger, 3);
      await tried(open.ledger, [unknown!.id], UNKNOWN);
      await failed(2);
      const counts = await open.get<OutboxCounts>('/api/outbox/count');
      assert.deepEqual(counts, {
        ...{
          waiting: 2,
          delayed: 0,
          active: 0,
          completed: 0,
          failed: 2,
          unknown: 1,
          bounced: 0,
          cancelled: 0,
        },
      });
      const { text } = await open.send('/metrics', { headers: READ });
      for (const line of [
        /^durable_mail_outbox_entries\{state="waiting"\} 2$/m,
        /^durable_mail_outbox_entries\{state="failed"\} 2$/m,
        /^durable_mail_outbox_entries\{state="unknown"\} 1$/m,
        /^durable_mail_outbox_oldest_waiting_seconds \d+(\.\d+)?$/m,
      ])
        assert.match(text, line);
    });

    it('keep recipient and subject to themselves where the console does not show mails', async () => {
      await instead({ showMail: false });
      await deadMails(open.ledger, await listening(open.ledger), 1);
      const { events } = await open.ledger.events({}, { limit: 1 });
      const origin = { workflowId: 'w1', nodeId: 'n2', nodeName: null, event: events[0]!.id };
      const [entry] = await queued(open.ledger, 1, { origin });
      for (const path of ['/api/outbox', `/api/outbox/${entry!.id}`]) {
        const { text } = await open.send(path, { headers: READ });
        assert.doesNotMatch(text, /bob@|Your order|Hello/);
        assert.match(text, /"recipient":null,"subject":null/);
      }
      for (const name of ['recipient', 'subject'])
        for (const path of ['/api/outbox', '/api/outbox/found'])
          refusedWith(
            await open.send(`${path}?${name}=b`, { headers: READ }),
            400,
            /does not show recipients/,
          );
      const answer = await act({ action: 'forget', filter: { recipient: 'bob' }, count: 1 });
      refusedWith(answer, 400, /does not show recipients/);
    });
  });

  describe('its acts', () => {
    it('are done at once to those that were picked and fit, and what is to go out is looked at', async () => {
      const [unknown, sent] = await queued(open.ledger, 2);
      await tried(open.ledger, [unknown!.id], UNKNOWN);
      await tried(open.ledger, [sent!.id], { became: 'SENT', answer: '250 ok' });
      const [gone] = await failed(1);
      const ids = [unknown!.id, sent!.id, gone!, NOBODY];
      const changed = async (action: EntryAct): Promise<number> =>
        (await act({ action, ids })).json<Acted>().changed;
      assert.equal(await changed('markSent'), 1);
      assert.deepEqual(open.wakes, []);
      assert.equal(await changed('retry'), 1);
      assert.deepEqual(open.wakes, ['outbox']);
      assert.equal(await changed('cancel'), 1);
      assert.equal(await changed('forget'), 3);
      const { entries } = await open.get<OutboxAnswer>('/api/outbox');
      assert.deepEqual(
        entries.map(({ state, recipient, hasContent }) => [state, recipient, hasContent]),
        [
          ['CANCELLED', null, false],
          ['SENT', null, false],
          ['SENT', null, false],
        ],
      );
    });

    it('are done to all failed of a time, in the background, and to nothing else', async () => {
      const [waits] = await queued(open.ledger, 1);
      await failed(450);
      const filter = { state: 'FAILED', since: new Date(Date.now() - 3_600_000).toISOString() };
      const { job } = (await act({ action: 'retry', filter, count: 450 })).json<JobAnswer>();
      assert.deepEqual(
        [job.of, job.action, job.filter, job.by],
        ['outbox', 'retry', filter, 'console (operate)'],
      );
      const { state, seen, changed } = await ended(job);
      assert.deepEqual([state, seen, changed], ['done', 450, 450]);
      assert.equal((await open.get<OutboxCounts>('/api/outbox/count')).waiting, 451);
      assert.equal((await open.get<EntryAnswer>(`/api/outbox/${waits!.id}`)).entry.tries, 0);
      assert.ok(open.wakes.length >= 1);
    });

    it('leave what came to be in doubt since it was found', async () => {
      const ids: string[] = [];
      await instead({
        over: (ledger) => ({
          entries: async (...asked) => {
            const page = await ledger.entries(...asked);
            await ledger.actOnEntries([ids[0]!], 'retry', 'somebody else');
            await tried(ledger, [ids[0]!], UNKNOWN);
            return page;
          },
        }),
      });
      ids.push(...(await failed(2)));
      const { job } = (
        await act({ action: 'retry', filter: { state: 'FAILED' }, count: 2 })
      ).json<JobAnswer>();
      const { seen, changed } = await ended(job);
      assert.deepEqual([seen, changed], [2, 1]);
      assert.equal((await open.get<EntryAnswer>(`/api/outbox/${ids[0]}`)).entry.state, 'UNKNOWN');
    });

    it('are done to nothing where it is not said to what, and not to many more than were told of', async () => {
      const [id] = await failed(60);
      for (const [body, words] of [
        [{}, /no "action". There are retry, cancel, markSent, forget/],
        [{ action: 'replay', ids: [id] }, /"replay" is no "action"/],
        [{ action: 'retry' }, /either "ids"/],
        [{ action: 'retry', ids: [id], filter: {} }, /either "ids"/],
        [{ action: 'retry', ids: [id], state: 'FAILED' }, /"state" is not known/],
        [{ action: 'retry', ids: [] }, /list of 1 to 200 ids of entries/],
        [{ action: 'retry', ids: ['x'] }, /"x" is no id of an entry/],
        [{ action: 'cancel', filter: {}, count: 60 }, /No filter is set/],
        [{ action: 'cancel', filter: { workflow: '' }, count: 60 }, /No filter is set/],
        [{ action: 'retry', filter: { workflow: 'w1' }, count: 60 }, /may have arrived already/],
        [{ action: 'retry', filter: { state: 'FAILED' } }, /"count" has to be how many \/api\/outbox\/found/],
        [{ action: 'retry', filter: { state: ['FAILED'] }, count: 60 }, /has to be text/],
        [{ action: 'retry', filter: { sender: 'a' }, count: 60 }, /"sender" is not known/],
      ] as const)
        refusedWith(await open.post('/api/outbox/act', body), 400, words);
      const few = await act({ action: 'retry', filter: { state: 'FAILED' }, count: 30 });
      refusedWith(few, 409, /finds 60 entries by now, and you were told of 30/);
      assert.equal((await open.get<OutboxCounts>('/api/outbox/count')).failed, 60);
      assert.deepEqual([(await open.get<JobsAnswer>('/api/jobs')).jobs, open.errors], [[], []]);
    });

    it('are kept apart from those on mails, also where the words are the same', async () => {
      await failed(2);
      const filter = { state: 'UNKNOWN' };
      const answers = await Promise.all([
        act({ action: 'forget', filter, count: 0 }),
        open.post('/api/act', { action: 'forget', filter, count: 0 }),
      ]);
      assert.deepEqual(
        answers.map(({ status }) => status),
        [200, 200],
      );
    });
  });

  describe('its templates', () => {
    const save = (template: unknown): Promise<Received> => open.post('/api/templates/save', template);
    const welcome = { name: 'welcome', subject: 'Hello {{name}}', text: 'Dear {{name}},', html: HTML };

    it('are saved, listed, read and removed', async () => {
      const saved = (await save(welcome)).json<TemplateAnswer>();
      assert.deepEqual([saved.values, saved.template.changedBy], [['name'], 'console (operate)']);
      await save({ name: 'plain', subject: 's', text: 't' });
      const { templates } = await open.get<TemplatesAnswer>('/api/templates');
      assert.deepEqual(
        templates.map(({ name, hasText, hasHtml }) => [name, hasText, hasHtml]),
        [
          ['plain', true, false],
          ['welcome', true, true],
        ],
      );
      assert.ok(!JSON.stringify(templates).includes('Dear'));
      assert.deepEqual(await open.get<TemplateAnswer>('/api/template?name=welcome'), saved);
      refusedWith(
        await open.send('/api/template?name=none', { headers: READ }),
        404,
        /no template of this name/,
      );
      assert.deepEqual((await open.post('/api/templates/remove', { name: 'plain' })).json(), {
        removed: true,
      });
      refusedWith(await open.post('/api/templates/remove', { name: 'plain' }), 404, /no template/);
    });

    it('are refused where they could not be sent', async () => {
      for (const [template, words] of [
        [{ ...welcome, name: ' ' }, /"name" has to be text/],
        [{ ...welcome, name: 7 }, /"name" has to be text/],
        [{ ...welcome, name: 'a'.repeat(201) }, /longer than 200/],
        [{ name: 'x', subject: 's' }, /needs a "text" or an "html"/],
        [{ name: 'x', subject: 's', text: 7 }, /"text" has to be text/],
        [{ name: 'x', subject: 's', text: 'a\0' }, /has a sign/],
        [{ name: 'x', subject: 's', text: '{{#each}}' }, /holds .*#each/],
        [{ name: 'x', subject: 's', text: 'Hi {{name}' }, /holds \{\{name\}, which is no name/],
        [{ name: 'x', subject: 's', html: 'a'.repeat(500_001) }, /longer than 500000/],
        [{ ...welcome, extra: 1 }, /"extra" is not known/],
      ] as const)
        refusedWith(await save(template), 400, words);
      assert.equal((await save({ name: 'long', subject: 's', text: 'ä'.repeat(500_000) })).status, 200);
      refusedWith(await open.post('/api/look', { source: 'a'.repeat(70_000) }), 413, /larger than 65536/);
    });

    it('are read where one that was stored before could not be sent', async () => {
      await open.ledger.saveTemplate('old', { subject: 's', text: 'Hi {{{name}}}', html: null }, 'me');
      const { template, values } = await open.get<TemplateAnswer>('/api/template?name=old');
      assert.deepEqual([template.text, values], ['Hi {{{name}}}', []]);
      const { templates } = await open.get<TemplatesAnswer>('/api/templates');
      assert.ok(templates.some(({ name }) => name === 'old'));
      assert.equal(
        (await save({ ...template, changedAt: undefined, changedBy: undefined, text: 'Hi' })).status,
        200,
      );
    });

    it('are previewed by whoever may look, escaped, and missing values are named', async () => {
      await save(welcome);
      const preview = (body: unknown): Promise<Received> => open.post('/api/templates/preview', body, READ);
      const answer = await preview({ name: 'welcome', values: { name: '<script>alert(1)</script>' } });
      assertGuarded(answer);
      assert.match(answer.headers['content-type']!, /^application\/json/);
      assert.deepEqual(answer.json<PreviewAnswer>(), {
        subject: 'Hello <script>alert(1)</script>',
        text: 'Dear <script>alert(1)</script>,',
        html: '<p>Hello <b>&lt;script&gt;alert(1)&lt;/script&gt;</b></p>',
        values: ['name'],
      });
      const unsaved = await preview({ subject: 's', text: '{{a}}', html: null, values: { a: 1 } });
      assert.deepEqual(unsaved.json<PreviewAnswer>(), { subject: 's', text: '1', html: null, values: ['a'] });
      for (const [body, status, words] of [
        [{ name: 'welcome', values: {} }, 400, /name/],
        [{ name: 'welcome' }, 400, /"values" has to be an object/],
        [{ name: 'none', values: {} }, 404, /no template/],
        [{ name: 'welcome', subject: 's', values: {} }, 400, /either "name"/],
        [{ subject: 's', text: '{{a b}}', values: {} }, 400, /is no name/],
        [{ subject: 's', text: '{{constructor}}', values: {} }, 400, /constructor/],
      ] as const)
        refusedWith(await preview(body), status, words);
      assert.deepEqual(open.errors, []);
    });
  });

  describe('its endpoints', () => {
    it('are told without what is secret, taken back, and removed', async () => {
      const { id } = await open.ledger.saveEndpoint(
        {
          name: 'shop',
          url: 'https://ann:secret@hooks.example/services/T0000000000000000000/B1?key=secret',
          request: { credential: 'webhook-3' },
          wish: { types: ['email.dead'], workflowId: null, sourceId: 7 },
        },
        'workflow w1',
      );
      await open.ledger.setAside(id, 'It has failed for 5 days.');
      const answer = await open.send('/api/endpoints', { headers: READ });
      assert.doesNotMatch(answer.text, /secret|T0000|webhook-3|position/);
      const [endpoint] = answer.json<EndpointsAnswer>().endpoints;
      assert.deepEqual(
        [endpoint!.url, endpoint!.types, endpoint!.sourceId, endpoint!.asideReason],
        ['https://hooks.example/services/…/B1?…', ['email.dead'], 7, 'It has failed for 5 days.'],
      );
      const taken = (await open.post('/api/endpoints/takeBack', { name: 'shop' })).json<{
        endpoint: EndpointsAnswer['endpoints'][number];
      }>();
      assert.deepEqual([taken.endpoint.asideSince, taken.endpoint.asideReason], [null, null]);
      assert.deepEqual((await open.post('/api/endpoints/remove', { name: 'shop' })).json(), {
        removed: true,
      });
      for (const path of ['takeBack', 'remove'])
        for (const name of ['shop', 1, null, undefined, { a: 1 }])
          refusedWith(await open.post(`/api/endpoints/${path}`, { name }), 404, /no such endpoint/);
    });

    it('are not the places of Outbox Triggers, which nobody can take away', async () => {
      const reader = newReader('w1', 'n1');
      await open.ledger.saveEndpoint(reader, reader.name);
      assert.deepEqual((await open.get<EndpointsAnswer>('/api/endpoints')).endpoints, []);
      for (const path of ['takeBack', 'remove'])
        refusedWith(
          await open.post(`/api/endpoints/${path}`, { name: reader.name }),
          404,
          /no such endpoint/,
        );
      assert.equal((await open.ledger.endpoints()).length, 1);
    });
  });

  it('are acted on by whoever may operate, and looked at by whoever may read', async () => {
    const [id] = await failed(1);
    for (const [path, body] of [
      ['/api/outbox/act', { action: 'retry', ids: [id] }],
      ['/api/templates/save', { name: 'x', subject: 's', text: 't' }],
      ['/api/templates/remove', { name: 'x' }],
      ['/api/endpoints/takeBack', { name: 'x' }],
      ['/api/endpoints/remove', { name: 'x' }],
    ] as const) {
      const answer = await open.post(path, body, READ);
      refusedWith(answer, 403, /may look, and not act/);
      assertGuarded(answer);
      refusedWith(await open.post(path, body, { authorization: '' }), 401, /Log in|none of the console/);
      assert.equal((await open.send(path, { headers: READ })).status, 405);
    }
    for (const path of ['/api/outbox', `/api/outbox/${id}`, '/api/outbox/count', '/api/outbox/found'])
      assert.equal((await open.send(path)).status, 401, path);
    for (const path of ['/api/templates', '/api/template?name=x', '/api/endpoints'])
      assert.equal((await open.send(path)).status, 401, path);
    assert.equal((await open.post('/api/templates/preview', {}, { authorization: '' })).status, 401);
    assert.equal((await open.get<OutboxCounts>('/api/outbox/count')).failed, 1);
    assert.deepEqual(open.wakes, []);
  });

  it('are asked for in a bundle, too, where only fixed addresses are there', async () => {
    const [id] = await failed(1);
    const asks = [
      `/api/outbox/${id}`,
      '/api/outbox/count',
      '/api/outbox/act',
      '/api/template?name=x',
      '/api/endpoints',
    ];
    const { answers } = (await open.post('/api/batch', { asks }, READ)).json<{
      answers: { status: number }[];
    }>();
    assert.deepEqual(
      answers.map(({ status }) => status),
      [200, 200, 404, 404, 200],
    );
  });
});
