// Whether a push comes from whom it should: good tokens, and forged ones of every kind.
import assert from 'node:assert/strict';
import { sign } from 'node:crypto';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { HttpAnswer, HttpRequest, SendHttp } from '../../engine/http/send';
import { GoogleKeys, KeysUnavailable } from '../../engine/gmail/notify/google-keys';
import { PushRefused, verifyPushToken } from '../../engine/gmail/notify/oidc';
import {
  type Claims,
  hmacToken,
  type KeyPair,
  makeKeyPair,
  publicJwk,
  signToken,
  unsignedToken,
} from '../support/gmail/jwt';

const URL = 'https://keys.example.com/certs';
const AUDIENCE = 'https://n8n.example.com/webhook/1/push';
const ACCOUNT = 'push@project.iam.gserviceaccount.com';
const NOW = Date.parse('2026-11-21T12:00:00Z');
const NOW_S = NOW / 1000;
const MINUTE_MS = 60_000;

const google = makeKeyPair('one');
const next = makeKeyPair('two');
const stranger = makeKeyPair('one');

const claims: Claims = {
  iss: 'https://accounts.google.com',
  aud: AUDIENCE,
  azp: '113774264463038321964',
  sub: '113774264463038321964',
  email: ACCOUNT,
  email_verified: true,
  iat: NOW_S - 10,
  exp: NOW_S + 3_590,
};

/** Google's keys, as its server hands them out. */
class KeyServer {
  keys: readonly KeyPair[] = [google];
  cacheControl = 'public, max-age=20000, must-revalidate, no-transform';
  body: string | undefined;
  status = 200;
  down = false;
  asked = 0;
  /** What the clock says, ms. */
  time = 0;

  readonly send: SendHttp = async (request: HttpRequest): Promise<HttpAnswer> => {
    assert.equal(request.url, URL);
    this.asked++;
    await new Promise(setImmediate);
    if (this.down) throw new Error('There was no answer');
    const body = this.body ?? JSON.stringify({ keys: this.keys.map(publicJwk) });
    return { status: this.status, headers: { 'cache-control': this.cacheControl }, body };
  };

  readonly found = new GoogleKeys(this.send, URL, () => this.time);

  readonly check = (token: string | undefined, at = NOW): Promise<void> =>
    verifyPushToken(token, { audience: AUDIENCE, serviceAccount: ACCOUNT, keys: this.found, now: () => at });
}

const bearer = (token: string): string => `Bearer ${token}`;
const encode = (value: unknown): string =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

/** Signed with the right key, whatever is in it. */
function signed(header: unknown, body: unknown, { privateKey }: KeyPair = google): string {
  const text = `${encode(header)}.${encode(body)}`;
  return bearer(`${text}.${sign('sha256', Buffer.from(text), privateKey).toString('base64url')}`);
}

const HEADER = { alg: 'RS256', kid: 'one', typ: 'JWT' };

async function refuses(token: string | undefined, why: RegExp, server = new KeyServer()): Promise<void> {
  await assert.rejects(server.check(token), (error: Error) => {
    assert.ok(error instanceof PushRefused, `${error.name}: ${error.message}`);
    assert.match(error.message, why);
    return true;
  });
}

describe('a push token', () => {
  it('is accepted as Google signs it', async () => {
    await new KeyServer().check(bearer(signToken(claims, google)));
    await new KeyServer().check(`bearer  ${signToken({ ...claims, iss: 'accounts.google.com' }, google)}`);
  });

  it('is of the service account, however a person has written it', async () => {
    const { found } = new KeyServer();
    const serviceAccount = ` Push@Project.iam.gserviceaccount.com `;
    const expected = { audience: AUDIENCE, serviceAccount, keys: found, now: () => NOW };
    await verifyPushToken(bearer(signToken(claims, google)), expected);
  });

  it('is refused without a signature, and with one by a secret that everybody knows', async () => {
    await refuses(bearer(unsignedToken(claims)), /base64url|RS256/);
    await refuses(bearer(`${unsignedToken(claims)}AAAA`), /RS256/);
    await refuses(bearer(hmacToken(claims, google)), /RS256/);
    for (const alg of [
      'none',
      'None',
      'HS256',
      'RS512',
      'PS256',
      'ES256',
      'rs256',
      '',
      null,
      undefined,
      ['RS256'],
    ]) {
      await refuses(signed({ ...HEADER, alg }, claims), /RS256/);
    }
  });

  it('is refused if another key has signed it, also under the name of a good one', async () => {
    await refuses(bearer(signToken(claims, stranger)), /signature is wrong/);
    await refuses(bearer(signToken(claims, makeKeyPair('stranger'))), /no such key/);
    // It brings its own key.
    await refuses(signed({ ...HEADER, jwk: publicJwk(stranger) }, claims, stranger), /signature is wrong/);
    for (const kid of [undefined, null, 1, '', '__proto__', 'constructor']) {
      await refuses(signed({ ...HEADER, kid }, claims), /no such key/);
    }
  });

  it('is refused if it is for somebody else, from somebody else, or of somebody else', async () => {
    const cases: readonly (readonly [Record<string, unknown>, RegExp])[] = [
      [{ iss: 'https://accounts.google.com.example.com' }, /issued by Google/],
      [{ iss: undefined }, /issued by Google/],
      [{ iss: ['https://accounts.google.com'] }, /issued by Google/],
      [{ aud: 'https://n8n.example.com/webhook/2/push' }, /audience/],
      [{ aud: `${AUDIENCE}/` }, /audience/],
      [{ aud: [AUDIENCE] }, /audience/],
      [{ aud: undefined }, /audience/],
      [{ email: 'push@other.iam.gserviceaccount.com' }, /service account/],
      [{ email: undefined }, /service account/],
      [{ email: [ACCOUNT] }, /service account/],
      [{ email_verified: false }, /not verified/],
      [{ email_verified: 'true' }, /not verified/],
      [{ email_verified: undefined }, /not verified/],
    ];
    for (const [change, why] of cases)
      await refuses(bearer(signToken({ ...claims, ...change }, google)), why);
  });

  it('is refused if the node names nobody whom it could be from', async () => {
    const { found } = new KeyServer();
    const nobody = { audience: AUDIENCE, serviceAccount: ' ', keys: found, now: () => NOW };
    await assert.rejects(
      verifyPushToken(bearer(signToken({ ...claims, email: '' }, google)), nobody),
      PushRefused,
    );
    const nowhere = { audience: '', serviceAccount: ACCOUNT, keys: found, now: () => NOW };
    await assert.rejects(
      verifyPushToken(bearer(signToken({ ...claims, aud: '' }, google)), nowhere),
      PushRefused,
    );
  });

  it('counts from when it was issued until it ends, and a minute more, as clocks differ', async () => {
    const server = new KeyServer();
    const token = bearer(signToken(claims, google));
    const issued = NOW - 10_000;
    const ends = NOW + 3_590_000;
    await server.check(token, issued - MINUTE_MS + 1_000);
    await assert.rejects(server.check(token, issued - MINUTE_MS - 1_000), /future/);
    await server.check(token, ends + MINUTE_MS - 1_000);
    await assert.rejects(server.check(token, ends + MINUTE_MS), /expired/);
  });

  it('is refused if its times are none', async () => {
    for (const exp of [undefined, null, String(NOW_S + 100), {}, [NOW_S + 100], true]) {
      await refuses(bearer(signToken({ ...claims, exp }, google)), /expired/);
    }
    for (const iat of [undefined, null, String(NOW_S), {}]) {
      await refuses(bearer(signToken({ ...claims, iat }, google)), /future/);
    }
    await refuses(bearer(signToken({ ...claims, nbf: NOW_S + 600 }, google)), /not good yet/);
    // Not a number in JSON, but larger than one.
    await refuses(signed(HEADER, JSON.stringify(claims).replace(/"iat":\d+/, '"iat":1e999')), /future/);
  });

  it('is refused, and crashes nothing, if it is no token at all', async () => {
    const server = new KeyServer();
    const good = signToken(claims, google);
    const parts = good.split('.');
    const malformed = [
      undefined,
      '',
      'Bearer',
      'Bearer ',
      good,
      `Basic ${good}`,
      `Bearer ${good} x`,
      bearer(parts.slice(0, 2).join('.')),
      bearer(`${good}.x`),
      bearer(`${parts[0]}..${parts[2]}`),
      bearer('..'),
      bearer('a.b.c'),
      bearer(`${good}=`),
      bearer(good.replace('.', '.%')),
      signed('not JSON', claims),
      signed(HEADER, 'not JSON'),
      signed(HEADER, 'null'),
      signed(HEADER, '[]'),
      signed(HEADER, '"text"'),
      signed('null', claims),
      signed({ ...HEADER, crit: ['exp'] }, claims),
      `Bearer ${'a'.repeat(10_000_000)}`,
      signed(HEADER, { ...claims, filler: 'x'.repeat(10_000) }),
    ];
    for (const token of malformed) await refuses(token, /./, server);
    for (const token of [7, {}, [bearer(good)]]) await refuses(token as unknown as string, /./, server);
    assert.equal(server.asked, 0, 'Google was asked for the sake of rubbish');
  });

  it('is refused if one character of it is another one', async () => {
    const server = new KeyServer();
    const good = signToken(claims, google);
    await server.check(bearer(good));
    const characters = Array.from(
      'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.+/= \u00e9',
    );
    await fc.assert(
      fc.asyncProperty(
        fc.nat(good.length - 1),
        fc.constantFrom(...characters),
        fc.constantFrom('replace', 'insert', 'delete'),
        async (at, character, how) => {
          const rest = good.slice(how === 'insert' ? at : at + 1);
          const mutated = good.slice(0, at) + (how === 'delete' ? '' : character) + rest;
          fc.pre(mutated !== good);
          // A space before a token is no part of it.
          fc.pre(mutated.trim() !== good);
          await assert.rejects(server.check(bearer(mutated)), PushRefused);
        },
      ),
      { numRuns: 2_000 },
    );
  });

  it('is refused, whatever stands in it, if a stranger signed it', async () => {
    const server = new KeyServer();
    await fc.assert(
      fc.asyncProperty(fc.object(), fc.object(), async (header, body) => {
        const token = signed({ ...HEADER, ...header }, { ...claims, ...body }, stranger);
        await assert.rejects(server.check(token), PushRefused);
      }),
    );
  });

  it('never stands in an error', async () => {
    const tokens = [signToken(claims, stranger), signToken({ ...claims, aud: 'their-secret' }, google)];
    for (const token of tokens) {
      await assert.rejects(new KeyServer().check(bearer(token)), (error: Error) => {
        for (const part of [...token.split('.'), 'their-secret']) assert.ok(!error.message.includes(part));
        return true;
      });
    }
  });
});

describe("Google's keys", () => {
  const token = bearer(signToken(claims, google));
  const newToken = bearer(signToken(claims, next));

  it('are asked for once, by however many pushes', async () => {
    const server = new KeyServer();
    await Promise.all(Array.from({ length: 20 }, () => server.check(token)));
    await server.check(token);
    assert.equal(server.asked, 1);
  });

  it('are kept for as long as Google says', async () => {
    const server = new KeyServer();
    await server.check(token);
    server.time = 19_999_000;
    await server.check(token);
    assert.equal(server.asked, 1);
    server.time = 20_001_000;
    await server.check(token);
    assert.equal(server.asked, 2);
  });

  it('are asked for again when a token names one that is new', async () => {
    const server = new KeyServer();
    await server.check(token);
    server.time += 2 * MINUTE_MS;
    server.keys = [google, next];
    await server.check(newToken);
    assert.equal(server.asked, 2);
  });

  it('do not count any more when Google has taken them back', async () => {
    const server = new KeyServer();
    await server.check(token);
    server.keys = [next];
    server.time = 20_001_000;
    await refuses(token, /no such key/, server);
    await server.check(newToken);
  });

  it('are asked for once a minute at most, whatever keys are made up', async () => {
    const server = new KeyServer();
    const made = Array.from({ length: 20 }, (_, at) => signed({ ...HEADER, kid: `made-up-${at}` }, claims));
    for (const each of made) await refuses(each, /no such key/, server);
    assert.equal(server.asked, 1);
    server.time += MINUTE_MS;
    await Promise.allSettled(made.map((each) => server.check(each)));
    assert.equal(server.asked, 2);
  });

  it('that cannot be had are no refusal, so that the push is sent again', async () => {
    const server = new KeyServer();
    server.down = true;
    await assert.rejects(server.check(token), KeysUnavailable);
    server.down = false;
    server.time += 5_000;
    await server.check(token);
    server.time += 20_000_000;
    server.status = 503;
    await assert.rejects(server.check(token), KeysUnavailable, 'a key that is too old was used');
  });

  it('are not asked for by each push while they cannot be had', async () => {
    const server = new KeyServer();
    server.down = true;
    for (let push = 0; push < 20; push++) await assert.rejects(server.check(token), KeysUnavailable);
    assert.equal(server.asked, 1);
  });

  it('that nobody can read are passed over, or cannot be had if there are no others', async () => {
    const server = new KeyServer();
    const bad = [
      null,
      7,
      {},
      { kty: 'RSA', kid: 'one' },
      { kty: 'oct', kid: 'one', k: 'c2VjcmV0' },
      { ...publicJwk(google), use: 'enc' },
      { ...publicJwk(google), alg: 'RS512' },
    ];
    server.body = JSON.stringify({ keys: [...bad, publicJwk(next)] });
    await server.check(newToken);
    await refuses(token, /no such key/, server);
    for (const body of ['', 'not JSON', 'null', '[]', '{}', '{"keys":{}}', JSON.stringify({ keys: bad })]) {
      const other = new KeyServer();
      other.body = body;
      await assert.rejects(other.check(token), KeysUnavailable, body);
    }
  });
});
