// What ties the engine to n8n, with the parts of n8n that it touches faked.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import type { IExecuteFunctions, INodeExecutionData, IRun, ITriggerFunctions } from 'n8n-workflow';
import { packContent } from '../../engine/ledger/content';
import type { Pointer } from '../../engine/ledger/ledger';
import { parseMail } from '../../engine/mail/parse';
import { emitPointer } from '../../nodes/host/emit';
import { mailItem } from '../../nodes/host/items';
import { readPointer } from '../../nodes/host/pointer';
import { runPointer } from '../../nodes/host/run';
import { outcomeOf } from '../../nodes/host/run-end';
import { openStore, refusal, type Store } from '../../nodes/host/store';
import type { DurableImapTrigger } from '../../nodes/DurableImapTrigger/DurableImapTrigger.node';
import { rawMail } from '../support/mails';

const settings = { downloadAttachments: true, attachmentPrefix: 'attachment_' };
const helpers = {
  prepareBinaryData: async (content: Buffer, fileName?: string, mimeType?: string) => ({
    data: content.toString('base64'),
    fileName,
    mimeType,
  }),
} as unknown as IExecuteFunctions['helpers'];

describe('a run', () => {
  let folder: string;
  let store: Store;
  let uid = 0;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'durable-mail-host-'));
    process.env['N8N_USER_FOLDER'] = folder;
    store = await openStore();
  });
  after(async () => {
    await store.ledger.close();
    delete process.env['N8N_USER_FOLDER'];
    await rm(folder, { recursive: true });
  });

  const offered = async (raw = rawMail({ subject: 'x' })): Promise<Pointer> => {
    const { ledger } = store;
    const source = { kind: 'imap', account: 'a', mailbox: 'INBOX' } as const;
    const { id, sourceId } = await ledger.subscribe({
      workflowId: 'w',
      nodeId: 'n',
      source,
      retryDelaysMs: [1],
    });
    const message = {
      identity: `m${++uid}`,
      softIdentity: null,
      messageId: null,
      uid,
      uidValidity: '1',
      receivedAt: 1_700_000_000_000,
      size: raw.length,
      content: await packContent(Buffer.from(raw)),
      truncated: false,
      due: [id],
    };
    await ledger.record({ sourceId, messages: [message], cursors: [] });
    const { pointers } = await ledger.offer({ subscriptionIds: [id], mostInFlight: 100, leaseMs: 60_000 });
    return pointers[0]!;
  };

  interface FakeRun {
    context: IExecuteFunctions;
    end: (run: Partial<IRun>) => Promise<void>;
  }

  const execution = (pointer: Pointer, hooked = true): FakeRun => {
    const handlers: ((run: IRun) => Promise<void>)[] = [];
    const hooks = {
      addHandler: (_: string, handler: (run: IRun) => Promise<void>) => handlers.push(handler),
    };
    const context = {
      helpers,
      getInputData: (): INodeExecutionData[] => [{ json: { ...pointer } }],
      getExecutionId: () => '42',
      ...(hooked && { additionalData: { hooks } }),
    } as unknown as IExecuteFunctions;
    return {
      context,
      end: async (run) => {
        for (const handler of handlers) await handler(run as IRun);
      },
    };
  };

  const again = (pointer: Pointer): Promise<INodeExecutionData[]> =>
    runPointer(execution(pointer).context, pointer, settings);

  it('hands out the mail, and is DONE when n8n says that it succeeded', async () => {
    const pointer = await offered();
    const { context, end } = execution(pointer);
    const [item] = await runPointer(context, pointer, settings);
    assert.equal(item?.json['subject'], 'x');
    assert.deepEqual(item.json['delivery'], {
      eventId: pointer.event,
      attempt: 1,
      idempotencyKey: (item.json['delivery'] as { idempotencyKey: string }).idempotencyKey,
      receivedAt: '2023-11-14T22:13:20.000Z',
    });
    assert.deepEqual(await again(pointer), [], 'a second run of the same pointer ends empty');
    await end({ status: 'success' });
    assert.deepEqual(await again(pointer), [], 'and so does one after the end');
    assert.equal(await store.ledger.settle(pointer, { kind: 'success' }), null, 'it is settled');
  });

  it('that failed is retried under a new attempt', async () => {
    const pointer = await offered();
    const { context, end } = execution(pointer);
    await runPointer(context, pointer, settings);
    await end({ status: 'error' });
    await new Promise((resolve) => setTimeout(resolve, 20));
    const ids = [1];
    const { pointers } = await store.ledger.offer({
      subscriptionIds: ids,
      mostInFlight: 100,
      leaseMs: 60_000,
    });
    assert.deepEqual(pointers, [{ event: pointer.event, attempt: 2 }]);
    await store.runs.begin(pointers[0]!, '43');
    await store.runs.end(pointers[0]!, { kind: 'success' });
  });

  it('without the end-of-run hook is settled by the done promise of the trigger', async () => {
    const pointer = await offered();
    const { context } = execution(pointer, false);
    let finish: ((run: IRun) => void) | undefined;
    const emitted: unknown[] = [];
    const trigger = {
      emit: (...args: unknown[]) => emitted.push(args[3]),
      helpers: {
        createDeferredPromise: () => {
          let resolve: (run: IRun) => void = () => undefined;
          const promise = new Promise<IRun>((done) => (resolve = done));
          finish = resolve;
          return { promise, resolve, reject: () => undefined };
        },
      },
    } as unknown as ITriggerFunctions;
    const emitting = emitPointer(trigger, pointer, store.runs);
    await runPointer(context, pointer, settings);
    assert.deepEqual(await store.ledger.renew([pointer], 'RUNNING', 60_000), [pointer], 'it runs');
    finish?.({ status: 'success' } as IRun);
    await emitting;
    assert.deepEqual(await store.ledger.renew([pointer], 'RUNNING', 60_000), [], 'it ended');
    assert.equal(await store.ledger.settle(pointer, { kind: 'success' }), null, 'it is settled');
    assert.deepEqual(emitted, [`durable-mail:${pointer.event}:1`]);
  });
});

describe('the end of a run', () => {
  it('is a success, or a failure with the failing node and its message', () => {
    for (const status of ['success', 'waiting'] as const) {
      assert.deepEqual(outcomeOf({ status } as IRun), { kind: 'success' });
    }
    for (const status of ['error', 'canceled', 'crashed', 'unknown'] as const) {
      assert.deepEqual(outcomeOf({ status } as IRun), {
        kind: 'failure',
        error: `The run ended with the status "${status}".`,
      });
    }
    const error = { message: 'm'.repeat(1_000), node: { name: 'HTTP' } };
    const outcome = outcomeOf({ status: 'error', data: { resultData: { error } } } as unknown as IRun);
    assert.ok(outcome.kind === 'failure');
    assert.match(outcome.error, /^HTTP: m+$/);
    assert.equal(outcome.error.length, 300);
  });
});

describe('an item', () => {
  const facts = { uid: 7, delivery: { eventId: 'e', attempt: 1, idempotencyKey: 'k', receivedAt: null } };
  const item = async (raw: string, more = {}): Promise<INodeExecutionData> =>
    mailItem({ helpers }, await parseMail(Buffer.from(raw)), facts, { ...settings, ...more });
  const withAttachment = rawMail({
    subject: 's',
    attachment: { name: 'a.bin', content: Buffer.from([0, 255]) },
  });

  it('has the fields of the built-in trigger in its "simple" format', async () => {
    const { json, binary, pairedItem } = await item(withAttachment);
    assert.deepEqual(
      Object.keys(json).sort(),
      [
        'attributes',
        'cc',
        'date',
        'delivery',
        'from',
        'metadata',
        'subject',
        'textHtml',
        'textPlain',
        'to',
      ].sort(),
    );
    assert.deepEqual(json['attributes'], { uid: 7 });
    assert.equal((json['metadata'] as Record<string, string>)['x-test'], 'one');
    assert.equal(json['from'], '"Ann Sender" <ann@example.com>');
    assert.equal(binary?.['attachment_0']?.data, Buffer.from([0, 255]).toString('base64'));
    assert.deepEqual(pairedItem, { item: 0 });
  });

  it('leaves attachments out where they are not wanted, and names them as wanted', async () => {
    assert.equal((await item(withAttachment, { downloadAttachments: false })).binary, undefined);
    assert.ok((await item(withAttachment, { attachmentPrefix: 'file' })).binary?.['file0']);
  });

  it('says what could not be read', async () => {
    const mail = {
      headers: new Map([['subject', ['s']]]),
      text: '',
      html: '',
      attachments: [],
      parseError: 'odd',
    };
    const { json } = await mailItem({ helpers }, mail, { ...facts, truncatedSize: 99 }, settings);
    assert.deepEqual(
      [json['subject'], json['parseError'], json['truncated'], json['size']],
      ['s', 'odd', true, 99],
    );
  });
});

describe('the trigger node', () => {
  // As n8n loads it: the built file.
  const built = join(
    __dirname,
    '..',
    '..',
    'dist',
    'nodes',
    'DurableImapTrigger',
    'DurableImapTrigger.node.js',
  );

  it('knows a pointer from any other item', () => {
    assert.deepEqual(readPointer({ event: 'e', attempt: 2, more: 1 }), { event: 'e', attempt: 2 });
    for (const json of [{}, { event: 'e' }, { event: 1, attempt: 2 }]) assert.equal(readPointer(json), null);
  });

  it('refuses what its ledger cannot serve yet, and says what to do', () => {
    const regular = { executionsMode: undefined, engineType: undefined };
    assert.equal(refusal(regular), null);
    assert.match(refusal({ ...regular, executionsMode: 'queue' }) ?? '', /EXECUTIONS_MODE=regular/);
    assert.match(refusal({ ...regular, engineType: 'v2' }) ?? '', /Choose engine 1/);
  });

  it('runs nothing when it is started without a pointer, unless somebody tests it', async () => {
    const context = {
      getInputData: () => [{ json: {} }],
      getMode: () => 'trigger',
    } as unknown as IExecuteFunctions;
    const { DurableImapTrigger: Node } = (await import(built)) as {
      DurableImapTrigger: typeof DurableImapTrigger;
    };
    assert.deepEqual(await new Node().execute.call(context), [[]]);
  });

  it('loads no library until it is used: every process of n8n loads its file', async () => {
    const script = `require(${JSON.stringify(built)});
      const loaded = Object.keys(require.cache).filter((f) => /node_modules.(imapflow|mailparser|libmime|nodemailer)/.test(f));
      console.log(JSON.stringify([loaded, process.moduleLoadList.includes('NativeModule sqlite')]));`;
    const { stdout } = await promisify(execFile)(process.execPath, ['-e', script]);
    assert.deepEqual(JSON.parse(stdout), [[], false]);
  });
});
