// The access token of an account of the configuration: one request for all, kept while it lasts, and nothing of it in an error.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, beforeEach, describe, it } from 'node:test';
import { accessToken as tokenOf, type TokenSource } from '../../cli/config/access-token';
import { ImapFault } from '../../engine/imap/session/fault';

const accessToken = (who: string, source: TokenSource): ReturnType<typeof tokenOf> =>
  tokenOf(who, source, (kind, text, more) => new ImapFault(kind, text, more));

describe('the access token of an account', () => {
  let server: Server;
  let source: TokenSource;
  const asked: URLSearchParams[] = [];
  let answer: { status: number; body: unknown };

  before(async () => {
    server = createServer((request, response) => {
      let body = '';
      request.on('data', (data: Buffer) => (body += data.toString()));
      request.on('end', () => {
        asked.push(new URLSearchParams(body));
        response
          .writeHead(answer.status, { 'content-type': 'application/json' })
          .end(JSON.stringify(answer.body));
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const [clientSecret, refreshToken] = [{ value: 'client-secret' }, { value: 'first-refresh' }];
    source = { tokenUrl: `http://127.0.0.1:${port}/token`, clientId: 'us', clientSecret, refreshToken };
  });
  after(() => server.close());
  beforeEach(() => {
    asked.length = 0;
    answer = { status: 200, body: { access_token: 'access', expires_in: 3_600 } };
  });

  it('is asked for once by all, kept while it lasts, and anew where the server rejected it', async () => {
    const token = accessToken('ann', source);
    assert.deepEqual(await Promise.all([token(false), token(false)]), ['access', 'access']);
    await token(false);
    assert.equal(asked.length, 1);
    assert.deepEqual(Object.fromEntries(asked[0]!), {
      grant_type: 'refresh_token',
      refresh_token: 'first-refresh',
      client_id: 'us',
      client_secret: 'client-secret',
    });
    await token(true);
    assert.equal(asked.length, 2);
  });

  it('goes on with the refresh token that the provider hands out', async () => {
    answer.body = { access_token: 'access', refresh_token: 'second-refresh' };
    const token = accessToken('ann', source);
    await token(false);
    await token(true);
    assert.deepEqual(
      asked.map((form) => form.get('refresh_token')),
      ['first-refresh', 'second-refresh'],
    );
  });

  const fault = async (from: TokenSource): Promise<ImapFault> => {
    const error = await accessToken('The account ann', from)(false).catch((thrown: unknown) => thrown);
    assert.ok(error instanceof ImapFault);
    assert.doesNotMatch(error.message, /client-secret|first-refresh|shown by the provider/);
    return error;
  };

  it('says that a person has to sign in again, or that the provider is away', async () => {
    answer = { status: 400, body: { error: 'invalid_grant', error_description: 'shown by the provider' } };
    assert.deepEqual(
      [(await fault(source)).kind, /invalid_grant/.test((await fault(source)).message)],
      ['login', true],
    );
    answer = { status: 503, body: 'first-refresh' };
    assert.equal((await fault(source)).kind, 'unreachable');
    answer = { status: 200, body: null };
    assert.equal((await fault(source)).kind, 'unreachable');
    assert.equal((await fault({ ...source, tokenUrl: 'http://127.0.0.1:1/token' })).kind, 'unreachable');
    const { message, kind } = await fault({ ...source, refreshToken: { env: 'NOBODY_HAS_IT' } });
    assert.deepEqual(
      [kind, message],
      ['login', 'The account ann cannot log in: the environment variable NOBODY_HAS_IT is not set.'],
    );
  });
});
