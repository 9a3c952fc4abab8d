// The access token of a service account: the JWT that is traded for it, how long it is kept, and what its refusals say.
import assert from 'node:assert/strict';
import { createPublicKey, generateKeyPairSync, type KeyObject, verify } from 'node:crypto';
import { describe, it } from 'node:test';
import { GmailFault, type GmailFaultKind } from '../../engine/gmail/api/fault';
import type { HttpAnswer, HttpRequest, SendHttp } from '../../engine/http/send';
import type { AccessToken } from '../../engine/gmail/api/login';
import { type ServiceAccount, serviceAccountToken } from '../../engine/gmail/api/service-account';

const MINUTE_MS = 60_000;
const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const pem = (key: KeyObject, type: 'pkcs1' | 'pkcs8'): string =>
  key.export({ type, format: 'pem' }).toString();
const PEM = pem(privateKey, 'pkcs8');
const EMAIL = 'robot@project.iam.gserviceaccount.com';
const SCOPES = [
  'https://www.googleapis.com/auth/gmail.modify',
  'https://www.googleapis.com/auth/gmail.labels',
];

/** Google's token endpoint. */
class Provider {
  now = 0;
  readonly requests: HttpRequest[] = [];
  reply: (request: HttpRequest) => Promise<HttpAnswer> = async () =>
    this.answer(200, {
      access_token: `token ${this.requests.length}`,
      expires_in: 3599,
      token_type: 'Bearer',
    });

  answer(status: number, body: object): HttpAnswer {
    return { status, headers: {}, body: JSON.stringify(body) };
  }

  token(change: Partial<ServiceAccount> = {}): AccessToken {
    return serviceAccountToken({
      email: EMAIL,
      privateKey: PEM,
      subject: 'ann@example.com',
      scopes: SCOPES,
      tokenUrl: 'https://oauth2.example/token',
      send: (request) => {
        this.requests.push(request);
        return this.reply(request);
      },
      now: () => this.now,
      wallClock: () => Date.parse('2026-01-01T00:00:00.700Z'),
      ...change,
    });
  }
}

/** The claims of the JWT that was sent, if the account's key has signed it. */
function claims(request: HttpRequest): { header: unknown; claims: unknown } {
  const form = new URLSearchParams(request.body);
  assert.equal(form.get('grant_type'), 'urn:ietf:params:oauth:grant-type:jwt-bearer');
  const [header, payload, signature] = form.get('assertion')!.split('.') as [string, string, string];
  const signed = Buffer.from(`${header}.${payload}`);
  assert.ok(verify('sha256', signed, createPublicKey(privateKey), Buffer.from(signature, 'base64url')));
  const read = (part: string): unknown => JSON.parse(Buffer.from(part, 'base64url').toString());
  return { header: read(header), claims: read(payload) };
}

async function fault(kind: GmailFaultKind, token: AccessToken): Promise<string> {
  try {
    await token(false);
  } catch (error) {
    assert.ok(error instanceof GmailFault, String(error));
    assert.equal(error.kind, kind, error.message);
    assert.match(error.message, /robot@project/);
    assert.equal(error.cause, undefined);
    return error.message;
  }
  return assert.fail('It should have failed');
}

describe('The token of a service account', () => {
  it('is traded for a JWT that says who acts, for whom, and what for', async () => {
    const provider = new Provider();
    assert.equal(await provider.token()(false), 'token 1');
    const issued = Date.parse('2026-01-01T00:00:00Z') / 1000;
    assert.deepEqual(claims(provider.requests[0]!), {
      header: { alg: 'RS256', typ: 'JWT' },
      claims: {
        iss: EMAIL,
        scope: SCOPES.join(' '),
        aud: 'https://oauth2.example/token',
        iat: issued,
        exp: issued + 3600,
        sub: 'ann@example.com',
      },
    });
  });

  it('names nobody else when the account acts for itself', async () => {
    const provider = new Provider();
    const { reply, now } = provider;
    const send: SendHttp = (request) => {
      provider.requests.push(request);
      return reply(request);
    };
    const tokenUrl = 'https://oauth2.example/token';
    const own = { email: EMAIL, privateKey: PEM, scopes: SCOPES, tokenUrl, send, now: () => now };
    await serviceAccountToken(own)(false);
    assert.ok(!('sub' in (claims(provider.requests[0]!).claims as object)));
  });

  it('is kept until 5 minutes before its end', async () => {
    const provider = new Provider();
    const token = provider.token();
    assert.equal(await token(false), 'token 1');
    provider.now = 54 * MINUTE_MS;
    assert.equal(await token(false), 'token 1');
    provider.now = 55 * MINUTE_MS;
    assert.equal(await token(false), 'token 2');
  });

  it('is traded anew after a rejection', async () => {
    const token = new Provider().token();
    assert.equal(await token(false), 'token 1');
    assert.equal(await token(true), 'token 2');
    assert.equal(await token(false), 'token 2');
  });

  it('is asked for once by all who need it at the same time', async () => {
    const provider = new Provider();
    const token = provider.token();
    const tokens = await Promise.all([token(false), token(true), token(false)]);
    assert.deepEqual(tokens, ['token 1', 'token 1', 'token 1']);
  });

  const body = PEM.split('\n').slice(1, -2);
  for (const [how, stored] of [
    ['with its line ends written as \\n', PEM.replaceAll('\n', '\\n')],
    ['in one line with spaces', PEM.replaceAll('\n', ' ')],
    ['in one line without any', `-----BEGIN PRIVATE KEY-----${body.join('')}-----END PRIVATE KEY-----`],
    ['between quotes', JSON.stringify(PEM)],
    ['with the line ends of Windows', PEM.replaceAll('\n', '\r\n')],
    ['in the older form', pem(privateKey, 'pkcs1')],
  ] as const) {
    it(`is signed with a key that is stored ${how}`, async () => {
      const provider = new Provider();
      await provider.token({ privateKey: stored })(false);
      claims(provider.requests[0]!);
    });
  }
});

describe('A service account that gets no token', () => {
  it('has a key that cannot be read: nothing is sent, and nothing of it is told', async () => {
    const elliptic = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
    for (const key of ['', 'secret', PEM.slice(0, 400), pem(elliptic, 'pkcs8')]) {
      const provider = new Provider();
      const said = await fault('login', provider.token({ privateKey: key }));
      assert.match(said, /"private_key" from its JSON/);
      assert.ok(!key || !said.includes(key));
      assert.equal(provider.requests.length, 0);
    }
  });

  it('is told what to allow when it may not act for the mailbox', async () => {
    for (const error of ['unauthorized_client', 'invalid_grant']) {
      const provider = new Provider();
      provider.reply = async () =>
        provider.answer(400, { error, error_description: 'Client is unauthorized.' });
      const said = await fault('login', provider.token());
      assert.match(said, /ann@example\.com.*Client is unauthorized.*Domain-wide delegation.*gmail\.modify/s);
    }
  });

  it('is told about the clock, and about a key that was deleted', async () => {
    const provider = new Provider();
    let words = 'Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe.';
    provider.reply = async () => provider.answer(400, { error: 'invalid_grant', error_description: words });
    assert.match(await fault('login', provider.token()), /clock of this machine/);
    words = 'Invalid JWT Signature.';
    assert.match(await fault('login', provider.token()), /new key/);
  });

  it('is out of reach when nobody, or somebody else, answers; and gets one later', async () => {
    const provider = new Provider();
    const good = provider.reply;
    const token = provider.token();
    provider.reply = () => Promise.reject(new Error('connect ECONNREFUSED'));
    await fault('unreachable', token);
    for (const [status, text] of [
      [503, '{"error":"backend"}'],
      [429, '{"error":"rate_limit_exceeded"}'],
      [200, '<html>'],
      [404, '<html>'],
      [200, '{}'],
    ] as const) {
      provider.reply = async () => ({ status, headers: {}, body: text });
      await fault('unreachable', token);
    }
    provider.reply = good;
    assert.match(await token(false), /^token/);
  });
});
