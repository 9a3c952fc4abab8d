// A login by OAuth2 in a real n8n: signed in as a person would, refreshed by n8n, at a real Dovecot.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Cleanup } from '../support/cleanup';
import { Dovecot } from '../support/dovecot';
import { rawMail } from '../support/mails';
import { N8n } from '../support/n8n';
import { TcpProxy } from '../support/net';
import { OAuthServer, signIn } from '../support/oauth';
import { Sink } from '../support/sink';
import { until } from '../support/until';
import { mailWorkflow, postMail } from '../support/workflows';

const TYPE = 'durableImapOAuth2Api';

describe('a login by OAuth2 in a real n8n', { timeout: 10 * 60_000 }, () => {
  const cleanup = new Cleanup();
  let provider: OAuthServer;
  let dovecot: Dovecot;
  let proxy: TcpProxy;
  let sink: Sink;
  let n8n: N8n;
  let id: string;
  let credential: string;

  before(async () => {
    provider = await cleanup.of(OAuthServer.start());
    dovecot = await cleanup.of(Dovecot.start({ introspectionUrl: provider.introspectionUrl }));
    proxy = await cleanup.of(TcpProxy.to(dovecot.port));
    sink = await cleanup.of(Sink.start());
    n8n = await cleanup.of(N8n.start());
    const login = dovecot.login('ann', { port: proxy.port, startTls: 'never' });
    const { host, port, secure, startTls, user } = login;
    id = await mailWorkflow(n8n, login, [postMail(sink)], {
      authentication: TYPE,
      credential: {
        ...provider.credential,
        ...{ host, port, secure, startTls, user },
      },
    });
    const [trigger] = (await n8n.api.workflow(id)).nodes as [{ credentials: Record<string, { id: string }> }];
    credential = trigger.credentials[TYPE]!.id;
  });
  after(() => cleanup.run());

  const signedIn = async (): Promise<void> => {
    const answer = await signIn(n8n, credential);
    assert.equal(answer.status, 200, await answer.text());
  };

  const arrives = async (subject: string, deadlineMs = 60_000): Promise<void> => {
    await dovecot.append('ann', [rawMail({ subject })]);
    const has = (): boolean => sink.accepted.some((delivered) => delivered.subject === subject);
    await until(`"${subject}" arrives`, async () => has(), deadlineMs);
  };

  const errors = async (): Promise<string> => {
    const failed = (await n8n.api.executions()).filter(({ status }) => status === 'error');
    const details = failed.map((execution) => n8n.api.request('GET', `/rest/executions/${execution.id}`));
    return JSON.stringify(await Promise.all(details));
  };

  it('is refused when published before anybody has signed in', async () => {
    await assert.rejects(n8n.api.publish(id), /not connected\. Open it, and sign in/);
    await n8n.api.unpublish(id);
  });

  it('begins with what the credential asks for', async () => {
    await signedIn();
    const [asked] = provider.asked;
    assert.deepEqual(
      ['scope', 'client_id', 'prompt'].map((name) => asked?.get(name)),
      ['mail offline', 'n8n', 'consent'],
    );
  });

  it('runs the workflow for a new mail', async () => {
    await n8n.api.publish(id);
    await n8n.watching(id);
    await arrives('with the first token');
    assert.equal(provider.refreshed, 0);
  });

  it('goes on by itself with a fresh token when the server rejects the stored one', async () => {
    provider.expire();
    proxy.cut();
    await arrives('with a refreshed token', 120_000);
    assert.ok(provider.refreshed > 0);
    assert.doesNotMatch(await errors(), /Reconnect/, 'nobody need do anything');
  });

  it('refreshes the token in a manual test, too', async () => {
    await n8n.api.unpublish(id);
    provider.lifetime = 60;
    await signedIn();
    const before = provider.refreshed;
    await n8n.api.runManually(id, 'Mail');
    await until('the manual test has run', async () => sink.accepted.length === 3);
    assert.ok(provider.refreshed > before, 'one that ends within a minute is not good enough');
  });

  it('tells a person to reconnect the credential when its access was revoked', async () => {
    provider.expire();
    provider.revoke();
    await n8n.api.publish(id);
    await until('it is reported', async () => /Reconnect/.test(await errors()), 120_000);
    assert.deepEqual(await n8n.api.triggers(id), ['activated']);
    assert.doesNotMatch(await errors(), /client-secret|access_token/);
  });
});
