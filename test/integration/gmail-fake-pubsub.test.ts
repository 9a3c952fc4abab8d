// The notifications of the fake of Gmail: when one is published, how it is pulled and acknowledged, how it is pushed,
// and that its signatures are what Google's are.
import assert from 'node:assert/strict';
import { createPublicKey, type JsonWebKey } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { Cleanup } from '../support/cleanup';
import type { FakeAccount } from '../support/gmail/account';
import { PlainClient, type Said } from '../support/gmail/client';
import { FakeGmail } from '../support/gmail/fake';
import { isSignedBy, readClaims } from '../support/gmail/jwt';
import { FORGERIES, type PushTarget } from '../support/gmail/push';
import { until } from '../support/until';

const TOPIC = 'projects/project/topics/mail';
const SUBSCRIPTION = 'projects/project/subscriptions/mail';
const PUSHER = 'pusher@project.iam.gserviceaccount.com';

interface Received {
  readonly ackId: string;
  readonly message: { readonly data: string; readonly messageId: string };
}

describe('the notifications of the fake of Gmail', () => {
  const cleanup = new Cleanup();
  let gmail: FakeGmail;
  let ann: FakeAccount;
  let client: PlainClient;
  let puller: PlainClient;

  beforeEach(async () => {
    gmail = await cleanup.of(FakeGmail.start());
    gmail.pubsub.settings.gapMs = 0;
    ann = gmail.account('ann@example.com');
    client = new PlainClient(gmail.url, gmail.token(ann.address));
    puller = new PlainClient(gmail.url, gmail.token(PUSHER, ['https://www.googleapis.com/auth/pubsub']));
    gmail.pubsub.subscribe(SUBSCRIPTION, TOPIC);
  });
  afterEach(() => cleanup.run());

  const watch = (more: object = {}): Promise<Said> => client.post('watch', { topicName: TOPIC, ...more });
  const call = (verb: string, body: object): Promise<Said> =>
    puller.ask('POST', `/v1/${SUBSCRIPTION}:${verb}`, JSON.stringify(body));
  const pull = async (returnImmediately = true): Promise<readonly Received[]> =>
    ((await call('pull', { maxMessages: 10, returnImmediately })).json?.receivedMessages ?? []) as Received[];

  it('are published while an account is watched', async () => {
    ann.deliver();
    assert.deepEqual(await pull(), []);
    const { json } = await watch();
    assert.ok(Number(json?.expiration) > Date.now() + 6 * 24 * 3_600_000);
    assert.equal(json?.historyId, ann.historyId);
    ann.deliver();
    const [received] = await pull();
    const data = JSON.parse(Buffer.from(received!.message.data, 'base64').toString()) as object;
    assert.deepEqual(data, { emailAddress: ann.address, historyId: Number(ann.historyId) });
    await client.post('stop');
    ann.deliver();
    assert.equal(gmail.pubsub.published, 1);
  });

  it('are of the labels that the watch names, or of all others', async () => {
    const published = async (change: () => void): Promise<number> => {
      const before = gmail.pubsub.published;
      change();
      return gmail.pubsub.published - before;
    };
    await watch({ labelIds: ['INBOX'], labelFilterBehavior: 'INCLUDE' });
    assert.equal(await published(() => ann.send()), 0);
    assert.equal(await published(() => ann.deliver()), 1);
    await watch({ labelIds: ['INBOX'], labelFilterBehavior: 'EXCLUDE' });
    assert.equal(await published(() => ann.send()), 1);
    assert.equal(await published(() => ann.deliver()), 0);
  });

  it('are dropped when they come too soon after another one, or get lost', async () => {
    gmail.pubsub.settings.gapMs = 3_600_000;
    await watch();
    ann.deliver();
    ann.deliver();
    assert.deepEqual([gmail.pubsub.published, gmail.pubsub.dropped], [1, 1]);
    gmail.pubsub.settings.gapMs = 0;
    gmail.pubsub.settings.lost = true;
    ann.deliver();
    assert.equal(gmail.pubsub.published, 1);
  });

  it('come again until they are acknowledged, and a pull waits for them', async () => {
    gmail.pubsub.settings.ackDeadlineMs = 300;
    gmail.pubsub.settings.pullWaitMs = 20_000;
    await watch();
    const waiting = pull(false);
    ann.deliver();
    const [first] = await waiting;
    assert.deepEqual(await pull(), []);
    const again = await until('it comes again', async () => (await pull())[0]);
    assert.equal(again.message.messageId, first!.message.messageId);
    await call('acknowledge', { ackIds: [first!.ackId] });
    assert.equal(gmail.pubsub.waiting(SUBSCRIPTION), 1, 'the old id is of no use');
    await call('modifyAckDeadline', { ackIds: [again.ackId], ackDeadlineSeconds: 0 });
    const [last] = await pull();
    await call('acknowledge', { ackIds: [last!.ackId] });
    assert.equal(gmail.pubsub.waiting(SUBSCRIPTION), 0);
  });

  it('are handed out only to whom they belong', async () => {
    const foreign = await client.ask('POST', `/v1/${SUBSCRIPTION}:pull`, '{"maxMessages":1}');
    assert.equal(foreign.status, 403);
    const unknown = await puller.ask('POST', '/v1/projects/p/subscriptions/none:pull', '{"maxMessages":1}');
    assert.equal(unknown.status, 404);
  });

  describe('that are pushed', () => {
    /** A webhook that answers so, one status after the other. @returns what it was sent */
    async function webhook(
      statuses: number[],
    ): Promise<{ readonly url: string; readonly got: [string, string][] }> {
      const got: [string, string][] = [];
      const server = createServer((request, response) => {
        const chunks: Buffer[] = [];
        request.on('data', (chunk: Buffer) => chunks.push(chunk));
        request.on('end', () => {
          got.push([request.headers.authorization ?? '', Buffer.concat(chunks).toString()]);
          response.writeHead(statuses.shift() ?? 204).end();
        });
      }).listen(0, '127.0.0.1');
      await once(server, 'listening');
      await cleanup.of(Promise.resolve({ close: async () => void server.close() }));
      return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/push`, got };
    }

    /** The key that the certificates name for a token. */
    async function keyOf(token: string): Promise<string | null> {
      const { keys } = (await (await fetch(gmail.certificatesUrl)).json()) as {
        keys: (JsonWebKey & { kid: string })[];
      };
      const { kid } = JSON.parse(Buffer.from(token.split('.')[0]!, 'base64url').toString()) as {
        kid?: string;
      };
      const key = keys.find((each) => each.kid === kid);
      return key
        ? createPublicKey({ key, format: 'jwk' }).export({ type: 'spki', format: 'pem' }).toString()
        : null;
    }

    it('come signed, and again until they are taken', async () => {
      gmail.push.againMs = 10;
      const { url, got } = await webhook([500, 403]);
      const target = { endpoint: url, serviceAccount: PUSHER };
      gmail.pubsub.subscribe('projects/project/subscriptions/push', TOPIC, target);
      await watch();
      ann.deliver();
      await until('it is taken', () => gmail.push.sent.length === 3);
      assert.deepEqual(
        gmail.push.sent.map(({ status }) => status),
        [500, 403, 204],
      );
      const [authorization, body] = got[0]!;
      const token = authorization.replace('Bearer ', '');
      assert.ok(isSignedBy(token, (await keyOf(token))!));
      const { aud, email, email_verified, iss } = readClaims(token)!;
      assert.deepEqual(
        { aud, email, email_verified, iss },
        { aud: url, email: PUSHER, email_verified: true, iss: 'https://accounts.google.com' },
      );
      const { message, subscription } = JSON.parse(body) as { message: object; subscription: string };
      assert.equal(subscription, 'projects/project/subscriptions/push');
      assert.deepEqual(Object.keys(message).sort(), [
        'data',
        'messageId',
        'message_id',
        'publishTime',
        'publish_time',
      ]);
    });

    it('are forged in every way that is asked for', async () => {
      const target: PushTarget = { endpoint: 'https://here.example/push', serviceAccount: PUSHER };
      const isGood = async (token: string): Promise<boolean> => {
        const key = await keyOf(token);
        const claims = readClaims(token)!;
        return (
          key !== null &&
          isSignedBy(token, key) &&
          claims.aud === target.endpoint &&
          claims.email === PUSHER &&
          claims.email_verified === true &&
          claims.iss === 'https://accounts.google.com' &&
          Number(claims.exp) > Date.now() / 1000 &&
          Number(claims.iat) < Date.now() / 1000 + 60
        );
      };
      assert.equal(await isGood(gmail.push.token(target)), true);
      for (const forgery of FORGERIES)
        assert.equal(await isGood(gmail.push.token(target, forgery)), false, forgery);
    });

    it('are signed with another key after a rotation', async () => {
      const old = gmail.push.token({ endpoint: 'https://here.example/push', serviceAccount: PUSHER });
      const answer = await fetch(gmail.certificatesUrl);
      assert.match(answer.headers.get('cache-control') ?? '', /max-age=\d+/);
      gmail.push.rotateKeys(true);
      assert.notEqual(await keyOf(old), null);
      gmail.push.rotateKeys();
      assert.equal(await keyOf(old), null);
    });
  });
});
