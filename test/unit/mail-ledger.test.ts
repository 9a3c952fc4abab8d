// The Mail Ledger node: what it asks of the ledger for each parameter, and what it tells.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { IDataObject, IExecuteFunctions, INodeExecutionData } from 'n8n-workflow';
import type {
  Changed,
  EventFilter,
  EventPage,
  EventRecord,
  Inspection,
  Selection,
  SourceHealth,
} from '../../engine/ledger/inspection';
import type { EventState } from '../../engine/ledger/states';
import { newEventId } from '../../engine/ledger/common/event-id';
import type { Ledger } from '../../engine/ledger/ledger';
import { openSqliteLedger } from '../../engine/ledger/sqlite/sqlite-ledger';
import { held } from '../ledger/held';
import { runMailLedger } from '../../nodes/MailLedger/operations';
import { properties } from '../../nodes/MailLedger/properties';

const [E1, E2] = [newEventId(), newEventId()] as const;

const record = (id: string, state: EventState): EventRecord => ({
  id,
  state,
  attempt: 2,
  failures: 1,
  workflowId: 'w',
  nodeId: 'n',
  ...{ nodeName: 'Trigger', sourceId: 3, beganAt: 1_700_000_000_500 },
  served: true,
  executionId: '42',
  lastError: 'HTTP: 500',
  idempotencyKey: 'k',
  recordedAt: 1_700_000_000_000,
  dueAt: null,
  settledAt: 1_700_000_001_000,
  account: 'ann@example.com',
  mailbox: 'INBOX',
  uid: 7,
  messageId: '<m@example.com>',
  sender: 'bob@example.com',
  subject: 's',
  receivedAt: null,
  size: 123,
  hasContent: true,
  annotations: [
    {
      name: 'model',
      category: 'order',
      priority: null,
      summary: 's',
      data: { n: [1] },
      at: 1_700_000_002_000,
    },
  ],
});

const source: SourceHealth = {
  id: 3,
  kind: 'imap',
  account: 'ann@example.com',
  mailbox: 'INBOX',
  state: 'idle',
  connection: 'idling',
  since: 1_700_000_000_000,
  failingSince: null,
  nextTryAt: null,
  holder: 'n8n:7:one',
  unreadSince: null,
  lastMailAt: 1_700_000_000_000,
  lastSuccessAt: 1_700_000_000_000,
  lastErrorAt: null,
  lastError: null,
  backfill: { read: 50, left: 1_950 },
  recovered: 12,
  recoveredAt: 1_700_000_000_000,
  notifiedUntil: 1_700_000_000_000,
  actionsWaiting: 2,
  actionError: 'There is no mailbox Done.',
  workflowIds: ['w'],
  served: true,
};

/** Notes what it is asked, and answers with its events. */
class FakeInspection implements Inspection {
  readonly asked: unknown[] = [];
  records: EventRecord[] = [];
  count = 1;
  notServed = 0;

  async events(filter: EventFilter, page: { after?: number; limit: number }): Promise<EventPage> {
    this.asked.push(['events', filter, page]);
    const start = page.after ?? 0;
    const next = start + page.limit;
    return { events: this.records.slice(start, next), next: next < this.records.length ? next : null };
  }

  async event(id: string): Promise<EventRecord | null> {
    return this.records.find((event) => event.id === id) ?? null;
  }

  async mailsOf(): Promise<never[]> {
    return [];
  }

  async statistics(filter: Pick<EventFilter, 'workflowId'>): Promise<Readonly<Record<EventState, number>>> {
    this.asked.push(['statistics', filter]);
    return { PENDING: 1, QUEUED: 2, RUNNING: 3, RETRY: 4, DONE: 5, DEAD: 6, GONE: 7, UNKNOWN: 8 };
  }

  async unserved(filter: Pick<EventFilter, 'workflowId'>): Promise<number> {
    this.asked.push(['unserved', filter]);
    return this.notServed;
  }

  async sources(): Promise<SourceHealth[]> {
    return [source];
  }

  replay = (selection: Selection, by?: string): Promise<Changed> => this.#act('replay', selection, by);
  retryNow = (selection: Selection, by?: string): Promise<Changed> => this.#act('retryNow', selection, by);
  markDone = (selection: Selection, by?: string): Promise<Changed> => this.#act('markDone', selection, by);
  forget = (selection: Selection, by?: string): Promise<Changed> => this.#act('forget', selection, by);

  async #act(name: string, selection: Selection, by?: string): Promise<Changed> {
    assert.equal(by, 'workflow w7');
    this.asked.push([name, selection]);
    return { count: this.count, unserved: this.notServed, subscriptionIds: this.count > 0 ? [11] : [] };
  }
}

interface Answer {
  readonly json: readonly IDataObject[];
  readonly output: readonly INodeExecutionData[];
  readonly woken: readonly number[];
}

async function ask(
  ledger: Inspection,
  parameters: Readonly<Record<string, unknown>>,
  options: { readonly continues?: boolean; readonly inputs?: number } = {},
): Promise<Answer> {
  const context = {
    getNode: () => ({ name: 'Mail Ledger' }),
    getInputData: () => Array.from({ length: options.inputs ?? 1 }, () => ({ json: {} })),
    getTimezone: () => 'Europe/Berlin',
    getWorkflow: () => ({ id: 'w7' }),
    continueOnFail: () => options.continues === true,
    getNodeParameter: (name: string, index: number, fallback: unknown) => {
      const value = { resource: 'event', ...parameters }[name];
      return (Array.isArray(value) && name === 'eventId' ? (value as unknown[])[index] : value) ?? fallback;
    },
  } as unknown as IExecuteFunctions;
  const woken: number[] = [];
  const wake = { notify: (ids: readonly number[]) => void woken.push(...ids) };
  const runs = { mailEvents: () => [] };
  const output = await runMailLedger(context, async () => ({ ledger: ledger as Ledger, wake, runs }));
  return { json: output.map(({ json }) => json), output, woken };
}

describe('looking', () => {
  it('gets an event by its id, with times as ISO 8601', async () => {
    const ledger = new FakeInspection();
    ledger.records = [record(E1, 'DEAD')];
    const { output } = await ask(ledger, { operation: 'get', eventId: ` ${E1.toUpperCase()} ` });
    assert.deepEqual(output, [
      {
        json: {
          eventId: E1,
          state: 'DEAD',
          attempt: 2,
          failures: 1,
          workflowId: 'w',
          nodeId: 'n',
          ...{ nodeName: 'Trigger', sourceId: 3, beganAt: '2023-11-14T22:13:20.500Z' },
          served: true,
          executionId: '42',
          lastError: 'HTTP: 500',
          idempotencyKey: 'k',
          recordedAt: '2023-11-14T22:13:20.000Z',
          dueAt: null,
          settledAt: '2023-11-14T22:13:21.000Z',
          account: 'ann@example.com',
          mailbox: 'INBOX',
          uid: 7,
          messageId: '<m@example.com>',
          sender: 'bob@example.com',
          subject: 's',
          receivedAt: null,
          size: 123,
          hasContent: true,
          annotations: [
            {
              ...{ name: 'model', category: 'order', priority: null, summary: 's', data: { n: [1] } },
              at: '2023-11-14T22:13:22.000Z',
            },
          ],
        },
        pairedItem: { item: 0 },
      },
    ]);
  });

  it('gets many events, page by page, up to the limit', async () => {
    const ledger = new FakeInspection();
    ledger.records = Array.from({ length: 450 }, () => record(newEventId(), 'DONE'));
    assert.equal((await ask(ledger, { operation: 'getAll', returnAll: true })).json.length, 450);
    assert.deepEqual(ledger.asked, [
      ['events', {}, { limit: 200 }],
      ['events', {}, { after: 200, limit: 200 }],
      ['events', {}, { after: 400, limit: 200 }],
    ]);
    assert.equal((await ask(ledger, { operation: 'getAll', limit: 250 })).json.length, 250);
    await assert.rejects(ask(ledger, { operation: 'getAll', limit: 0 }), /"Limit" must be a whole number/);
  });

  it('filters events; a time without a zone is in the zone of the workflow', async () => {
    const ledger = new FakeInspection();
    const filters = {
      states: ['DEAD', 'UNKNOWN'],
      workflowId: ' w ',
      sender: 'Bob@',
      recordedAfter: '2026-01-31T08:00:00',
      recordedBefore: new Date('2026-02-01T00:00:00Z'),
      subject: 'Order',
      sourceId: 3,
      leastFailures: 2,
      annotationName: 'triage',
      annotationCategory: 'invoice',
    };
    await ask(ledger, { operation: 'getAll', filters });
    const empty = { states: [], workflowId: '', sender: ' ', recordedAfter: '' };
    await ask(ledger, { operation: 'getAll', filters: empty });
    assert.deepEqual(ledger.asked, [
      [
        'events',
        {
          states: ['DEAD', 'UNKNOWN'],
          workflowId: 'w',
          sender: 'Bob@',
          since: Date.parse('2026-01-31T07:00:00Z'),
          until: Date.parse('2026-02-01T00:00:00Z'),
          subject: 'Order',
          sourceId: 3,
          leastFailures: 2,
          annotation: { name: 'triage', category: 'invoice' },
        },
        { limit: 50 },
      ],
      ['events', {}, { limit: 50 }],
    ]);
  });

  it('gets how sources are doing, and how many events are in each state', async () => {
    const ledger = new FakeInspection();
    const sources = await ask(ledger, { resource: 'source', operation: 'getAll' });
    const { id, ...more } = source;
    const at = '2023-11-14T22:13:20.000Z';
    assert.deepEqual(sources.json, [
      {
        sourceId: id,
        ...more,
        since: '2023-11-14T22:13:20.000Z',
        failingSince: null,
        nextTryAt: null,
        holder: 'n8n:7:one',
        unreadSince: null,
        lastMailAt: '2023-11-14T22:13:20.000Z',
        lastSuccessAt: at,
        recoveredAt: at,
        notifiedUntil: at,
      },
    ]);
    const counts = await ask(ledger, { resource: 'statistics', operation: 'getByState', workflowId: 'w' });
    const [{ states: _, ...sums }] = counts.json as [IDataObject];
    assert.deepEqual(sums, {
      waiting: 1,
      active: 5,
      delayed: 4,
      completed: 5,
      failed: 14,
      gone: 7,
      total: 36,
      unserved: 0,
    });
    await ask(ledger, { resource: 'statistics', operation: 'getByState', workflowId: '' });
    assert.deepEqual(ledger.asked, [
      ['statistics', { workflowId: 'w' }],
      ['unserved', { workflowId: 'w' }],
      ['statistics', {}],
      ['unserved', {}],
    ]);
  });
});

describe('an action', () => {
  it('on events by their ids counts what it changed, and wakes their subscriptions', async () => {
    for (const operation of ['replay', 'retryNow', 'markDone', 'forget']) {
      const ledger = new FakeInspection();
      const eventIds = `${E1}, ${E2},${E1}`;
      const { json, woken } = await ask(ledger, { operation, select: 'ids', eventIds });
      assert.deepEqual(ledger.asked, [[operation, { ids: [E1, E2] }]]);
      assert.deepEqual([json, woken], [[{ count: 1 }], [11]]);
    }
  });

  it('that is to make events run says which of them nobody runs', async () => {
    for (const operation of ['replay', 'retryNow', 'markDone', 'forget']) {
      const ledger = new FakeInspection();
      ledger.count = 3;
      ledger.notServed = 2;
      const { json } = await ask(ledger, { operation, select: 'ids', eventIds: E1 });
      const [{ message, ...counts }] = json as [IDataObject];
      const isToRun = ['replay', 'retryNow'].includes(operation);
      assert.deepEqual(counts, isToRun ? { count: 3, unserved: 2 } : { count: 3 });
      if (isToRun)
        assert.match(message as string, /^2 of these emails belong to a trigger that does not listen/);
    }
  });

  it('on very many ids asks in parts', async () => {
    const ledger = new FakeInspection();
    const eventIds = Array.from({ length: 450 }, () => newEventId());
    const { json } = await ask(ledger, { operation: 'replay', select: 'ids', eventIds });
    assert.deepEqual(json, [{ count: 3 }], 'one for each of the three parts');
  });

  it('on all of them means dead ones for a replay, and waiting ones for a retry', async () => {
    const ledger = new FakeInspection();
    await ask(ledger, { operation: 'replay', select: 'all' });
    await ask(ledger, { operation: 'retryNow', select: 'all' });
    assert.deepEqual(ledger.asked, [
      ['replay', { filter: { states: ['DEAD'] } }],
      ['retryNow', { filter: { states: ['RETRY'] } }],
    ]);
  });

  it('by a filter replays what is done only where that is said', async () => {
    const ledger = new FakeInspection();
    const filter = (filters: object, operation = 'replay'): Promise<Answer> =>
      ask(ledger, { operation, select: 'filter', filters });
    await filter({ workflowId: 'w' });
    await filter({ workflowId: 'w', states: ['DONE'] });
    await filter({ sender: 'bob' }, 'forget');
    assert.deepEqual(ledger.asked, [
      ['replay', { filter: { workflowId: 'w', states: ['DEAD', 'UNKNOWN'] } }],
      ['replay', { filter: { workflowId: 'w', states: ['DONE'] } }],
      ['forget', { filter: { sender: 'bob' } }],
    ]);
  });

  it('by a filter that says nothing is refused: it would change more than meant', async () => {
    const ledger = new FakeInspection();
    for (const operation of ['replay', 'retryNow', 'markDone', 'forget']) {
      const filter = (filters: object): Promise<Answer> =>
        ask(ledger, { operation, select: 'filter', filters });
      await assert.rejects(filter({}), /No filter is set/);
      await assert.rejects(filter({ workflowId: 'w', sender: '' }), /The filter "Sender" is empty/);
      await assert.rejects(filter({ workflowId: 'w', states: [] }), /The filter "States" is empty/);
    }
    assert.deepEqual(ledger.asked, []);
  });

  it('says why an event that was named is left as it is', async () => {
    const ledger = new FakeInspection();
    ledger.count = 0;
    ledger.records = [record(E1, 'RUNNING')];
    const of = (operation: string, eventIds = E1): Promise<Answer> =>
      ask(ledger, { operation, select: 'ids', eventIds });
    await assert.rejects(of('replay'), {
      message: `Event ${E1} is RUNNING: only settled events can be replayed`,
    });
    await assert.rejects(of('retryNow'), /only events that wait for a retry/);
    await assert.rejects(of('markDone'), /being run cannot be marked as done/);
    await assert.rejects(of('forget'), /only the content of settled events/);
    await assert.rejects(of('replay', E2), { message: `Event ${E2} is not in this mail ledger` });
    ledger.records = [record(E1, 'DONE')];
    await assert.rejects(of('forget'), /has another event that is not settled yet/);
    assert.deepEqual((await of('markDone')).json, [{ count: 0 }], 'it is done already');
    ledger.records = [{ ...record(E1, 'DONE'), sender: null, subject: null, hasContent: false }];
    assert.deepEqual((await of('forget')).json, [{ count: 0 }], 'it is forgotten already');
  });
});

describe('what cannot be meant', () => {
  it('is refused by the ledger itself, whatever it is on', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'durable-mail-asked-'));
    const ledger = await openSqliteLedger(join(folder, 'ledger.sqlite'));
    const filters = (set: object): Promise<Answer> => ask(ledger, { operation: 'getAll', filters: set });
    try {
      await assert.rejects(filters({ sender: 'a\0' }), /"sender" has a sign that no text of a mail has: NUL/);
      await assert.rejects(filters({ annotationName: '\0' }), /"annotation: name" has a sign/);
      await assert.rejects(
        ask(ledger, { resource: 'statistics', operation: 'getByState', workflowId: 'w\0' }),
        /"workflowId" has a sign/,
      );
      assert.deepEqual((await filters({ leastFailures: 2 ** 40 })).json, []);
      assert.deepEqual((await filters({ sender: 7n, subject: () => 1 })).json, []);
    } finally {
      await ledger.close();
      await rm(folder, { recursive: true });
    }
  });

  it('is told with a time that can be written, whatever clock was set wrong', async () => {
    const ledger = new FakeInspection();
    ledger.records = [{ ...record(E1, 'DEAD'), receivedAt: 9e15, settledAt: -9e15 }];
    const { json } = await ask(ledger, { operation: 'get', eventId: E1 });
    assert.equal(json[0]!['receivedAt'], '+275760-09-13T00:00:00.000Z');
    assert.equal(json[0]!['settledAt'], '-271821-04-20T00:00:00.000Z');
  });

  it('is an error that says what to change', async () => {
    const ledger = new FakeInspection();
    for (const eventId of ['', undefined, 'manual-test', '12', { id: 1 }]) {
      await assert.rejects(ask(ledger, { operation: 'get', eventId }), /(is not an event ID|ID is empty)$/);
    }
    const filters = (set: object): Promise<Answer> => ask(ledger, { operation: 'getAll', filters: set });
    await assert.rejects(filters({ recordedAfter: 'soon' }), /"soon" in "Recorded After" is not a date/);
    await assert.rejects(filters({ leastFailures: 0 }), /"Failed Runs" must be a whole number from 1 on/);
    await assert.rejects(filters({ states: ['LOST'] }), /"LOST" is not a state of an event/);
    await assert.rejects(ask(ledger, { operation: 'get', eventId: E1 }), /is not in this mail ledger/);
  });

  it('does not stop other items where the node is set to continue', async () => {
    const ledger = new FakeInspection();
    ledger.records = [record(E2, 'DONE')];
    const parameters = { operation: 'get', eventId: ['wrong', E2] };
    const { output } = await ask(ledger, parameters, { continues: true, inputs: 2 });
    assert.deepEqual(output[0], { json: { error: '"wrong" is not an event ID' }, pairedItem: { item: 0 } });
    assert.deepEqual([output[1]?.json['eventId'], output[1]?.pairedItem], [E2, { item: 1 }]);
    await assert.rejects(ask(ledger, parameters, { inputs: 2 }), /"wrong" is not an event ID/);
  });
});

describe('the parameters', () => {
  it('have options in the order that people look for them', () => {
    const lists = properties.flatMap((property) => [property, ...((property.options ?? []) as object[])]);
    for (const list of lists) {
      const { name, options = [] } = list as { name: string; options?: object[] };
      const names = options.map((option) => ('displayName' in option ? option.displayName : undefined) ?? '');
      const labels = names.every((label) => label === '')
        ? options.map((option) => (option as { name: string }).name)
        : (names as string[]);
      assert.deepEqual(labels, labels.toSorted(), name);
    }
  });
});

describe('the ledger itself', () => {
  it('is taken over by a word', async () => {
    const ledger = Object.assign(new FakeInspection(), {
      place: 'the file x',
      ledgerId: async () => 'l1',
      takeOver: async () => 'the host before',
    });
    const { json } = await ask(ledger, { resource: 'ledger', operation: 'takeOver' });
    assert.deepEqual(json, [{ ledgerId: 'l1', place: 'the file x', takenFrom: 'the host before' }]);
  });
});

describe('with a real ledger', () => {
  it('a dead event is found, replayed and marked as done, and its mail is forgotten', async (test) => {
    const folder = await mkdtemp(join(tmpdir(), 'durable-mail-inspect-'));
    const ledger = await openSqliteLedger(join(folder, 'ledger.sqlite'));
    test.after(async () => {
      await ledger.close();
      await rm(folder, { recursive: true });
    });
    const { id, sourceId } = await ledger.subscribe({
      workflowId: 'w',
      nodeId: 'n',
      source: { kind: 'imap', account: 'ann@example.com', mailbox: 'INBOX' },
      retryDelaysMs: [],
      guarantee: 'atLeastOnce',
      keepContentMs: 0,
      retentionMs: 86_400_000,
      afterSuccess: null,
      whenDead: null,
    });
    const message = {
      identity: 'm',
      softIdentity: null,
      accountWide: false,
      weakIdentity: null,
      messageId: null,
      sender: 'bob@example.com',
      subject: 's',
      uid: 1,
      uidValidity: '1',
      receivedAt: 1_700_000_000_000,
      size: 5,
      content: Buffer.from('gzip'),
      due: [id],
    };
    await ledger.record({ hold: await held(ledger, sourceId), messages: [message], cursors: [] });
    const offer = { subscriptionIds: [id], mostRuns: 1, mailsPerRun: 1, leaseMs: 60_000 };
    const { runs } = await ledger.offer(offer);
    const pointers = runs[0]!.pointers;
    await ledger.claim(pointers, '42', 60_000);
    await ledger.settle(pointers, { kind: 'failure', error: 'HTTP: 500' });

    const many = (filters: object): Promise<Answer> => ask(ledger, { operation: 'getAll', filters });
    const { json } = await many({ sender: 'BOB', states: ['DEAD'], workflowId: 'w' });
    const eventId = pointers[0]!.event;
    assert.deepEqual([json.length, json[0]?.['eventId'], json[0]?.['lastError']], [1, eventId, 'HTTP: 500']);
    assert.deepEqual((await many({ workflowId: 'deleted' })).json, []);

    const one = { select: 'ids', eventIds: eventId };
    const replayed = await ask(ledger, { operation: 'replay', select: 'all' });
    assert.deepEqual([replayed.json, replayed.woken], [[{ count: 1 }], [id]]);
    await assert.rejects(ask(ledger, { operation: 'replay', ...one }), /is PENDING: only settled events/);
    await assert.rejects(ask(ledger, { operation: 'forget', ...one }), /is PENDING/);
    assert.deepEqual((await ask(ledger, { operation: 'markDone', ...one })).json, [{ count: 1 }]);
    await ask(ledger, { operation: 'forget', ...one });
    const [event] = (await ask(ledger, { operation: 'get', eventId })).json;
    assert.deepEqual([event?.['state'], event?.['sender'], event?.['hasContent']], ['DONE', null, false]);
    const counts = await ask(ledger, { resource: 'statistics', operation: 'getByState' });
    assert.deepEqual([counts.json[0]?.['completed'], counts.json[0]?.['total']], [1, 1]);
    const sources = await ask(ledger, { resource: 'source', operation: 'getAll' });
    assert.deepEqual(sources.json[0]?.['workflowIds'], ['w']);
  });
});
