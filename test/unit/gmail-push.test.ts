// What Pub/Sub delivers about an account: read exactly, and what the node's webhook does with it.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, it } from 'node:test';
import fc from 'fast-check';
import type { IWebhookFunctions } from 'n8n-workflow';
import { readNotice, readPush } from '../../engine/gmail/notify/push';
import { GMAIL_MAILBOX } from '../../engine/gmail/mail/source';
import { noticeKey } from '../../engine/source/notices';
import { openStore, type Store, type StoreContext } from '../../nodes/host/store/store';
import { handlePush } from '../../nodes/DurableGmailTrigger/push-webhook';
import { FakeGmail } from '../support/gmail/fake';
import { FORGERIES, notificationData } from '../support/gmail/push';
import { until } from '../support/until';

const SUBSCRIPTION = 'projects/p/subscriptions/s';
const base64 = (text: string): string => Buffer.from(text).toString('base64');
const pushOf = (data: unknown): unknown => ({
  message: { data, messageId: '1' },
  subscription: SUBSCRIPTION,
});

describe('a push', () => {
  it('says whose mail has changed', () => {
    assert.deepEqual(readPush(pushOf(notificationData('Ann@Example.com', '1234567'))), {
      address: 'ann@example.com',
      historyId: '1234567',
      subscription: SUBSCRIPTION,
    });
  });

  it('has a history id that is kept exactly, however large', () => {
    for (const historyId of ['9007199254740993', '18446744073709551615', '0']) {
      assert.equal(readNotice(notificationData('ann@example.com', historyId))?.historyId, historyId);
      const asText = base64(`{"emailAddress":"ann@example.com","historyId":"${historyId}"}`);
      assert.equal(readNotice(asText)?.historyId, historyId);
    }
  });

  it('is read in base64url, too', () => {
    const data = Buffer.from('{"emailAddress":"ä?>@example.com","historyId":1}').toString('base64url');
    assert.equal(readNotice(data)?.address, 'ä?>@example.com');
  });

  it('that is not about an account is none', () => {
    const data = [
      undefined,
      null,
      7,
      '',
      '%%%',
      base64('not JSON'),
      base64('null'),
      base64('[]'),
      base64('"ann@example.com"'),
      base64('{"emailAddress":"ann@example.com"}'),
      base64('{"historyId":1}'),
      base64('{"emailAddress":"","historyId":1}'),
      base64('{"emailAddress":["ann@example.com"],"historyId":1}'),
      base64('{"emailAddress":"ann@example.com","historyId":-1}'),
      base64('{"emailAddress":"ann@example.com","historyId":1.5}'),
      base64('{"emailAddress":"ann@example.com","historyId":1e30}'),
      base64('{"emailAddress":"ann@example.com","historyId":null}'),
      base64('{"__proto__":{"emailAddress":"ann@example.com","historyId":1}}'),
      'A'.repeat(1_000_000),
    ];
    for (const each of data) assert.equal(readPush(pushOf(each)), null);
    for (const body of [undefined, null, '', 'text', 7, [], {}, { message: null }, { message: 'text' }]) {
      assert.equal(readPush(body), null);
    }
  });

  it('crashes nothing, whatever it is', () => {
    fc.assert(
      fc.property(fc.anything(), (anything) => {
        readPush(anything);
        readPush({ message: anything });
        readPush({ message: { data: anything }, subscription: anything });
      }),
    );
    fc.assert(fc.property(fc.json(), (json) => void readNotice(base64(json))));
  });
});

/** n8n, as far as a webhook needs it: each call over HTTP is one of the node's webhook. */
class Webhook {
  readonly #server: Server;
  readonly address: string;
  readonly parameters: Record<string, unknown> = {};
  workflowId = 'workflow';
  nodeId = 'node';
  /** What the webhook gave back to n8n. */
  readonly returned: unknown[] = [];

  private constructor(server: Server) {
    this.#server = server;
    this.address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/webhook/1/gmail`;
  }

  static async start(): Promise<Webhook> {
    const server = createServer((request, response) => {
      void (async () => {
        const chunks: Buffer[] = [];
        for await (const chunk of request) chunks.push(chunk as Buffer);
        const body: unknown = JSON.parse(Buffer.concat(chunks).toString());
        webhook.returned.push(await handlePush(webhook.#context(request.headers, body, response)));
      })();
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const webhook = new Webhook(server);
    return webhook;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  #context(headers: IncomingHttpHeaders, body: unknown, response: ServerResponse): IWebhookFunctions {
    const express = {
      status: (code: number) => {
        response.statusCode = code;
        return express;
      },
      json: (value: unknown) => response.end(JSON.stringify(value)),
      end: () => response.end(),
    };
    const context = {
      getNode: () => ({ id: this.nodeId, name: 'Gmail', parameters: {} }),
      getWorkflow: () => ({ id: this.workflowId }),
      getCredentials: () => assert.fail('there is none'),
      getHeaderData: () => headers,
      getBodyData: () => body,
      getNodeParameter: (name: string, fallback: unknown) => this.parameters[name] ?? fallback,
      getNodeWebhookUrl: () => this.address,
      getResponseObject: () => express,
      helpers: { httpRequest },
    };
    return context as unknown as IWebhookFunctions;
  }
}

async function httpRequest({
  method,
  url,
  headers,
}: {
  method: string;
  url: string;
  headers: Record<string, string>;
}) {
  const answer = await fetch(url, { method, headers });
  return {
    statusCode: answer.status,
    headers: Object.fromEntries(answer.headers),
    body: await answer.text(),
  };
}

describe("the node's webhook", () => {
  const serviceAccount = 'push@project.iam.gserviceaccount.com';
  let folder: string;
  let gmail: FakeGmail;
  let webhook: Webhook;
  let store: Store;
  let sourceId: number;
  let woken: string[] = [];
  const target = (): { endpoint: string; serviceAccount: string } => ({
    endpoint: webhook.address,
    serviceAccount,
  });

  const subscribe = async (account: string, workflowId = 'workflow', nodeId = 'node'): Promise<number> => {
    const subscription = await store.ledger.subscribe({
      workflowId,
      nodeId,
      source: { kind: 'gmail', account, mailbox: GMAIL_MAILBOX },
      retryDelaysMs: [1],
      guarantee: 'atLeastOnce',
      keepContentMs: 0,
      retentionMs: 86_400_000,
      afterSuccess: null,
      whenDead: null,
    });
    return subscription.sourceId;
  };

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'durable-mail-push-'));
    process.env['N8N_USER_FOLDER'] = folder;
    const node = { getNode: () => ({ parameters: {} }), getCredentials: () => assert.fail('there is none') };
    store = await openStore(node as unknown as StoreContext);
    gmail = await FakeGmail.start();
    webhook = await Webhook.start();
    sourceId = await subscribe('ann@example.com');
    const otherId = await subscribe('bob@example.com', 'another workflow');
    store.wake.listen(noticeKey(sourceId), () => woken.push('ann'));
    store.wake.listen(noticeKey(otherId), () => woken.push('bob'));
  });
  after(async () => {
    webhook.close();
    await gmail.close();
    await store.ledger.close();
    delete process.env['N8N_USER_FOLDER'];
    await rm(folder, { recursive: true });
  });
  beforeEach(() => {
    gmail.heal();
    woken = [];
    webhook.returned.length = 0;
    webhook.parameters['pushServiceAccount'] = serviceAccount;
    webhook.parameters['pushAudience'] = '';
    webhook.parameters['options'] = { certificatesUrl: gmail.certificatesUrl };
  });

  it('wakes whoever watches the account, and starts no execution', async () => {
    assert.equal(await gmail.push.post(target(), 'Ann@example.com', '18446744073709551615'), 204);
    assert.deepEqual(woken, ['ann']);
    assert.deepEqual(webhook.returned, [{ noWebhookResponse: true }]);
  });

  it('answers an account that the node does not watch in the same way, and wakes nobody', async () => {
    for (const address of ['bob@example.com', 'stranger@example.com']) {
      assert.equal(await gmail.push.post(target(), address, '5'), 204);
    }
    assert.deepEqual(woken, []);
  });

  it('refuses forged tokens of every kind with one answer, and wakes nobody', async () => {
    for (const forgery of FORGERIES) {
      assert.equal(await gmail.push.post(target(), 'ann@example.com', '5', forgery), 401, forgery);
    }
    const answer = await fetch(webhook.address, { method: 'POST', body: '{}' });
    assert.equal(answer.status, 401);
    assert.equal(await answer.text(), '{"error":"unauthorized"}');
    assert.deepEqual(woken, []);
    assert.ok(webhook.returned.every((each) => !Object.hasOwn(each as object, 'workflowData')));
  });

  it('refuses everybody while the node names no service account', async () => {
    for (const nobody of ['', ' ', null, {}]) {
      webhook.parameters['pushServiceAccount'] = nobody;
      const status = await gmail.push.post({ ...target(), serviceAccount: '' }, 'ann@example.com', '5');
      assert.equal(status, 401);
    }
    assert.deepEqual(woken, []);
  });

  it('takes the audience that the node names instead of its address', async () => {
    webhook.parameters['pushAudience'] = 'my-audience';
    assert.equal(await gmail.push.post(target(), 'ann@example.com', '5'), 401);
    assert.equal(
      await gmail.push.post({ ...target(), audience: 'my-audience' }, 'ann@example.com', '5'),
      204,
    );
    assert.deepEqual(woken, ['ann']);
  });

  it('passes over a message that is no notice, once it is known whom it is from', async () => {
    const headers = { authorization: `Bearer ${gmail.push.token(target())}` };
    for (const body of ['{}', '{"message":{"data":"eA=="}}', '[]', 'null']) {
      const answer = await fetch(webhook.address, { method: 'POST', headers, body });
      assert.equal(answer.status, 204, body);
    }
    assert.deepEqual(woken, []);
  });

  it("asks for the push again while Google's keys cannot be had", async (test) => {
    // Nothing is known of its keys yet.
    const another = await FakeGmail.start();
    test.after(() => another.close());
    webhook.parameters['options'] = { certificatesUrl: another.certificatesUrl };
    const fault = another.fail('certs', { status: 500, times: Infinity });
    assert.equal(await another.push.post(target(), 'ann@example.com', '5'), 503);
    assert.deepEqual(woken, []);
    fault.end();
    another.push.send(target(), SUBSCRIPTION, {
      id: 'again',
      data: notificationData('ann@example.com', '6'),
      publishTime: new Date().toISOString(),
    });
    await until('the push came again', () => woken.includes('ann'));
  });

  it('asks for the push again while the ledger cannot be asked', async (test) => {
    test.mock.method(store.ledger, 'subscriptionsOf', () => Promise.reject(new Error('It is away')));
    assert.equal(await gmail.push.post(target(), 'ann@example.com', '5'), 503);
    test.mock.restoreAll();
    assert.equal(await gmail.push.post(target(), 'ann@example.com', '5'), 204);
  });

  it("reads Google's keys once for many pushes", async () => {
    assert.equal(await gmail.push.post(target(), 'ann@example.com', '5'), 204);
    const read = gmail.push.certificatesRead;
    for (let push = 0; push < 5; push++) await gmail.push.post(target(), 'ann@example.com', '5');
    assert.equal(gmail.push.certificatesRead, read);
    assert.equal(woken.length, 6);
  });
});
