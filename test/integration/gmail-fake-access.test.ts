// Who may ask the fake of Gmail, how much, and what it costs: quota, tokens, batch.
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { afterEach, beforeEach, describe, it } from 'node:test';
import type { FakeAccount } from '../support/gmail/account';
import { PlainClient, type Said } from '../support/gmail/client';
import { FakeGmail } from '../support/gmail/fake';
import { signToken } from '../support/gmail/jwt';

const reason = ({ json }: Said): string =>
  (json?.error as { errors: { reason: string }[] } | undefined)?.errors[0]?.reason ?? '';

describe('the fake of Gmail', () => {
  let gmail: FakeGmail;
  let ann: FakeAccount;
  let client: PlainClient;

  beforeEach(async () => {
    gmail = await FakeGmail.start();
    ann = gmail.account('ann@example.com');
    client = new PlainClient(gmail.url, gmail.token(ann.address));
  });
  afterEach(() => gmail.close());

  describe('its quota', () => {
    it('charges by the table, and knows the most in any window', async () => {
      const id = ann.deliver();
      await client.get(`history?startHistoryId=${ann.historyId}`);
      await client.get(`messages/${id}`);
      assert.equal(gmail.spent(), 22);
      gmail.quota.settings.table = 'old';
      await client.get(`messages/${id}`);
      assert.deepEqual([gmail.spent(), ann.spent(), gmail.mostInAnyWindow(60_000)], [27, 27, 27]);
      assert.deepEqual(
        gmail.calls.map(({ method, units, status }) => [method, units, status]),
        [
          ['history.list', 2, 200],
          ['messages.get', 20, 200],
          ['messages.get', 5, 200],
        ],
      );
    });

    it('refuses what goes over the limit of a window, of this account only', async () => {
      const id = ann.deliver();
      Object.assign(gmail.quota.settings, { enforced: true, limit: 45, refusal: 403, retryAfter: 2 });
      const statuses = [1, 2, 3].map(() => client.get(`messages/${id}`));
      const [one, two, three] = await Promise.all(statuses);
      const refused = [one!, two!, three!].filter(({ status }) => status === 403);
      assert.equal(refused.length, 1);
      assert.equal(reason(refused[0]!), 'rateLimitExceeded');
      assert.equal(refused[0]!.headers.get('retry-after'), '2');
      const bob = new PlainClient(gmail.url, gmail.token('bob@example.com'));
      assert.equal((await bob.get('labels')).status, 200);
    });

    it('refuses too many calls at once', async () => {
      gmail.behaviour.latencyMs = 200;
      gmail.quota.settings.concurrency = 2;
      const said = await Promise.all([1, 2, 3, 4].map(() => client.get('profile')));
      const statuses = said.map(({ status }) => status).sort();
      assert.deepEqual([statuses[0], statuses.at(-1)], [200, 429]);
      assert.ok(gmail.quota.mostAtOnce > 2);
    });
  });

  describe('its tokens', () => {
    const ask = async (
      form: Record<string, string>,
    ): Promise<{ status: number; json: Record<string, unknown> }> => {
      const answer = await fetch(gmail.tokenUrl, { method: 'POST', body: new URLSearchParams(form) });
      return { status: answer.status, json: (await answer.json()) as Record<string, unknown> };
    };

    it('are refreshed until the grant is revoked', async () => {
      const form = { grant_type: 'refresh_token', refresh_token: gmail.oauth.grant(ann.address) };
      gmail.oauth.expire();
      const rejected = await client.get('profile');
      assert.deepEqual([rejected.status, reason(rejected)], [401, 'authError']);
      const { json } = await ask(form);
      const fresh = new PlainClient(gmail.url, String(json.access_token));
      assert.equal((await fresh.get('profile')).json?.emailAddress, ann.address);
      gmail.oauth.revoke(ann.address);
      assert.equal((await fresh.get('profile')).status, 401);
      const revoked = await ask(form);
      assert.deepEqual([revoked.status, revoked.json.error], [400, 'invalid_grant']);
    });

    it('are given to a service account that signs for an account it may act for', async () => {
      const pair = { id: 'key', ...generateKeyPairSync('rsa', { modulusLength: 2048 }) };
      const iss = 'robot@project.iam.gserviceaccount.com';
      const publicKey = pair.publicKey.export({ type: 'spki', format: 'pem' }).toString();
      gmail.oauth.addService(iss, publicKey, [ann.address]);
      const iat = Math.floor(Date.now() / 1000);
      const claims = {
        iss,
        sub: ann.address,
        scope: 'https://mail.google.com/',
        aud: gmail.tokenUrl,
        iat,
        exp: iat + 3600,
      };
      const grant_type = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
      const asked = async (more: object, key = pair): Promise<unknown> =>
        (await ask({ grant_type, assertion: signToken({ ...claims, ...more }, key) })).json.error;
      assert.equal(await asked({}), undefined);
      assert.equal(await asked({ sub: 'eve@example.com' }), 'unauthorized_client');
      assert.equal(await asked({ aud: 'https://example.com' }), 'invalid_grant');
      assert.equal(await asked({ exp: iat + 7200 }), 'invalid_grant');
      assert.equal(await asked({ scope: '' }), 'invalid_scope');
      const other = { id: 'key', ...generateKeyPairSync('rsa', { modulusLength: 2048 }) };
      assert.equal(await asked({}, other), 'invalid_grant');
    });

    it('are good for what they were given for', async () => {
      const id = ann.deliver();
      const reader = new PlainClient(
        gmail.url,
        gmail.token(ann.address, ['https://www.googleapis.com/auth/gmail.readonly']),
      );
      assert.equal((await reader.get(`messages/${id}`)).status, 200);
      const said = await reader.post(`messages/${id}/modify`, { addLabelIds: ['STARRED'] });
      assert.deepEqual([said.status, reason(said)], [403, 'insufficientPermissions']);
      const other = await client.ask('GET', '/gmail/v1/users/bob@example.com/profile');
      assert.equal(other.status, 403);
    });
  });

  it('answers a batch part by part', async () => {
    const [one, two] = [ann.deliver(), ann.deliver()];
    ann.fail('messages.get', { status: 429, messageId: two });
    const part = (id: string, index: number): string =>
      `--b\r\nContent-Type: application/http\r\nContent-ID: <${index}>\r\n\r\nGET /gmail/v1/users/me/messages/${id}?format=minimal\r\n\r\n`;
    const body = `${[one, two, 'ffff'].map(part).join('')}--b--`;
    const said = await client.ask('POST', '/batch/gmail/v1', body, 'multipart/mixed; boundary=b');
    const parts = said.text.split(/--batch_\w+/).slice(1, -1);
    assert.deepEqual(
      parts.map((text) => [/Content-ID: <(.*)>/.exec(text)?.[1], /HTTP\/1\.1 (\d+)/.exec(text)?.[1]]),
      [
        ['response-0', '200'],
        ['response-1', '429'],
        ['response-2', '404'],
      ],
    );
    assert.ok(parts[0]!.includes(one));
    assert.equal(gmail.spent(), 60);
  });
});
