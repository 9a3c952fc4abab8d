// The Durable Send node: what it asks the outbox for, under which key, and what a run is told of it.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  type IBinaryData,
  type IExecuteFunctions,
  type INode,
  type INodeExecutionData,
  LoggerProxy,
  NodeOperationError,
} from 'n8n-workflow';
import type { ContentPiece } from '../../engine/ledger/content';
import { packContent } from '../../engine/ledger/content';
import type { Entry, NewEntry } from '../../engine/ledger/outbox';
import type { Template } from '../../engine/ledger/templates';
import { unpackOutgoing } from '../../engine/outbox/mail/packed-mail';
import { parseMail } from '../../engine/mail/parse';
import { durableSend } from '../../nodes/DurableSend/send';

LoggerProxy.init({ debug() {}, info() {}, warn() {}, error() {} });

type Settle = (entry: NewEntry) => Partial<Entry>;

/** The outbox as the ledger's port tells of it; what is sent becomes what the test says. */
class FakeStore {
  readonly entries = new Map<string, Entry>();
  readonly contents = new Map<string, NewEntry>();
  readonly mails = new Map<string, string>();
  readonly templateList = new Map<string, Template>();
  readonly listeners = new Set<unknown>();
  readonly held = new Map<string, readonly string[]>();
  served = false;
  listened = false;
  sends = 0;
  settle: Settle = () => ({ state: 'SENT', lastAnswer: '250 2.0.0 Ok: queued as 1' });

  readonly ledger = {
    enqueue: async (asked: readonly NewEntry[]): Promise<Entry[]> => asked.map((one) => this.#enqueue(one)),
    entriesOf: async (names: { ids?: readonly string[]; keys?: readonly string[] }): Promise<Entry[]> =>
      [...this.entries.values()].filter(
        ({ id, key }) => names.ids?.includes(id) === true || names.keys?.includes(key) === true,
      ),
    contentPiece: async (event: string): Promise<ContentPiece | null> => {
      const mail = this.mails.get(event);
      return mail === undefined ? null : { gzip: await packContent(Buffer.from(mail)), pieces: 1 };
    },
    event: async () => null,
    template: async (name: string) => this.templateList.get(name) ?? null,
    sources: async () => [{ served: this.served }],
    isListenedTo: async () => this.listened,
  };

  readonly outbox = {
    queued: (): void => undefined,
    sendNow: async (ids: readonly string[]): Promise<Entry[]> => {
      for (const id of ids) {
        const entry = [...this.entries.values()].find((one) => one.id === id)!;
        if (entry.state !== 'QUEUED') continue;
        this.sends++;
        this.entries.set(entry.key, { ...entry, ...this.settle(this.contents.get(entry.key)!) });
      }
      return this.ledger.entriesOf({ ids });
    },
  };

  readonly runs = {
    mailKeys: (id: string) => this.held.get(id) ?? [],
    mailEvents: (id: string) => (this.held.get(id) ?? []).map((key) => `event of ${key}`),
  };

  #enqueue(asked: NewEntry): Entry {
    const known = this.entries.get(asked.key);
    if (known) return known;
    this.contents.set(asked.key, asked);
    const { key, kind, lane, request, recipient, subject, messageId, origin } = asked;
    const entry: Entry = {
      ...{
        id: `e${this.entries.size + 1}`,
        key,
        kind,
        lane,
        state: 'QUEUED',
        request,
        recipient,
        subject,
        messageId,
      },
      ...{ origin, tries: 0, dueAt: null, queuedAt: 0, begunAt: null, settledAt: null, lastError: null },
      ...{ lastAnswer: null, hasContent: true, mayHaveArrived: false, restsUntil: null },
    };
    this.entries.set(key, entry);
    return entry;
  }

  /** What was queued, in its order, as a receiver would get it. */
  async queued(): Promise<{ raw: string; to: readonly string[]; entry: NewEntry }[]> {
    return Promise.all(
      [...this.contents.values()].map(async (entry) => {
        const { raw, envelope } = await unpackOutgoing(entry.content);
        return { raw: raw.toString(), to: envelope.to, entry };
      }),
    );
  }
}

interface Run {
  readonly id?: string;
  readonly mode?: string;
  readonly mails?: readonly string[];
  readonly caller?: readonly string[];
  readonly node?: Partial<INode>;
  readonly runIndex?: number;
  readonly state?: object;
  readonly fromMail?: boolean;
  readonly credentialIsGone?: boolean;
  readonly ledgerIsAway?: boolean;
  readonly isTool?: boolean;
  /** When its first step began, as n8n shows it. */
  readonly began?: number;
}

const DEFAULTS = {
  fromEmail: 'Shop <shop@example.com>',
  toEmail: 'ann@example.com',
  subject: 'Hello',
  emailFormat: 'text',
  text: 'Hi Ann',
};

const hints: string[] = [];

const away = (): never => {
  throw new Error('connect ECONNREFUSED 10.0.0.5:5432');
};

function call(
  store: FakeStore,
  items: readonly INodeExecutionData[],
  parameters: Readonly<Record<string, unknown>> = {},
  {
    id = '7',
    mode = 'trigger',
    mails = [],
    caller = [],
    node,
    runIndex = 0,
    state = {},
    fromMail = false,
    credentialIsGone = false,
    ledgerIsAway = false,
    isTool = false,
    began,
  }: Run = {},
): Promise<INodeExecutionData[]> {
  store.held.set(id, mails);
  store.held.set(`caller of ${id}`, caller);
  const values: Record<string, unknown> = { ...DEFAULTS, ...parameters };
  const stored: INode = {
    ...{ id: 'node', name: 'Durable Send', type: 'n8n-nodes-durable-mail.durableSend', typeVersion: 2.1 },
    position: [0, 0],
    parameters: {
      idempotencyKey:
        typeof values['idempotencyKey'] === 'function'
          ? '={{ … }}'
          : ((values['idempotencyKey'] ?? '') as string),
    },
    credentials: { smtp: { id: 'c1', name: 'Office' } },
    ...node,
  };
  const context = {
    additionalData: {},
    runExecutionData: {
      parentExecution: { executionId: `caller of ${id}` },
      ...(began !== undefined && {
        resultData: { runData: { Next: [{ startTime: began + 5 }], Webhook: [{ startTime: began }] } },
      }),
    },
    getNode: () => stored,
    getWorkflow: () => ({ id: 'workflow' }),
    getMode: () => mode,
    getInputData: () => items,
    getInstanceId: () => 'instance',
    getExecutionId: () => id,
    getExecutionCancelSignal: () => undefined,
    getContext: () => state,
    getNodeParameter: (name: string, index: number, fallback: unknown) => {
      const value = values[name];
      return (typeof value === 'function' ? (value as (index: number) => unknown)(index) : value) ?? fallback;
    },
    getCredentials: async () => {
      if (credentialIsGone) throw new Error('The credential "Office" is gone');
      return { user: 'shop', password: 'secret', host: 'mail.example.com', port: 465, secure: true };
    },
    getParentNodes: () => [{ name: 'Mail', type: 'n8n-nodes-durable-mail.durableImapTrigger' }],
    getWorkflowDataProxy: () => ({
      $runIndex: runIndex,
      $: () => {
        if (!fromMail) throw new Error('It has not run');
        return { isExecuted: true };
      },
    }),
    isToolExecution: () => isTool,
    addExecutionHints: ({ message }: { message: string }) => hints.push(message),
    continueOnFail: () => node?.onError !== undefined && node.onError !== 'stopWorkflow',
    helpers: {
      assertBinaryData: (index: number, name: string | IBinaryData) => {
        if (typeof name === 'object') return name;
        const file = items[index]?.binary?.[name];
        if (!file) throw new Error(`The item has no binary field "${name}"`);
        return file;
      },
      getBinaryDataBuffer: async (index: number, name: string | IBinaryData) =>
        Buffer.from((typeof name === 'object' ? name : items[index]!.binary![name]!).data, 'base64'),
    },
  } as unknown as IExecuteFunctions;
  return durableSend(context, async () => (ledgerIsAway ? away() : (store as never)));
}

const mailItem = (idempotencyKey: string, json = {}): INodeExecutionData => ({
  json: { ...json, delivery: { idempotencyKey, eventId: `event of ${idempotencyKey}` } },
});
const keysOf = (store: FakeStore): string[] => [...store.contents.keys()];
const fails = (sending: Promise<unknown>, message: RegExp, description = /./): Promise<void> =>
  assert.rejects(sending, (error) => {
    assert.ok(error instanceof NodeOperationError);
    assert.match(error.message, message);
    assert.match(error.description ?? ' ', description);
    return true;
  });

describe('where an email in doubt is looked for', () => {
  const placeOf = async (
    parameters: Record<string, unknown>,
    node: Partial<INode> = {},
  ): Promise<unknown> => {
    const store = new FakeStore();
    await call(store, [mailItem('m')], parameters, { mails: ['m'], node });
    const { sent, inDoubt } = [...store.contents.values()][0]!.request as Record<string, unknown>;
    return [sent, inDoubt];
  };
  const credentials = { smtp: { id: 'c1', name: 'Office' }, imap: { id: 'c2', name: 'Sent' } };
  const credential = { ...credentials.imap, type: 'imap' };

  it('is nowhere, unless the login opens a mailbox, or a person says where', async () => {
    assert.deepEqual(await placeOf({}), [null, 'aside']);
    const options = { sentMailbox: ' Archive ', inDoubt: 'againIfNotThere' };
    assert.deepEqual(await placeOf({ lookInSent: 'imap', options }, { credentials }), [
      { credential, mailbox: 'Archive' },
      'againIfNotThere',
    ]);
    const [sent] = (await placeOf({ lookInSent: 'imap' }, { credentials })) as [unknown];
    assert.deepEqual(sent, { credential, mailbox: null });
  });

  it('has to be somewhere, where that decides whether it is sent again', async () => {
    const options = { inDoubt: 'againIfNotThere' };
    await assert.rejects(placeOf({ options }), /needs a mailbox to look into\. .*"Look in Sent"/);
    await assert.rejects(placeOf({ lookInSent: 'pop' }), /"Look in Sent" must be one of/);
  });
});

describe('an email', () => {
  it('is queued under the key of its mail, sent once, and handed out again as it was to a retry', async () => {
    const store = new FakeStore();
    const [first] = await call(store, [mailItem('m')], {}, { id: '1', mails: ['m'] });
    assert.deepEqual(first, {
      json: {
        accepted: ['ann@example.com'],
        rejected: [],
        envelope: { from: 'shop@example.com', to: ['ann@example.com'] },
        messageId: [...store.entries.values()][0]!.messageId,
        response: '250 2.0.0 Ok: queued as 1',
        outbox: { id: 'e1', state: 'SENT', repeated: false },
      },
      pairedItem: { item: 0 },
    });
    // Another text, as a language model gives it: what was sent counts.
    const [again] = await call(store, [mailItem('m')], { text: 'Other' }, { id: '2', mails: ['m'] });
    assert.deepEqual(again!.json, {
      ...first.json,
      outbox: { id: 'e1', state: 'SENT', repeated: true },
    });
    assert.equal(store.sends, 1);
  });

  it('has one key for each item of a mail, in a loop, too, and the same ones in a retry', async () => {
    const store = new FakeStore();
    const run = { id: '1', mails: ['a', 'b'], state: {} };
    await call(store, [mailItem('a'), mailItem('a'), mailItem('b')], {}, run);
    await call(store, [mailItem('a')], {}, { ...run, runIndex: 1 });
    assert.equal(keysOf(store).length, 4);
    const retry = { id: '2', mails: ['a'], state: {} };
    await call(store, [mailItem('a')], {}, retry);
    await call(store, [mailItem('a')], {}, { ...retry, runIndex: 1 });
    await call(store, [mailItem('a')], {}, { ...retry, runIndex: 2 });
    assert.equal(store.sends, 4, 'nothing was sent again');
    assert.equal(keysOf(store).length, 4);
    for (const key of keysOf(store)) assert.match(key, /^[0-9a-f]{64}$/);
  });

  it('has the key that a person entered, once in this step', async () => {
    const store = new FakeStore();
    const order = { idempotencyKey: (index: number) => ['17', '18', '17'][index] };
    const sent = await call(store, [{ json: {} }, { json: {} }, { json: {} }], order, { id: '1' });
    assert.equal(store.sends, 2);
    assert.deepEqual(
      sent.map(({ json }) => (json['outbox'] as { repeated: boolean }).repeated),
      [false, false, true],
    );
    await call(store, [{ json: {} }], { idempotencyKey: () => '18' }, { id: '2' });
    assert.equal(store.sends, 2);
    await fails(call(store, [{ json: {} }], { idempotencyKey: () => '' }), /"Idempotency Key" gives nothing/);
  });

  it('that comes from no mail is sent once for each execution and its retries, and each time in a test', async () => {
    const store = new FakeStore();
    const state = {};
    await call(store, [{ json: {} }], {}, { id: '1', state });
    await call(store, [{ json: {} }], {}, { id: '1', state });
    // n8n begins a retry with the state of the one that failed.
    await call(store, [{ json: {} }], {}, { id: '8', mode: 'retry', state });
    assert.equal(store.sends, 1);
    await call(store, [{ json: {} }], {}, { id: '2' });
    assert.equal(store.sends, 2);
    const test = { mode: 'manual', mails: ['m'] };
    await call(store, [mailItem('m')], {}, { ...test, id: '3' });
    await call(store, [mailItem('m')], { idempotencyKey: '17' }, { ...test, id: '4' });
    assert.equal(store.sends, 4);
  });

  it('that comes from no mail is not taken for that of an execution before n8n’s numbers began anew', async () => {
    const store = new FakeStore();
    const sent = async (run: Run): Promise<number> => {
      // All that is queued is queued at 0.
      await call(store, [{ json: {} }], {}, { id: '1', ...run });
      return store.sends;
    };
    assert.equal(await sent({ began: 0 }), 1);
    assert.equal(
      await sent({ began: 86_400_000 }),
      1,
      'n8n begins it again, after the worker that had it crashed',
    );
    const state = {};
    assert.equal(await sent({ began: 86_400_001, state }), 2);
    assert.equal(await sent({ began: 86_400_001, state, mode: 'retry', id: '8' }), 2);
    assert.equal(await sent({ began: 90_000_000 }), 3);
  });

  it('needs a key where nobody can tell its mail', async () => {
    const store = new FakeStore();
    await fails(
      call(store, [{ json: {} }], {}, { mails: ['a', 'b'] }),
      /which of the 2 emails/,
      /Idempotency Key/,
    );
    await fails(call(store, [{ json: {} }], {}, { fromMail: true }), /comes from no Durable Mail trigger/);
    const called = { mode: 'integrated', caller: ['m'] };
    await fails(call(store, [{ json: {} }], {}, called), /key of its own/, /delivery.idempotencyKey/);
    await call(store, [{ json: {} }], { idempotencyKey: '17' }, called);
    assert.equal(store.sends, 1);
    assert.deepEqual([...store.contents.values()][0]!.origin, {
      ...{ workflowId: 'workflow', nodeId: 'node', nodeName: 'Durable Send', event: 'event of m' },
    });
  });

  it('needs a key in the tool of an agent that n8n tries again: each try is a run of its own there', async () => {
    const store = new FakeStore();
    store.settle = () => ({ lastError: 'it is away' });
    const tool = { mails: ['m'], node: { retryOnFail: true }, isTool: true };
    await fails(call(store, [{ json: {} }], {}, tool), /needs a key/, /Switch off Retry On Fail/);
    for (const mode of ['trigger', 'manual'])
      for (const runIndex of [0, 1])
        await fails(
          call(store, [{ json: {} }], { idempotencyKey: '17' }, { ...tool, mode, runIndex }),
          /not sent within/,
        );
    assert.equal(keysOf(store).length, 2, 'one in the run, one in the test');
    for (const run of [
      { ...tool, isTool: false },
      { ...tool, node: {} },
    ])
      await fails(call(store, [{ json: {} }], {}, run), /not sent within/);
  });

  it('has the Message-ID of its key', async () => {
    const [one, other] = [new FakeStore(), new FakeStore()];
    await call(one, [mailItem('m')], {}, { mails: ['m'] });
    await call(other, [mailItem('m')], { text: 'Other' }, { mails: ['m'], id: '9' });
    const [first, second] = [...one.contents.values(), ...other.contents.values()].map((e) => e.messageId);
    assert.match(first!, /^<[0-9a-f]{40}@example\.com>$/);
    assert.equal(first, second);
  });
});

describe('the fields of the built-in node', () => {
  it('make the same mail', async () => {
    const store = new FakeStore();
    const data = Buffer.from('PDF').toString('base64');
    const item: INodeExecutionData = {
      json: {},
      binary: {
        logo: { data, mimeType: 'image/png', fileName: 'logo.png' },
        bill: { data, mimeType: 'application/pdf', fileName: 'bill.pdf' },
      },
    };
    await call(store, [item], {
      ...{
        emailFormat: 'both',
        html: '<img src="cid:logo">',
        toEmail: 'Ann <ann@example.com>, bob@example.com',
      },
      options: {
        ...{ ccEmail: 'cc@example.com', bccEmail: 'bcc@example.com', replyTo: 'help@example.com' },
        ...{ attachments: 'logo', fileAttachments: 'bill', allowUnauthorizedCerts: true },
        headers: { header: [{ name: 'X-Order', value: 17 }] },
      },
    });
    const { raw, to, entry } = (await store.queued())[0]!;
    assert.deepEqual(to, ['ann@example.com', 'bob@example.com', 'cc@example.com', 'bcc@example.com']);
    const { headers, text, html, attachments } = await parseMail(Buffer.from(raw), {} as never);
    const field = (name: string): string | undefined => headers.get(name)?.[0];
    assert.equal(field('from'), 'Shop <shop@example.com>');
    assert.equal(field('cc'), 'cc@example.com');
    assert.equal(field('bcc'), undefined);
    assert.equal(field('reply-to'), 'help@example.com');
    assert.equal(field('x-order'), '17');
    assert.equal(text.trim(), 'Hi Ann');
    assert.match(html, /cid:logo/);
    assert.deepEqual(
      attachments.map(({ filename }) => filename),
      ['logo.png', 'bill.pdf'],
    );
    assert.equal(entry.request['allowUnauthorizedCerts'], true);
    assert.equal(entry.lane, 'smtp:shop@mail.example.com:465');
    assert.doesNotMatch(JSON.stringify({ ...entry, content: '' }), /secret/);
  });

  it('take lists, and addresses with names, from expressions', async () => {
    const store = new FakeStore();
    const ann = { address: 'ann@example.com', name: 'Doe, Ann' };
    const [item] = await call(store, [{ json: {} }], {
      fromEmail: { value: [{ address: 'shop@example.com', name: 'Shop' }], text: 'Shop <shop@example.com>' },
      toEmail: [ann, 'bob@example.com'],
      options: {
        ...{
          ccEmail: ['cc@example.com', 'dd@example.com'],
          bccEmail: { address: 'bcc@example.com' },
          replyTo: ann,
        },
        ...{ inReplyTo: ['<3@example.com>'], references: ['<1@example.com>', '<2@example.com>'] },
      },
    });
    const { raw, to } = (await store.queued())[0]!;
    const names = ['ann', 'bob', 'cc', 'dd', 'bcc'];
    assert.deepEqual(
      to,
      names.map((name) => `${name}@example.com`),
    );
    assert.deepEqual(item!.json['envelope'], { from: 'shop@example.com', to });
    const { headers } = await parseMail(Buffer.from(raw), {} as never);
    assert.equal(headers.get('from')?.[0], 'Shop <shop@example.com>');
    assert.equal(headers.get('reply-to')?.[0], '"Doe, Ann" <ann@example.com>');
    assert.equal(headers.get('in-reply-to')?.[0], '<3@example.com>');
    assert.equal(headers.get('references')?.[0], '<1@example.com> <2@example.com>');
  });

  it('send a file whose name has controls in it, in its text, too, where an expression gives the file', async () => {
    const store = new FakeStore();
    const file = { data: 'YQ==', mimeType: 'image/png', fileName: Buffer.from('Ü.png').toString('latin1') };
    const nameless = { data: 'YQ==', mimeType: 'image/png' };
    const binary = { file, nameless };
    const options = { fileAttachments: 'file, nameless' };
    await call(store, [{ json: {}, binary }], { options });
    const given = { options: { attachments: { ...file, fileName: 'a\tb.png' } } };
    await call(store, [{ json: {}, binary }], given, { id: '8' });
    const [first, second] = await Promise.all(
      (await store.queued()).map(({ raw }) => parseMail(Buffer.from(raw))),
    );
    assert.deepEqual(
      first!.attachments.map(({ filename }) => filename),
      ['Ã .png', 'unknown'],
    );
    assert.deepEqual(
      second!.attachments.map(({ filename, cid }) => [filename, cid]),
      [['a b.png', 'a b.png']],
    );
  });

  it('add the attribution only where it is asked for', async () => {
    const store = new FakeStore();
    await call(store, [{ json: {} }, { json: {} }], {
      options: (index: number) => (index === 0 ? {} : { appendAttribution: true }),
    });
    const [plain, attributed] = await store.queued();
    assert.doesNotMatch(plain!.raw, /n8n/);
    assert.match(attributed!.raw, /sent automatically with n8n/);
  });

  it('have no HTML that is empty, or holds the attribution alone, in the place of the text', async () => {
    const store = new FakeStore();
    const both = { emailFormat: 'both', options: { appendAttribution: true } };
    await call(store, [{ json: {} }, { json: {} }, { json: {} }], {
      ...{ ...both, html: (index: number) => ['', ' \n', '<p>Hi</p>'][index] },
    });
    const [empty, blank, full] = await store.queued();
    for (const { raw } of [empty!, blank!]) {
      assert.doesNotMatch(raw, /text\/html/);
      assert.match(raw, /Hi Ann\s+---\s+This email was sent automatically with n8n/);
    }
    assert.match(full!.raw, /<p>Hi<\/p>[^]*sent automatically with <a/);
  });

  it('are refused where they are those of another operation', async () => {
    await assert.rejects(
      call(new FakeStore(), [{ json: {} }], { operation: 'sendAndWait' }),
      /Send and Wait/,
    );
  });
});

describe('what cannot be sent', () => {
  for (const [what, parameters, message] of [
    ['no recipient', { toEmail: '' }, /no recipient/],
    ['what is no address', { toEmail: 'ann@example.com, bob' }, /"To" holds what is no address: bob/],
    ['an object that is no address', { toEmail: { email: 'ann@example.com' } }, /"To" is an object, and no/],
    ['one for answers', { options: { replyTo: [{ email: 'a@example.com' }] } }, /"Reply To" holds an object/],
    ['Message-IDs in an object', { options: { references: { id: '<1@x>' } } }, /"References" is an object/],
    ['no sender', { fromEmail: '' }, /"From Email" is empty/],
    ['an unknown template', { contentFrom: 'template', template: 'welcome' }, /no template "welcome"/],
    ['an option that is no number', { options: { mostAtOnce: 'many' } }, /"Connections at Once" must be/],
    ['delays that are none', { options: { tries: 'own', refusedDelays: '1, soon' } }, /"Tries: If Refused/],
    [
      'a header that is the mail’s own',
      { options: { headers: { header: [{ name: 'Bcc', value: 'x' }] } } },
      /"Bcc"/,
    ],
  ] as const)
    it(`(${what}) is told before anything is queued`, async () => {
      const store = new FakeStore();
      const good = { toEmail: 'ann@example.com' };
      const of =
        (name: string) =>
        (index: number): unknown =>
          index === 1
            ? (parameters as Record<string, unknown>)[name]
            : (good as Record<string, unknown>)[name];
      const mixed = Object.fromEntries(
        Object.keys(parameters).map(
          (name) =>
            [
              name,
              name in good || name === 'options' ? of(name) : (parameters as Record<string, unknown>)[name],
            ] as const,
        ),
      );
      await fails(call(store, [{ json: {} }, { json: {} }], mixed), message);
      assert.equal(store.contents.size, 0);
      // Set to go on, the others are sent.
      const node = { onError: 'continueRegularOutput' } as const;
      const sent = await call(store, [{ json: {} }, { json: {} }], mixed, { node });
      assert.match(sent[1]!.json['error'] as string, message);
      assert.deepEqual(sent[1]!.pairedItem, { item: 1 });
    });
});

describe('a template', () => {
  const template: Template = {
    ...{ name: 'welcome', subject: 'Hi {{name}}', text: null, html: '<p>{{name}}</p>' },
    ...{ changedAt: 0, changedBy: 'me' },
  };

  it('stands in the place of subject and texts, with the values of the item', async () => {
    const store = new FakeStore();
    store.templateList.set('welcome', template);
    await call(store, [{ json: {} }], {
      contentFrom: 'template',
      template: 'welcome',
      templateValues: { name: '<Ann>' },
    });
    const { raw, entry } = (await store.queued())[0]!;
    assert.equal(entry.subject, 'Hi <Ann>');
    assert.match(raw, /<p>&lt;Ann&gt;<\/p>/);
  });

  it('names the values that are missing', async () => {
    const store = new FakeStore();
    store.templateList.set('welcome', template);
    const asked = { contentFrom: 'template', template: 'welcome' };
    await fails(call(store, [{ json: {} }], { ...asked, templateValues: '{}' }), /no value for \{\{name\}\}/);
    await fails(call(store, [{ json: {} }], { ...asked, templateValues: '[' }), /"Values" is no JSON/);
    await fails(
      call(store, [{ json: {} }], { ...asked, templateValues: ['Ann'] }),
      /"Values" must be an object/,
    );
    assert.equal(store.contents.size, 0);
  });
});

describe('an answer', () => {
  const MAIL = [
    ...[
      'From: Ann <ann@example.com>',
      'Message-ID: <3@example.com>',
      'References: <1@example.com>\r\n <2@example.com>',
    ],
    ...['Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=', '', 'Hello'],
  ].join('\r\n');
  const sent = async (parameters: object, stored = MAIL): Promise<(name: string) => string | undefined> => {
    const store = new FakeStore();
    store.mails.set('event of m', stored);
    await call(store, [mailItem('m')], { ...parameters }, { mails: ['m'] });
    const { headers } = await parseMail(Buffer.from((await store.queued())[0]!.raw), {} as never);
    return (name) => headers.get(name)?.[0];
  };

  it('to who wrote the mail is in its thread, with its subject', async () => {
    for (const stored of [MAIL, `{"id":"1"}\n${MAIL}`]) {
      const field = await sent({ subject: '' }, stored);
      assert.equal(field('in-reply-to'), '<3@example.com>');
      assert.equal(field('references'), '<1@example.com> <2@example.com> <3@example.com>');
      assert.equal(field('subject'), 'Re: Grüße');
    }
    assert.equal((await sent({}))('subject'), 'Hello', 'one that is entered stays');
  });

  it('to somebody else begins its own, unless it is asked for', async () => {
    assert.equal((await sent({ toEmail: 'bob@example.com' }))('in-reply-to'), undefined);
    const always = { toEmail: 'bob@example.com', options: { thread: 'always' } };
    assert.equal((await sent(always))('in-reply-to'), '<3@example.com>');
    assert.equal((await sent({ options: { thread: 'never' } }))('in-reply-to'), undefined);
    const own = await sent({ options: { inReplyTo: '<9@example.com>' } });
    assert.equal(own('in-reply-to'), '<9@example.com>');
    assert.equal(own('references'), '<9@example.com>');
  });
});

describe('what became of it', () => {
  // Of an entry that goes on by itself.
  const served = (): FakeStore => Object.assign(new FakeStore(), { served: true });
  const told: readonly [Partial<Entry>, RegExp, RegExp][] = [
    [
      { state: 'QUEUED', dueAt: 0, lastError: 'it is away' },
      /not sent within 30 s.*by itself. it is away\./,
      /finds what became/,
    ],
    [
      { state: 'QUEUED', dueAt: 0, restsUntil: 60_000 },
      /by itself\. Where it goes has asked for less: nothing is sent there before 1970-01-01T00:01:00/,
      /due next at 1970-01-01T00:01:00/,
    ],
    [{ state: 'FAILED', lastError: '550 no such user' }, /was not sent. 550 no such user\./, /choose Retry/],
    [{ state: 'UNKNOWN' }, /Nobody knows whether the email arrived/, /choose Mark Sent.*then retry the run/],
    [
      { state: 'UNKNOWN', dueAt: 0, lastError: 'it was cut' },
      /knows yet whether the email arrived\. It is looked for\. it was cut\./,
      /looked for next at 1970-.*"If It Is in Doubt" says.*When this run is tried again, it finds/,
    ],
    [{ state: 'CANCELLED' }, /was cancelled before it was sent/, /choose Retry/],
    [{ state: 'CANCELLED', begunAt: 0 }, /was cancelled after it had been tried/, /choose Retry/],
    [
      { state: 'CANCELLED', begunAt: 0, mayHaveArrived: true },
      /was cancelled\. A try before that may have arrived/,
      /choose Retry/,
    ],
  ];
  for (const [at, [became, message, description]] of told.entries())
    it(`${became.state!} (${at}) fails the run, and its retry, and says where a person decides`, async () => {
      const store = served();
      store.settle = () => became;
      const run = { mails: ['m'] };
      await fails(call(store, [mailItem('m')], {}, run), message, description);
      store.settle = () => ({ ...became, state: became.state! });
      await fails(call(store, [mailItem('m')], {}, { ...run, id: '8' }), message, /e1/);
      const node = { onError: 'continueRegularOutput' } as const;
      const [item] = await call(store, [mailItem('m')], {}, { ...run, id: '9', node });
      assert.match(item!.json['error'] as string, message);
      assert.deepEqual(item!.json['outbox'], { id: 'e1', state: became.state, repeated: true });
      // n8n takes it for an error where it says no more than this.
      const apart = { onError: 'continueErrorOutput' } as const;
      const [aside] = await call(store, [mailItem('m')], {}, { ...run, id: '10', node: apart });
      assert.deepEqual(Object.keys(aside!.json), ['error', 'message']);
      assert.match(aside!.json['message'] as string, /e1/);
      assert.deepEqual(aside!.pairedItem, { item: 0 });
      assert.equal(store.contents.size, 1);
    });

  it('is waited for in vain where nobody sends, which a run that waited for it is told', async () => {
    for (const [became, message] of [
      [{ state: 'QUEUED', tries: 1, dueAt: 0 }, /not sent within 30 s\. It waits: nobody sends it/],
      [{ state: 'UNKNOWN', dueAt: 0 }, /Nobody knows yet whether the email arrived\.$/],
    ] as const) {
      const store = new FakeStore();
      store.settle = () => became;
      await fails(
        call(store, [mailItem('m')]),
        message,
        /Durable IMAP Trigger.*Outbox Trigger.*, and none is/,
      );
    }
  });

  it('is not found by who sends again: that is said, and no retry is advised', async () => {
    for (const run of [{ mode: 'manual' }, { mode: 'integrated' }])
      for (const state of ['QUEUED', 'FAILED', 'UNKNOWN', 'CANCELLED'] as const) {
        const store = served();
        store.settle = () => ({ state });
        const error = (await call(store, [{ json: {} }], {}, run).catch(
          (fault: unknown) => fault,
        )) as NodeOperationError;
        assert.doesNotMatch(error.description!, /retry the run|retry of this run|run is tried again/);
        if (['QUEUED', 'UNKNOWN'].includes(state)) assert.match(error.description!, /sends another email/);
      }
    const keyed = served();
    keyed.settle = () => ({ state: 'UNKNOWN' });
    const order = call(keyed, [{ json: {} }], { idempotencyKey: '17' }, { mode: 'integrated' });
    await fails(order, /Nobody knows/, /then retry the run/);
  });

  it('is handed out to a retry whose credential is gone by now, where it was sent', async () => {
    const store = new FakeStore();
    await call(store, [mailItem('m')], {}, { mails: ['m'] });
    const gone = { mails: ['m', 'n'], credentialIsGone: true };
    const [again] = await call(store, [mailItem('m')], {}, { ...gone, id: '8' });
    assert.deepEqual(again!.json['outbox'], { id: 'e1', state: 'SENT', repeated: true });
    await fails(call(store, [mailItem('m'), mailItem('n')], {}, { ...gone, id: '9' }), /"Office" is gone/);
    const node = { onError: 'continueRegularOutput' } as const;
    const both = await call(store, [mailItem('m'), mailItem('n')], {}, { ...gone, id: '10', node });
    assert.deepEqual(both[0]!.json, again!.json);
    assert.match(both[1]!.json['error'] as string, /"Office" is gone/);
    assert.equal(store.contents.size, 1);
  });

  it('is told for each, where the node goes on after errors and one waits whose login cannot be read', async () => {
    const store = new FakeStore();
    store.settle = () => ({ lastError: 'its credential is gone' });
    await fails(call(store, [mailItem('m')], {}, { mails: ['m'] }), /was not sent within/);
    const options = (index: number) => (index === 0 ? { mostAtOnce: 'many' } : {});
    const node = { onError: 'continueRegularOutput' } as const;
    const run = { mails: ['l', 'm', 'n'], id: '8', credentialIsGone: true, node };
    for (const [sending, isNow] of [
      ['now', true],
      ['background', false],
    ] as const) {
      const items = [mailItem('l'), mailItem('m'), mailItem('n')];
      const told = await call(store, items, { options, sending }, run);
      assert.match(told[0]!.json['error'] as string, /is gone|must be/);
      assert.deepEqual(told[1]!.json['outbox'], { id: 'e1', state: 'QUEUED', repeated: true });
      if (isNow)
        assert.match(told[1]!.json['error'] as string, /not sent within 30 s.* its credential is gone/);
      assert.match(told[2]!.json['error'] as string, /"Office" is gone/);
    }
  });

  for (const onError of ['continueRegularOutput', 'continueErrorOutput'] as const)
    it(`is an error for each item with ${onError} where the call fails as a whole: n8n would hand on the items that came`, async () => {
      const items = [mailItem('m'), mailItem('n')];
      const run = { mails: ['m', 'n'] };
      const toldEach = async (store: FakeStore, message: RegExp, parameters = {}, more: Run = {}) => {
        await fails(call(store, items, parameters, { ...run, ...more }), message);
        const told = await call(store, items, parameters, { ...run, ...more, node: { onError } });
        assert.deepEqual(
          told.map(({ json, pairedItem }) => [Object.keys(json), pairedItem]),
          [0, 1].map((item) => [['error'], { item }]),
        );
        for (const { json } of told) assert.match(json['error'] as string, message);
        assert.deepEqual([store.contents.size, store.sends], [0, 0]);
      };
      await toldEach(new FakeStore(), /ECONNREFUSED/, {}, { ledgerIsAway: true });
      for (const statement of ['entriesOf', 'enqueue'] as const) {
        const store = new FakeStore();
        Object.assign(store.ledger, { [statement]: async () => away() });
        await toldEach(store, /ECONNREFUSED/);
      }
      await toldEach(new FakeStore(), /"Send and Wait for Response"/, { operation: 'sendAndWait' });
    });

  it('SENT to some of several names those who were refused; BOUNCED is handed on, too', async () => {
    const store = new FakeStore();
    store.settle = () => ({ state: 'SENT', lastAnswer: '250 Ok\nNot to bob@example.com: 550 no such user' });
    const both = { toEmail: 'ann@example.com, bob@example.com' };
    const [item] = await call(store, [mailItem('m')], both, { mails: ['m'] });
    assert.deepEqual(item!.json['accepted'], ['ann@example.com']);
    assert.deepEqual(item!.json['rejected'], ['bob@example.com']);
    store.settle = () => ({ state: 'BOUNCED', lastAnswer: '250 Ok' });
    const [bounced] = await call(store, [mailItem('n')], {}, { mails: ['n'] });
    assert.deepEqual(bounced!.json['outbox'], { id: 'e2', state: 'BOUNCED', repeated: false });
  });

  it('SENT to more than the log has room for names nobody wrongly, and says how many it does not name', async () => {
    const many = Array.from({ length: 150 }, (_, at) => `customer-${at}@example.com`);
    const to = { toEmail: many.join(', ') };
    const sent = async (lastAnswer: string, id: string): Promise<readonly INodeExecutionData[]> => {
      const store = new FakeStore();
      store.settle = () => ({ state: 'SENT', lastAnswer });
      const first = await call(store, [mailItem('m')], to, { mails: ['m'], id });
      return [...first, ...(await call(store, [mailItem('m')], to, { mails: ['m'], id: `${id} again` }))];
    };
    const refused = '250 Ok\nNot to customer-0@example.com: 550\nNot to 4 more: recipients 3-4, 149-150';
    const [first, retry] = await sent(refused, '1');
    const rejected = [0, 2, 3, 148, 149].map((at) => many[at]);
    assert.deepEqual(first!.json['rejected'], rejected);
    assert.deepEqual(
      first!.json['accepted'],
      many.filter((address) => !rejected.includes(address)),
    );
    assert.deepEqual(first!.json['outbox'], { id: 'e1', state: 'SENT', repeated: false });
    const named = (retry!.json['envelope'] as { to: string[] }).to;
    assert.deepEqual(named, many.slice(0, named.length));
    assert.deepEqual(retry!.json['rejected'], rejected.slice(0, 3));
    assert.equal((retry!.json['accepted'] as string[]).length, named.length - 3);
    const unlisted = { recipients: 150 - named.length, rejected: 2 };
    assert.deepEqual(retry!.json['outbox'], { id: 'e1', state: 'SENT', repeated: true, unlisted });
    const [counted] = await sent('250 Ok\nNot to customer-0@example.com: 550\nNot to 90 more', '2');
    assert.deepEqual([counted!.json['accepted'], counted!.json['rejected']], [[], [many[0]]]);
    assert.deepEqual((counted!.json['outbox'] as { unlisted: object }).unlisted, {
      recipients: 0,
      rejected: 90,
    });
  });

  it('in the background is not waited for; where nobody sends, that is said at once', async () => {
    const store = new FakeStore();
    hints.length = 0;
    const [item] = await call(store, [mailItem('m')], { sending: 'background' }, { mails: ['m'] });
    assert.deepEqual(item!.json['outbox'], { id: 'e1', state: 'QUEUED', repeated: false });
    assert.deepEqual(item!.json['accepted'], []);
    assert.equal(store.sends, 0);
    assert.match(hints.join(), /The email waits: .* none is/);
    hints.length = 0;
    store.served = true;
    await call(store, [mailItem('n')], { sending: 'background' }, { mails: ['n'] });
    assert.deepEqual(hints, []);
    // As where another process has an Outbox Trigger alone.
    Object.assign(store, { served: false, listened: true });
    await call(store, [mailItem('o')], { sending: 'background' }, { mails: ['o'] });
    assert.deepEqual(hints, []);
  });
});
