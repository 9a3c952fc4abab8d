// The SMTP logins of credentials: what is read of n8n's own and of ours, and a token that is refreshed where no node runs, by a
// provider over HTTP.
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { passwordOf, smtpAccount } from '../../nodes/host/outgoing/smtp-credential';
import { tokenOutside } from '../../nodes/host/outgoing/token-outside';
import { OAuthServer } from '../support/oauth';

describe('an SMTP login', () => {
  const OFFICE = { name: 'Office', type: 'smtp' };
  const account = (data: object, of = OFFICE) => {
    const { credential, ...read } = smtpAccount({ host: 'mail.example.com', port: 587, ...data }, of);
    assert.match(credential, /^"Office" \(/);
    return read;
  };
  const plain = { host: 'mail.example.com', port: 587, user: '', clientName: '' };

  it("is what n8n's own credential says, and encrypted unless that says otherwise", () => {
    assert.deepEqual(account({}), { ...plain, secure: true, startTls: 'required' });
    assert.deepEqual(account({ secure: false }), { ...plain, secure: false, startTls: 'required' });
    const without = account({ secure: false, disableStartTls: true, hostName: ' shop.example.com ' });
    assert.deepEqual(without, { ...plain, secure: false, startTls: 'never', clientName: 'shop.example.com' });
    assert.equal(account({ user: ' ann ' }).user, 'ann');
    assert.equal(passwordOf({ user: '', password: '' }), null);
    assert.equal(passwordOf({}), null);
    assert.deepEqual(passwordOf({ user: 'ann', password: '' }), { password: '' });
    assert.deepEqual(passwordOf({ user: 'ann', password: ' p ' }), { password: ' p ' });
  });

  it('by OAuth2 is encrypted in any case, and knows where the large providers take mail', () => {
    const by = (data: object) =>
      account(
        { user: 'ann@example.com', disableStartTls: true, ...data },
        { ...OFFICE, type: 'durableSmtpOAuth2Api' },
      );
    const { host, port, secure, startTls } = by({ provider: 'microsoft', host: 'elsewhere', secure: true });
    assert.deepEqual([host, port, secure, startTls], ['smtp.office365.com', 587, false, 'required']);
    assert.equal(by({}).host, 'smtp.gmail.com');
    const other = by({ provider: 'other', secure: false });
    assert.deepEqual([other.host, other.secure, other.startTls], ['mail.example.com', false, 'required']);
  });

  it('that can never work is said with the field and the credential', () => {
    for (const [data, type, words] of [
      [{ host: ' ' }, 'smtp', /^Host is empty in the credential "Office" \(SMTP\)\.$/],
      [{ port: 'x' }, 'smtp', /^Port in the credential "Office"/],
      [
        { provider: 'other', user: '' },
        'durableSmtpOAuth2Api',
        /^Email Address is empty in the credential "Office"/,
      ],
    ] as const)
      assert.throws(() => account(data, { name: 'Office', type }), { message: words });
  });
});

describe('an access token, where no node runs', () => {
  let provider: OAuthServer;
  let ids = 0;
  before(async () => void (provider = await OAuthServer.start()));
  afterEach(() => void Object.assign(provider, { lifetime: 3600, rotates: false, refreshed: 0 }));
  after(() => provider.close());

  const credential = () => ({ id: `c${++ids}`, name: 'Office', type: 'durableSmtpOAuth2Api' });
  const data = (token: Record<string, string>) => ({
    ...{
      provider: 'other',
      otherAccessTokenUrl: provider.tokenUrl,
      clientId: 'n8n',
      clientSecret: 'client-secret',
    },
    oauthTokenData: token,
  });
  const ended = (refresh = provider.grant()) =>
    data({
      access_token: 'ended-token',
      refresh_token: refresh,
      n8n_expires_at: String(Date.now() + 59_000),
    });
  const ask = (
    of: ReturnType<typeof data>,
    by: ReturnType<typeof credential>,
    rejected?: string,
  ): Promise<string> => tokenOutside(of, by, new AbortController().signal, rejected);

  it('is the stored one, while it lasts, and the server takes it', async () => {
    const access_token = provider.issue('ann');
    const good = data({
      access_token,
      refresh_token: provider.grant(),
      n8n_expires_at: String(Date.now() + 120_000),
    });
    const by = credential();
    assert.equal(await ask(good, by), access_token);
    assert.equal(provider.refreshed, 0);
    const fresh = await ask(good, by, access_token);
    assert.equal(provider.userOf(fresh), 'ann');
    assert.equal(await ask(good, by, access_token), fresh, 'the one that there is by now');
    assert.equal(provider.refreshed, 1);
  });

  it('is refreshed once for all who ask, before it ends', async () => {
    const [of, by] = [ended(), credential()];
    const [one, other] = await Promise.all([ask(of, by), ask(of, by)]);
    assert.equal(provider.userOf(one), 'ann');
    assert.deepEqual([other, await ask(of, by)], [one, one]);
    assert.equal(provider.refreshed, 1);
    // Somebody has signed in anew.
    assert.notEqual(await ask(ended(), by), one);
  });

  it('is refreshed with what the provider gave last', async () => {
    Object.assign(provider, { rotates: true, lifetime: 30 });
    const [of, by] = [ended(), credential()];
    for (const time of [1, 2, 3]) {
      assert.equal(provider.userOf(await ask(of, by)), 'ann');
      assert.equal(provider.refreshed, time);
    }
  });

  it('that is not to be had is said in plain words, with the credential, and without what is secret', async () => {
    const revoked = ended();
    provider.revoke();
    const away = { ...ended(), otherAccessTokenUrl: 'http://127.0.0.1:9/' };
    for (const [of, words] of [
      [
        revoked,
        /the credential "Office" \(Durable SMTP OAuth2 API\) cannot be refreshed\. Open it in n8n, and sign in/,
      ],
      [away, /the provider of the credential "Office" .* could not be asked/],
      [data({}), /the credential "Office" .* is not connected\. Open it in n8n/],
    ] as const)
      await assert.rejects(ask(of, credential()), (error: Error) => {
        assert.match(error.message, words);
        assert.doesNotMatch(error.message, /ended-token|client-secret|expired or revoked/);
        return true;
      });
  });
});
