// How the Durable Gmail Trigger logs in, and what people are told when it cannot.
import assert from 'node:assert/strict';
import { assertWhole, type GmailInN8n } from '../../support/gmail-in-n8n';
import { credentialOf, gmailCredential, reconnect, Robot } from '../../support/gmail-workflow';
import type { OAuthClient } from '../../support/gmail/oauth';
import { until } from '../../support/until';
import { become, type Does, MORE_PATIENCE_MS, PATIENCE_MS } from './scenario';

async function stateOf({ account, n8n }: GmailInN8n): Promise<string | undefined> {
  const [source] = await n8n.ledger<{ state: string }>(
    `select state from source where account = '${account.address}'`,
  );
  return source?.state;
}

export function logins(does: Does): void {
  does('reads the mail of whom a service account acts for', async (life) => {
    const { gmail, n8n } = life;
    const { address } = life.account;
    const robot = new Robot(gmail, 'reader');
    robot.mayActFor(address);
    await life.publish({
      parameters: { authentication: 'serviceAccount' },
      options: { tokenUrl: gmail.tokenUrl },
      credentials: { googleApi: await robot.credential(n8n, address) },
    });
    life.deliver(1);
    assertWhole(await life.tally());
  });

  does(
    'tells what to allow a service account that may not act for the account, and goes on then',
    async (life) => {
      const { gmail, n8n } = life;
      const { address } = life.account;
      const robot = new Robot(gmail, 'stranger');
      const id = await life.workflow({
        parameters: { authentication: 'serviceAccount' },
        options: { tokenUrl: gmail.tokenUrl },
        credentials: { googleApi: await robot.credential(n8n, address) },
      });
      await n8n.api.publish(id);
      const told = await life.isTold(id, /no access/);
      for (const part of [robot.email, address, 'Domain-wide delegation', 'auth/gmail.modify'])
        assert.ok(told.includes(part), `it says ${part}`);
      assert.doesNotMatch(told, /PRIVATE KEY|ya29\./);
      assert.deepEqual(await n8n.api.triggers(id), ['activated']);
      life.deliver(1);
      robot.mayActFor(address);
      assertWhole(await life.tally(MORE_PATIENCE_MS));
      assert.equal((await life.told(id, /no access/)).length, 1, 'it is told once');
    },
  );

  does('goes on by itself when a person has signed in anew, and tells once if nobody does', async (life) => {
    const { account, gmail, n8n } = life;
    const id = await life.publish();
    life.deliver(1);
    await life.hasRun(id, 1);
    gmail.oauth.revoke(account.address);
    await until('it is noticed', async () => (await stateOf(life)) === 'retry_scheduled', PATIENCE_MS);
    life.deliver(2);
    await reconnect(n8n, gmail, await credentialOf(n8n, id), account.address);
    await life.hasRun(id, 3);
    assert.deepEqual(await life.told(id, /./), [], 'nobody need know');

    gmail.oauth.revoke(account.address);
    const told = await life.isTold(id, /Reconnect it/);
    assert.ok(told.includes(`The Gmail account ${account.address} is not being read`));
    assert.doesNotMatch(told, /client-secret|ya29\.|1\/\//);
    assert.deepEqual(await n8n.api.triggers(id), ['activated']);
    life.deliver(2);
    await reconnect(n8n, gmail, await credentialOf(n8n, id), account.address);
    // It looks again by itself, but only after minutes.
    await n8n.api.unpublish(id);
    await n8n.api.publish(id);
    assertWhole(await life.tally());
    assert.equal((await life.told(id, /Reconnect it/)).length, 1, 'it is told once');
  });

  does(
    'reads and acts with the credential of another workflow of the account, and tells whose own is at fault',
    async (life) => {
      const { account, gmail, n8n } = life;
      const { address } = account;
      const credential = (
        name: string,
        project: string,
        client: OAuthClient,
      ): ReturnType<typeof gmailCredential> =>
        gmailCredential(n8n, gmail, address, {
          name,
          clientId: `${project}-app.apps.googleusercontent.com`,
          client,
        });
      const [fine, broken]: [OAuthClient, OAuthClient] = [{}, {}];
      // The one that joined first is asked first.
      const own = await life.publish({
        credentials: { gmailOAuth2: await credential(`Broken ${address}`, '2222', broken) },
      });
      const other = await life.publish({
        credentials: { gmailOAuth2: await credential(`Fine ${address}`, '1111', fine) },
        parameters: { postProcessAction: 'read' },
      });
      const before = life.account.deliver({ subject: 'before' });
      life.expect([before]);
      await become(life, before, ['INBOX']);

      broken.forbidden = 'accessNotConfigured';
      const after = life.account.deliver({ subject: 'after' });
      life.expect([after]);
      await become(life, after, ['INBOX']);
      const told = await life.isTold(own, /Turn on the Gmail API/);
      assert.ok(told.includes(`Broken ${address}`), 'it says which credential');
      assert.ok(
        told.includes('with the credentials of other workflows only'),
        'and that mail is read all the same',
      );
      assert.doesNotMatch(told, /is not being read/);
      assertWhole(await life.tally());
      assert.deepEqual(await life.told(other, /./), [], 'nobody else is told');
      assert.equal((await life.told(own, /./)).length, 1, 'once');
    },
  );
}
