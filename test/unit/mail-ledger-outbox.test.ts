// The Mail Ledger node and the outbox: entries looked at and acted on, and templates of mails.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { IDataObject, IExecuteFunctions } from 'n8n-workflow';
import type { Ledger } from '../../engine/ledger/ledger';
import type { Entry, Outbox } from '../../engine/ledger/outbox';
import { openSqliteLedger } from '../../engine/ledger/sqlite/sqlite-ledger';
import { answerOf as answerOfMail } from '../../nodes/DurableSend/answers';
import { answerOf as answerOfWebhook } from '../../nodes/DurableWebhook/answers';
import type { MailLedgerStore } from '../../nodes/MailLedger/actions';
import { runMailLedger } from '../../nodes/MailLedger/operations';
import { properties } from '../../nodes/MailLedger/properties';
import { itemOf } from '../../nodes/OutboxTrigger/items';
import { evaluated } from '../support/n8n-expression';
import { queued, tried } from '../support/outbox-entries';

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');
const NOBODY = '00000000-0000-4000-8000-000000000000';

let folder: string;
let outbox: Ledger;
/** In place of the ledger's own. */
let over: Partial<Outbox>;
let woken: number[];
let acts: [ids: number, act: string, by: string][];

async function ask(parameters: Readonly<Record<string, unknown>>): Promise<IDataObject[]> {
  const context = {
    getNode: () => ({ name: 'Mail Ledger' }),
    getInputData: () => [{ json: {} }],
    getTimezone: () => 'Europe/Berlin',
    getWorkflow: () => ({ id: 'w7' }),
    continueOnFail: () => false,
    getNodeParameter: (name: string, _: number, fallback: unknown) =>
      ({ resource: 'outbox', ...parameters })[name] ?? fallback,
  } as unknown as IExecuteFunctions;
  const store = {
    ledger: new Proxy(outbox, {
      get: (of, name) => over[name as keyof Outbox] ?? (Reflect.get(of, name) as unknown),
    }),
    wake: { notify: (ids: readonly number[]) => void woken.push(...ids) },
  } as unknown as MailLedgerStore;
  return (await runMailLedger(context, async () => store)).map(({ json }) => json);
}

beforeEach(async () => {
  woken = [];
  acts = [];
  folder = await mkdtemp(join(tmpdir(), 'durable-mail-outbox-'));
  outbox = await openSqliteLedger(join(folder, 'ledger.sqlite'));
  over = {
    actOnEntries: async (ids, name, by, states) => {
      acts.push([ids.length, name, by]);
      return outbox.actOnEntries(ids, name, by, states);
    },
  };
});
afterEach(async () => {
  await outbox.close();
  await rm(folder, { recursive: true });
});

const failed = async (count: number): Promise<readonly Entry[]> => {
  const entries = await queued(outbox, count);
  const ids = entries.map(({ id }) => id);
  await tried(outbox, ids, { became: 'FAILED', error: '550 no' });
  return entries;
};

describe('entries of the outbox', () => {
  it('are got one by one, with times as ISO 8601 and nothing of what a sender needs', async () => {
    const [entry] = await failed(1);
    const [json] = await ask({ operation: 'get', entryId: entry!.id });
    assert.deepEqual(Object.keys(json!).slice(0, 5), ['entryId', 'state', 'kind', 'recipient', 'subject']);
    assert.deepEqual(
      [json!['entryId'], json!['state'], json!['tries'], json!['lastError'], json!['eventId']],
      [entry!.id, 'FAILED', 1, '550 no', null],
    );
    assert.deepEqual([json!['workflowId'], json!['nodeName']], ['w1', 'Confirm']);
    assert.match(textOf(json!['queuedAt']), /^\d{4}-.*Z$/);
    assert.ok(!JSON.stringify(json).includes('hidden@example.com'));
    await assert.rejects(ask({ operation: 'get', entryId: NOBODY }), /is not in this mail ledger/);
    await assert.rejects(ask({ operation: 'get', entryId: 'x' }), /"x" is not an entry ID/);
    await assert.rejects(ask({ operation: 'get', entryId: '' }), /The entry ID is empty/);
  });

  it('are meant by the items of each node that hands them on, where nobody enters an ID', async () => {
    const [entry] = await failed(1);
    const items = [
      ...(await ask({ operation: 'getAll' })),
      answerOfMail(entry!, false, 'shop@example.com', 0).json,
      answerOfWebhook(entry!, false, 0).json,
      itemOf({ id: '1', kind: 'failed', at: 0, entry: entry!, endpoint: null }).json,
    ];
    for (const name of ['entryId', 'entryIds']) {
      const value = properties.find((property) => property.name === name)!.default as string;
      assert.deepEqual(
        items.map((json) => evaluated(value, json)),
        items.map(() => entry!.id),
        name,
      );
    }
  });

  it('are got page by page, up to the limit, the newest first', async () => {
    const entries = await queued(outbox, 450);
    const all = await ask({ operation: 'getAll', returnAll: true });
    assert.deepEqual(
      all.map(({ entryId }) => entryId),
      entries.map(({ id }) => id).reverse(),
    );
    assert.equal((await ask({ operation: 'getAll', limit: 201 })).length, 201);
    assert.equal((await ask({ operation: 'getAll' })).length, 50);
    await assert.rejects(ask({ operation: 'getAll', limit: 0 }), /"Limit" must be a whole number/);
  });

  it('are found by filters; a time without a zone is in the zone of the workflow', async () => {
    const event = '01a21d62-86db-7a3e-a829-9b12abf4a608';
    await queued(outbox, 1, {
      ...{ kind: 'webhook', lane: 'host:a', recipient: 'https://a/b', subject: 'Hi', messageId: '<1@a>' },
      origin: { workflowId: 'w9', nodeId: 'n', nodeName: null, event },
    });
    await failed(2);
    const asked: unknown[] = [];
    over = {
      entries: async (filter, page) => {
        asked.push(filter);
        return outbox.entries(filter, page);
      },
    };
    const count = async (entryFilters: object): Promise<number> =>
      (await ask({ operation: 'getAll', entryFilters })).length;
    for (const filter of [
      { kind: 'webhook' },
      { lane: 'host:a' },
      { recipient: 'HTTPS://A' },
      { subject: 'hi' },
      { messageId: '<1@a>' },
      { workflowId: 'w9' },
      { eventId: event.toUpperCase() },
      { kind: 'webhook', subject: '' },
    ])
      assert.equal(await count(filter), 1, JSON.stringify(filter));
    assert.equal(await count({ states: ['FAILED', 'sent'] }), 2);
    assert.equal(
      await count({ queuedAfter: '2026-01-31T08:00:00', queuedBefore: '2026-02-01T00:00:00Z' }),
      0,
    );
    assert.deepEqual(asked.at(-1), {
      from: Date.parse('2026-01-31T07:00:00Z'),
      until: Date.parse('2026-02-01T00:00:00Z'),
    });
    await assert.rejects(count({ states: ['LOST'] }), /"LOST" is not a state of an entry/);
    await assert.rejects(count({ queuedAfter: 'soon' }), /"soon" in "Queued After" is not a date/);
  });

  it('are counted', async () => {
    await failed(2);
    await queued(outbox, 1);
    const [counts] = await ask({ operation: 'getCounts' });
    assert.match(textOf(counts!['oldestQueuedAt']), /Z$/);
    assert.deepEqual(
      { ...counts, oldestQueuedAt: '' },
      {
        ...{ waiting: 1, active: 0, delayed: 0, completed: 0, failed: 2, unknown: 0, bounced: 0 },
        ...{ cancelled: 0, oldestQueuedAt: '' },
      },
    );
  });
});

describe('an act on entries', () => {
  it('by their ids counts what it changed, in parts, and lets whoever sends look', async () => {
    const ids = (await failed(250)).map(({ id }) => id);
    assert.deepEqual(await ask({ operation: 'retry', entryIds: [...ids, ids[0]] }), [{ count: 250 }]);
    assert.deepEqual(acts, [
      [200, 'retry', 'workflow w7'],
      [50, 'retry', 'workflow w7'],
    ]);
    assert.deepEqual(woken, [0]);
    assert.deepEqual(await ask({ operation: 'cancel', entryIds: ids.slice(0, 3).join(', ') }), [
      { count: 3 },
    ]);
    assert.deepEqual(await ask({ operation: 'forget', entryIds: ids.slice(0, 2) }), [{ count: 2 }]);
    assert.deepEqual(woken, [0], 'nothing else is to be sent');
  });

  it('says why an entry that was named is left as it is', async () => {
    const [waits, sent, forgotten] = (await queued(outbox, 3)).map(({ id }) => id);
    await tried(outbox, [sent!], { became: 'SENT', answer: '250' });
    await tried(outbox, [forgotten!], { became: 'FAILED', error: 'no' });
    await outbox.actOnEntries([forgotten!], 'forget', 'x');
    const act = (operation: string, id: string): Promise<unknown> => ask({ operation, entryIds: id });
    await assert.rejects(act('retry', sent!), /is SENT: what is sent, or is being sent, cannot be retried/);
    await assert.rejects(act('cancel', sent!), /only what waits, failed or is unknown can be cancelled/);
    await assert.rejects(act('markSent', waits!), /is QUEUED: only what is unknown can be marked as sent/);
    await assert.rejects(act('forget', waits!), /cannot be forgotten/);
    await assert.rejects(act('retry', forgotten!), /cannot be sent again: its content was forgotten/);
    await assert.rejects(act('retry', NOBODY), /is not in this mail ledger/);
    assert.deepEqual(woken, []);
  });

  it('by a filter retries what may have arrived only where that is said', async () => {
    const [unknown] = await queued(outbox, 1);
    await tried(outbox, [unknown!.id], { became: 'UNKNOWN', error: 'cut', lookAfterMs: null });
    await failed(300);
    const retry = (entryFilters: object): Promise<IDataObject[]> =>
      ask({ operation: 'retry', entrySelect: 'filter', entryFilters });
    assert.deepEqual(await retry({ workflowId: 'w1' }), [{ count: 300 }]);
    assert.equal((await outbox.entriesOf({ ids: [unknown!.id] }))[0]!.state, 'UNKNOWN');
    assert.deepEqual(await retry({ workflowId: 'w1', states: ['UNKNOWN'] }), [{ count: 1 }]);
    for (const operation of ['retry', 'cancel', 'markSent', 'forget']) {
      const by = (entryFilters: object): Promise<unknown> =>
        ask({ operation, entrySelect: 'filter', entryFilters });
      await assert.rejects(by({}), /No filter is set, so every entry would be chosen/);
      await assert.rejects(by({ workflowId: 'w', recipient: ' ' }), /The filter "Recipient" is empty/);
    }
  });
});

describe('a retry of all that failed', () => {
  it('leaves one that came to be in doubt since it was found', async () => {
    const [one, other] = (await failed(2)).map(({ id }) => id);
    over['entries'] = async (...asked) => {
      const page = await outbox.entries(...asked);
      await outbox.actOnEntries([one!], 'retry', 'somebody else');
      await tried(outbox, [one!], { became: 'UNKNOWN', error: 'cut', lookAfterMs: null });
      return page;
    };
    const found = { operation: 'retry', entrySelect: 'filter', entryFilters: { workflowId: 'w1' } };
    assert.deepEqual(await ask(found), [{ count: 1 }]);
    const states = (await outbox.entriesOf({ ids: [one!, other!] })).map(({ id, state }) => [id, state]);
    assert.deepEqual(
      new Map(states as [string, string][]),
      new Map([
        [one, 'UNKNOWN'],
        [other, 'QUEUED'],
      ]),
    );
  });
});

describe('templates of mails', () => {
  const template = (operation: string, parameters: object = {}): Promise<IDataObject[]> =>
    ask({ resource: 'template', operation, templateName: 'welcome', ...parameters });
  const WELCOME = { templateSubject: 'Hi {{name}}', templateText: '', templateHtml: '<b>{{name}}</b>' };

  it('are saved, got, previewed and removed', async () => {
    const [saved] = await template('save', WELCOME);
    assert.match(textOf(saved!['changedAt']), /Z$/);
    assert.deepEqual(
      { ...saved, changedAt: '' },
      {
        ...{ name: 'welcome', subject: 'Hi {{name}}', text: null, html: '<b>{{name}}</b>' },
        ...{ changedAt: '', changedBy: 'workflow w7', values: ['name'] },
      },
    );
    assert.deepEqual(await template('get'), [saved]);
    assert.deepEqual(await template('getAll'), [saved]);
    const filled = { name: 'welcome', subject: 'Hi A&B', text: null, html: '<b>A&amp;B</b>' };
    assert.deepEqual(await template('preview', { templateValues: '{"name": "A&B"}' }), [filled]);
    assert.deepEqual(await template('preview', { templateValues: { name: 'A&B' } }), [filled]);
    assert.deepEqual(await template('remove'), [{ name: 'welcome', removed: true }]);
    for (const operation of ['get', 'preview', 'remove'])
      await assert.rejects(template(operation), /There is no template "welcome"/);
  });

  it('are refused where they could not be sent', async () => {
    await assert.rejects(template('save', { templateSubject: 'Hi' }), /needs a text or HTML/);
    await assert.rejects(template('save', { ...WELCOME, templateName: ' ' }), /"Name" is empty/);
    await assert.rejects(template('save', { ...WELCOME, templateName: 'a'.repeat(201) }), /more than 200/);
    await assert.rejects(template('save', { templateText: 'a'.repeat(500_001) }), /more than 500000/);
    await assert.rejects(template('save', { templateText: '{{#if}}' }), /#if/);
    await assert.rejects(
      template('save', { templateText: 'Hi {{name}' }),
      /holds \{\{name\}, which is no name/,
    );
    await template('save', WELCOME);
    await assert.rejects(template('preview', { templateValues: '{}' }), /name/);
    for (const templateValues of ['[]', 'x', '7', 'null'])
      await assert.rejects(template('preview', { templateValues }), /"Values" is no JSON object/);
  });

  it('are shown, and saved anew, where one that was stored before could not be sent', async () => {
    await outbox.saveTemplate('welcome', { subject: '', text: 'Hi {{{name}}}', html: null }, 'me');
    for (const operation of ['get', 'getAll']) {
      const [stored] = await template(operation);
      assert.deepEqual([stored!['text'], stored!['values']], ['Hi {{{name}}}', []]);
    }
    const templateValues = { name: 'Ann' };
    await assert.rejects(template('preview', { templateValues }), /holds \{\{\{name\}\}\}, which is no name/);
    await template('save', WELCOME);
    assert.equal((await template('preview', { templateValues }))[0]!['subject'], 'Hi Ann');
  });
});

describe('what a person sets for the outbox', () => {
  it('has an operation behind each that can be chosen', async () => {
    for (const resource of ['outbox', 'template']) {
      const operations = properties.filter(
        ({ name, displayOptions }) =>
          name === 'operation' && displayOptions?.show?.['resource']?.[0] === resource,
      );
      const values = operations.flatMap(({ options = [] }) =>
        options.map((one) => (one as { value: string }).value),
      );
      assert.ok(values.length >= 5);
      for (const operation of values)
        await ask({ resource, operation }).catch((error: unknown) =>
          assert.doesNotMatch((error as Error).message, /There is no operation/),
        );
    }
  });
});
