// The Durable Webhook node: what it asks the outbox for, under which key, what a run is told of it, and which endpoints it keeps.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import { type IExecuteFunctions, type INode, type INodeExecutionData, LoggerProxy } from 'n8n-workflow';
import { Webhook } from 'standardwebhooks';
import { type Engine, openEngine } from '../../engine/instance/engine';
import type { Entry } from '../../engine/ledger/outbox';
import { newReader } from '../../engine/outbox/reader';
import { signingTest } from '../../nodes/DurableWebhook/signing-test';
import { durableWebhook } from '../../nodes/DurableWebhook/webhook';
import { OWN_NETWORK_VARIABLE } from '../../nodes/host/outgoing/own-network';
import { outgoingSenders } from '../../nodes/host/outgoing/senders';
import { Receiver } from '../support/webhook/receiver';

LoggerProxy.init({ debug() {}, info() {}, warn() {}, error() {} });
const log = { debug() {}, info() {}, warn() {}, error() {} };
const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
const BEFORE = `whsec_${Buffer.alloc(32, 9).toString('base64')}`;

const away = (): never => {
  throw new Error('connect ECONNREFUSED 10.0.0.5:5432');
};

interface Run {
  readonly mails?: readonly string[];
  readonly secrets?: object;
  readonly credentialIsGone?: boolean;
  readonly goesOn?: boolean;
  readonly onError?: 'continueErrorOutput';
  /** In the place of the engine's. */
  readonly ledger?: object;
  readonly ledgerIsAway?: boolean;
}

describe('Durable Webhook', () => {
  let folder: string;
  let engine: Engine;
  let receiver: Receiver;
  let calls = 0;
  const hints: string[] = [];

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'webhook-'));
    engine = await openEngine(
      { kind: 'sqlite', file: join(folder, 'ledger.sqlite') },
      { log: log, listens: false, senders: outgoingSenders },
    );
    receiver = await Receiver.open();
    process.env[OWN_NETWORK_VARIABLE] = `127.0.0.1:${receiver.port}`;
  });
  after(async () => {
    process.env[OWN_NETWORK_VARIABLE] = '';
    await engine.close();
    await receiver[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });
  afterEach(() => {
    receiver.received.length = 0;
    receiver.answering = (response) => void response.end('ok');
    hints.length = 0;
  });

  function call(
    parameters: Readonly<Record<string, unknown>>,
    items: readonly INodeExecutionData[] = [{ json: { order: 17 } }],
    {
      mails = [],
      secrets = { secret: SECRET, previousSecret: '' },
      credentialIsGone = false,
      goesOn = false,
      onError,
      ledger = engine.ledger,
      ledgerIsAway = false,
    }: Run = {},
  ): Promise<INodeExecutionData[]> {
    const values: Record<string, unknown> = { url: receiver.url(), ...parameters };
    const node: INode = {
      ...{ id: 'node', name: 'Post', type: 'n8n-nodes-durable-mail.durableWebhook', typeVersion: 1 },
      position: [0, 0],
      parameters: { idempotencyKey: (values['idempotencyKey'] ?? '') as string },
      ...(onError && { onError }),
      credentials: {
        durableWebhookSigning: { id: `c${++calls}`, name: 'CRM' },
        httpBasicAuth: { id: `b${calls}`, name: 'API' },
      },
    };
    const state = {};
    const context = {
      additionalData: {},
      runExecutionData: {},
      getNode: () => node,
      getWorkflow: () => ({ id: 'workflow' }),
      getMode: () => 'trigger',
      getInputData: () => items,
      getInstanceId: () => 'instance',
      getExecutionId: () => `e${calls}`,
      getExecutionCancelSignal: () => undefined,
      getContext: () => state,
      getNodeParameter: (name: string, _: number, fallback: unknown) => values[name] ?? fallback,
      getCredentials: async () => {
        if (credentialIsGone) throw new Error('The credential "CRM" is gone');
        return secrets;
      },
      getParentNodes: () => [{ name: 'Mail', type: 'n8n-nodes-durable-mail.durableImapTrigger' }],
      getWorkflowDataProxy: () => ({ $runIndex: 0, $: () => ({ isExecuted: mails.length > 0 }) }),
      addExecutionHints: ({ message }: { message: string }) => hints.push(message),
      continueOnFail: () => goesOn,
    } as unknown as IExecuteFunctions;
    const runs = { mailKeys: () => mails, mailEvents: () => mails.map((key) => `event of ${key}`) };
    return durableWebhook(context, async () =>
      ledgerIsAway ? away() : { ...engine, ledger: ledger as Engine['ledger'], runs },
    );
  }

  const fails = (asked: Promise<unknown>, message: RegExp): Promise<void> =>
    assert.rejects(asked, (error) => {
      assert.ok(error instanceof Error);
      assert.match(error.message, message);
      return true;
    });
  const entryOf = async (item: INodeExecutionData | undefined): Promise<Entry> => {
    const { id } = item!.json['outbox'] as { id: string };
    return (await engine.ledger.entriesOf({ ids: [id] }))[0]!;
  };

  it('posts the item once, signed as the standard has it, and hands a retry the same answer', async () => {
    const mail: INodeExecutionData = {
      json: { order: 17, delivery: { idempotencyKey: 'm', eventId: 'event of m' } },
    };
    const [first] = await call({}, [mail], { mails: ['m'] });
    const [again] = await call({}, [mail], { mails: ['m'] });
    const { outbox, ...answer } = first!.json as { outbox: object };
    assert.deepEqual(answer, { status: 200, answer: 'ok' });
    assert.deepEqual(again!.json, { ...answer, outbox: { ...outbox, repeated: true } });
    assert.equal(receiver.received.length, 1);
    const [{ headers, body }] = receiver.received as [(typeof receiver.received)[0]];
    assert.deepEqual(new Webhook(SECRET).verify(body.toString(), headers as never), mail.json);
    assert.equal((await entryOf(first)).origin.event, 'event of m');
  });

  it('is verified with the secret before, while it is changed', async () => {
    await call({}, undefined, { secrets: { secret: SECRET, previousSecret: BEFORE } });
    const [{ headers, body }] = receiver.received as [(typeof receiver.received)[0]];
    for (const secret of [SECRET, BEFORE]) new Webhook(secret).verify(body.toString(), headers as never);
  });

  it('posts what was entered, with headers, under HMAC in a header of choice', async () => {
    await call({
      ...{
        body: 'json',
        json: '{"a": [9007199254740993, 1e400]}',
        signing: 'hmac',
        signatureHeader: 'X-Hub',
        signaturePrefix: 'HMAC-SHA256 ',
      },
      options: { headers: { header: [{ name: 'X-Order', value: '17' }] } },
    });
    const [{ headers, body }] = receiver.received as [(typeof receiver.received)[0]];
    assert.equal(body.toString(), '{"a": [9007199254740993, 1e400]}');
    assert.equal(headers['x-order'], '17');
    assert.match(String(headers['x-hub']), /^HMAC-SHA256 [0-9a-f]{64}$/);
  });

  it('fails where it was not taken, says that it is tried again, and posts no second one for a retry', async () => {
    receiver.answering = (response) => void response.writeHead(500).end('no');
    const asked = { idempotencyKey: 'away', options: { waitSeconds: 0.5 } };
    engine.listeners.add(receiver);
    await fails(call(asked), /was not sent within .*It is tried again by itself.*500/);
    engine.listeners.delete(receiver);
    await fails(call(asked), /was not sent within .*It waits: nobody sends it/);
    assert.equal(receiver.received.length, 1);
  });

  it('is handed out to a retry whose credential is gone or wrong by now, where it was sent', async () => {
    const [first] = await call({ idempotencyKey: 'sent' });
    const handedOut = { ...first!.json, outbox: { ...(first!.json['outbox'] as object), repeated: true } };
    const wrong = { secrets: { secret: 'whsec_short' } };
    for (const run of [{ credentialIsGone: true }, wrong]) {
      const [again] = await call({ idempotencyKey: 'sent' }, undefined, run);
      assert.deepEqual(again!.json, handedOut);
    }
    const mails = ['o', 'p'];
    const items = mails.map((idempotencyKey) => ({
      json: { delivery: { idempotencyKey, eventId: `event of ${idempotencyKey}` } },
    }));
    await call({}, items.slice(0, 1), { mails });
    await fails(call({}, items, { mails, ...wrong }), /"CRM" .* cannot sign/);
    const both = await call({}, items, { mails, ...wrong, goesOn: true });
    assert.deepEqual([both[0]!.json['status'], Object.keys(both[1]!.json)], [200, ['error']]);
    assert.match(both[1]!.json['error'] as string, /"CRM" .* cannot sign/);
    assert.equal(receiver.received.length, 2);
  });

  it('that waits fails a retry whose credential is gone, and goes out in one that has it', async () => {
    const asked = { idempotencyKey: 'waits', sending: 'background' };
    const [waits] = await call(asked);
    const now = { ...asked, sending: 'now' };
    await fails(call(now, undefined, { credentialIsGone: true }), /"CRM" is gone/);
    assert.equal((await entryOf(waits)).state, 'QUEUED');
    const [sent] = await call(now);
    assert.equal(sent!.json['status'], 200);
  });

  it('fails for good where the receiver is gone', async () => {
    receiver.answering = (response) => void response.writeHead(410).end();
    await fails(call({}), /The webhook was not sent\. .*410/);
    const [kept] = await call({}, undefined, { goesOn: true });
    assert.deepEqual([kept!.json['status'], 'outbox' in kept!.json], [410, true]);
    // n8n takes no other item for an error.
    const [apart] = await call({}, undefined, { goesOn: true, onError: 'continueErrorOutput' });
    assert.deepEqual(Object.keys(apart!.json), ['error', 'message']);
  });

  it('is an error for each item where the call fails as a whole, and the node goes on: n8n would hand on the items that came', async () => {
    const items = [{ json: { order: 17 } }, { json: { order: 18 } }];
    const known = await engine.ledger.countEntries();
    const toldEach = async (message: RegExp, run: Run, parameters = {}): Promise<void> => {
      await fails(call(parameters, items, run), message);
      for (const onError of [undefined, 'continueErrorOutput'] as const) {
        const told = await call(parameters, items, { ...run, goesOn: true, ...(onError && { onError }) });
        assert.deepEqual(
          told.map(({ json, pairedItem }) => [Object.keys(json), pairedItem]),
          [0, 1].map((item) => [['error'], { item }]),
        );
        for (const { json } of told) assert.match(json['error'] as string, message);
      }
    };
    await toldEach(/ECONNREFUSED/, { ledgerIsAway: true });
    await toldEach(/ECONNREFUSED/, { ledger: { entriesOf: async () => away() } });
    await toldEach(/ECONNREFUSED/, { ledger: { entriesOf: async () => [], enqueue: async () => away() } });
    const wrong = { secrets: { secret: 'whsec_short' } };
    await toldEach(/"CRM" is gone/, { credentialIsGone: true });
    await toldEach(/Secret in the credential "CRM" .* cannot sign/, wrong);
    await toldEach(/Secret in the credential "CRM" .* cannot sign/, wrong, { operation: 'subscribe' });
    await toldEach(/"Operation" must be one of/, {}, { operation: 'none' });
    assert.deepEqual([await engine.ledger.countEntries(), receiver.received], [known, []]);
  });

  it('leaves it to the background, and says that nobody sends', async () => {
    const [item] = await call({ sending: 'background' });
    assert.equal((await entryOf(item)).state, 'QUEUED');
    assert.match(hints.join(), /The webhook waits/);
    assert.deepEqual([item!.json['status'], receiver.received.length], [null, 0]);
  });

  it('tells bad input before anything is queued', async () => {
    const count = async (): Promise<unknown> => engine.ledger.countEntries();
    const known = await count();
    await fails(call({ url: '' }), /"URL" is empty/);
    await fails(call({ url: 'no' }), /no URL/);
    await fails(call({ body: 'json', json: '{' }), /"JSON" is none/);
    await fails(call({ options: { tries: 'own', delays: 'soon' } }), /must be up to 20 numbers of seconds/);
    for (const waitSeconds of [9999, 'a while'])
      await fails(call({ options: { waitSeconds } }), /"Wait Up To" must be a number from 0 to 3600/);
    const [told] = await call({ options: { waitSeconds: 9999 } }, undefined, { goesOn: true });
    assert.match(told!.json['error'] as string, /"Wait Up To" must be/);
    await fails(
      call({ options: { headers: { header: [{ name: 'Webhook-Id', value: 'x' }] } } }),
      /set by the webhook itself/,
    );
    await fails(
      call({}, undefined, { secrets: { secret: 'whsec_short' } }),
      /Secret in the credential "CRM" .* cannot sign/,
    );
    const basic = { signing: 'none', authentication: 'httpBasicAuth' };
    await fails(
      call(basic, undefined, { secrets: { user: '', password: '' } }),
      /"API" has neither a user nor a password/,
    );
    assert.deepEqual(await count(), known);
  });

  it('refuses its own network but for what the environment names, and says who can allow it', async () => {
    for (const url of [
      'http://127.0.0.1:1/',
      'http://localhost/',
      'http://10.0.0.7:8080/',
      'http://169.254.169.254/',
    ])
      await fails(call({ url }), /DURABLE_MAIL_WEBHOOK_OWN_NETWORK=/);
    const [item] = await call({ url: 'http://10.0.0.7:8080/' }, undefined, { goesOn: true });
    assert.match(item!.json['error'] as string, /10\.0\.0\.7/);
  });

  it('sends a credential, or has it sent to an endpoint, only where that allows it, in each try', async () => {
    const known = await engine.ledger.countEntries();
    const basic = { signing: 'none', authentication: 'httpBasicAuth' };
    const only = (allowedDomains: string): Run => ({
      secrets: { user: 'u', password: 'p', allowedHttpRequestDomains: 'domains', allowedDomains },
    });
    const why = /"API" may not be sent to 127\.0\.0\.1: .*"Allowed HTTP Request Domains" names others/;
    const endpoint = {
      ...basic,
      ...{ operation: 'subscribe', endpointName: 'Elsewhere', events: ['email.dead'] },
    };
    for (const asked of [basic, endpoint]) await fails(call(asked, undefined, only('api.example.com')), why);
    const none = { user: 'u', password: 'p', allowedHttpRequestDomains: 'none' };
    await fails(call(basic, undefined, { secrets: none }), /is "None"/);
    await fails(call({ ...basic, url: 'no' }, undefined, only('api.example.com')), /no URL/);
    assert.deepEqual(await engine.ledger.countEntries(), known);
    assert.deepEqual(await engine.ledger.endpoints(), []);

    const [sent] = await call(basic, undefined, only('127.0.0.1'));
    assert.equal(sent!.json['status'], 200);
    const may = only('127.0.0.1').secrets as Record<string, unknown>;
    const [item] = await call({ ...basic, sending: 'background' }, undefined, { secrets: may });
    may['allowedDomains'] = 'api.example.com';
    receiver.received.length = 0;
    const { id } = await entryOf(item);
    const asked = { untilMs: 5_000, signal: new AbortController().signal };
    const [refused] = await engine.outbox.sendNow([id], asked);
    assert.equal(refused!.state, 'FAILED');
    assert.match(refused!.lastError ?? '', why);
    assert.deepEqual(receiver.received, []);
  });

  it('asks the environment for its own network in each try, so that a retry goes out once it is allowed', async () => {
    const allowed = process.env[OWN_NETWORK_VARIABLE];
    const [item] = await call({ sending: 'background' });
    const { id } = await entryOf(item);
    const send = async (): Promise<Entry> =>
      (await engine.outbox.sendNow([id], { untilMs: 5_000, signal: new AbortController().signal }))[0]!;
    process.env[OWN_NETWORK_VARIABLE] = 'false';
    const refused = await send().finally(() => (process.env[OWN_NETWORK_VARIABLE] = allowed));
    assert.equal(refused.state, 'FAILED');
    assert.match(refused.lastError ?? '', /DURABLE_MAIL_WEBHOOK_OWN_NETWORK=/);
    assert.deepEqual(receiver.received, []);
    await engine.ledger.actOnEntries([id], 'retry', 'ann');
    assert.equal((await send()).state, 'SENT');
  });

  it('keeps endpoints: subscribed, listed, set aside and taken back, unsubscribed', async () => {
    const of = { endpointName: 'CRM', url: 'https://example.com/hook', events: ['email.dead'] };
    const [made] = await call({ ...of, operation: 'subscribe' });
    assert.deepEqual([made!.json['state'], made!.json['events']], ['told', ['email.dead']]);
    await engine.ledger.saveEndpoint(newReader('w', 'n'), 'test');
    const [one] = await engine.ledger.endpoints();
    await engine.ledger.setAside(one!.id, 'It is gone');
    const listed = await call({ operation: 'listEndpoints' });
    assert.deepEqual(
      listed.map(({ json }) => [json['name'], json['state'], json['reason']]),
      [['CRM', 'setAside', 'It is gone']],
    );
    const [back] = await call({ ...of, operation: 'takeBack' });
    assert.deepEqual([back!.json['state'], back!.json['takenBack']], ['told', true]);
    const [gone] = await call({ ...of, operation: 'unsubscribe' });
    assert.equal(gone!.json['removed'], true);
    await fails(call({ ...of, operation: 'unsubscribe' }), /There is no endpoint "CRM"/);
    await fails(call({ ...of, operation: 'subscribe', events: ['email.none'] }), /is no event/);
    const never: readonly [object, RegExp][] = [
      [{ onlyWorkflow: 'My mail workflow' }, /must be the ID of a workflow/],
      [{ onlySource: '99999' }, /no source 99999/],
      [{ onlyWorkflow: 'w1', events: ['email.dead', 'sync.error'] }, /never be told of sync\.error/],
      [{ onlySource: '1', events: ['outbox.failed', 'email.dead'] }, /never be told of outbox\.failed/],
    ];
    for (const [asked, why] of never) await fails(call({ ...of, operation: 'subscribe', ...asked }), why);
    assert.ok(!(await engine.ledger.endpoints()).some(({ name }) => name === 'CRM'));
    await fails(
      call({ ...of, operation: 'subscribe', endpointName: newReader('w', 'n').name }),
      /belongs to an Outbox Trigger/,
    );
  });

  it('tells an endpoint of a change without a workflow, signed with its credential', async () => {
    const of = { endpointName: 'Told', events: ['template.changed'], operation: 'subscribe' };
    await call(of);
    const got = new Promise<void>((resolve) => {
      receiver.answering = (response, { body }) => {
        response.end('ok');
        // What an earlier test has left to the background goes out now, too.
        if (body.includes('template.changed')) resolve();
      };
    });
    const stop = engine.send();
    await engine.ledger.saveTemplate('Hello', { subject: 'Hi', text: 'Hi', html: null }, 'test');
    engine.telling.look();
    await got;
    stop();
    const { headers, body } = receiver.received.find((one) => one.body.includes('template.changed'))!;
    const { type } = new Webhook(SECRET).verify(body.toString(), headers as never) as { type: string };
    assert.equal(type, 'template.changed');
  });

  it('checks the form of a signing credential', async () => {
    const test = (data: object): Promise<{ status: string; message: string }> =>
      signingTest.call({} as never, { id: '1', name: 'CRM', type: 'durableWebhookSigning', data } as never);
    assert.equal((await test({ secret: SECRET })).status, 'OK');
    assert.match((await test({ secret: 'a text' })).message, /HMAC only/);
    assert.equal((await test({ secret: 'whsec_short' })).status, 'Error');
    assert.equal((await test({ secret: SECRET, previousSecret: 'whsec_x' })).status, 'Error');
    assert.equal((await test({ secret: '' })).status, 'Error');
  });
});
