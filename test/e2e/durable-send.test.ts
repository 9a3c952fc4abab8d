// Durable Send in a real n8n, with a real SMTP server that does wrong what servers do wrong.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { headerBlock, readHeaders } from '../../engine/mail/headers';
import { parseMail } from '../../engine/mail/parse';
import { Authority } from '../support/authority';
import { BOUNCED_ID, exchangeOnline } from '../support/bounces';
import { Cleanup } from '../support/cleanup';
import { Dovecot } from '../support/dovecot';
import {
  type Credentials,
  durableSend,
  oauthCredential,
  smtpCredential,
  storedEntries,
} from '../support/durable-send';
import { rawMail } from '../support/mails';
import { N8n } from '../support/n8n';
import { OAuthServer, signIn } from '../support/oauth';
import { Sink } from '../support/sink';
import { FaultySmtp, type Taken } from '../support/smtp';
import { until } from '../support/until';
import { type Link, mailWorkflow, postTo, type Step } from '../support/workflows';

const PATIENCE_MS = 120_000;

describe('Durable Send', { timeout: 15 * 60_000 }, () => {
  const cleanup = new Cleanup();
  let dovecot: Dovecot;
  let n8n: N8n;
  let smtp: FaultySmtp;
  let sink: Sink;
  let authority: Authority;
  let credentials: Credentials;
  let users = 0;

  before(async () => {
    dovecot = await cleanup.of(Dovecot.start());
    smtp = await FaultySmtp.start();
    await cleanup.of(Promise.resolve({ close: () => smtp.stop() }));
    sink = await cleanup.of(Sink.start());
    authority = await cleanup.of(Authority.make());
    n8n = await cleanup.of(N8n.start({ NODE_EXTRA_CA_CERTS: authority.file }));
    credentials = await smtpCredential(n8n, smtp);
  });
  after(() => cleanup.run());

  /** What the step handed on, to the sink: as `text`. */
  const tell: Step = postTo(
    { url: '' } as Sink,
    {
      subject: "={{ $('Mail').item.json.subject }}",
      attempt: "={{ $('Mail').item.json.delivery.attempt }}",
      text: '={{ JSON.stringify($json) }}',
    },
    {},
    'Tell',
  );
  const told = (): Step => ({ ...tell, parameters: { ...tell.parameters, url: sink.url } });

  /** A published workflow that begins with a mail of that subject. @returns its id */
  async function begun(
    subject: string,
    steps: readonly Step[],
    { retrySchedule = '1s, 1s, 1s', goesWrong = (): void => undefined, links = [] as readonly Link[] } = {},
  ): Promise<string> {
    smtp.faults = {};
    smtp.wire.cuts = () => null;
    smtp.accepted.length = 0;
    sink.reset();
    const user = `sender${++users}`;
    const id = await mailWorkflow(n8n, dovecot.login(user), steps, { options: { retrySchedule }, links });
    await n8n.api.publish(id);
    await n8n.watching(id);
    goesWrong();
    await dovecot.append(user, [rawMail({ subject })]);
    return id;
  }

  const settled = (id: string): Promise<{ state: string; attempt: number; lastError: string | null }> =>
    until(
      'the mail is settled',
      async () =>
        (await n8n.events()).find((event) => event.workflow === id && /DONE|DEAD/.test(event.state)),
      PATIENCE_MS,
    );

  const entryOf = async (subject: string): ReturnType<typeof storedEntries> =>
    (await storedEntries(n8n)).filter((entry) => entry.subject === `To ${subject}`);

  /** Whatever n8n keeps of the newest execution. */
  const execution = async (id: string, status: string): Promise<string> => {
    const [newest] = await until('it has run', async () => {
      const found = (await n8n.api.executions()).filter(({ workflowId }) => workflowId === id);
      return found[0]?.status === status && found;
    });
    return JSON.stringify(await n8n.api.request('GET', `/rest/executions/${newest!.id}`));
  };

  // The first: nothing is published.
  it('says at once that nobody sends what is queued in the background, until somebody does', async () => {
    const steps = [durableSend(credentials, { sending: 'background' }), told()];
    const id = await mailWorkflow(n8n, dovecot.login('alone'), steps);
    await dovecot.append('alone', [rawMail({ subject: 'alone' })]);
    await n8n.api.runManually(id, 'Mail');
    assert.match(await execution(id, 'success'), /The email waits: .* and none is\. Publish a workflow/);
    assert.deepEqual([(await entryOf('alone'))[0]!.state, smtp.accepted.length], ['QUEUED', 0]);
    await n8n.api.publish(id);
    await until('it is sent', async () => (await entryOf('alone'))[0]!.state === 'SENT', PATIENCE_MS);
    assert.equal(smtp.accepted.length, 1);
  });

  it('takes over the parameters of the built-in node, and sends the same mail', async () => {
    const parameters = {
      ...{ fromEmail: 'Shop <shop@example.com>', toEmail: 'Ann <ann@example.com>, bob@example.com' },
      ...{ subject: "={{ $('Mail').item.json.subject }}", emailFormat: 'both' },
      ...{ text: 'Grüße', html: '<p>Grüße</p>' },
      options: {
        ...{ ccEmail: 'cc@example.com', bccEmail: 'bcc@example.com', replyTo: 'help@example.com' },
        appendAttribution: false,
      },
    };
    const step = { ...durableSend(credentials), parameters };
    const builtIn = { ...step, name: 'Built-in', type: 'n8n-nodes-base.emailSend' };
    const durable = {
      ...step,
      parameters: { ...parameters, options: { ...parameters.options, thread: 'never' } },
    };
    const id = await begun('swap', [builtIn, durable, told()]);
    assert.equal((await settled(id)).state, 'DONE');
    const [one, other] = smtp.accepted as [Taken, Taken];
    assert.deepEqual(other.to, one.to);
    const shown = async ({ raw }: Taken): Promise<unknown> => {
      const { text, html } = await parseMail(raw, {} as never);
      const fields = [...readHeaders(headerBlock(raw))].filter(
        ([name]) => !/^(message-id|date|content-type)$/.test(name),
      );
      return { text, html, fields: fields.sort() };
    };
    assert.deepEqual(await shown(other), await shown(one));
    const item = JSON.parse(sink.deliveries[0]!.text) as Record<string, unknown>;
    assert.deepEqual(item['accepted'], one.to);
    assert.deepEqual(item['rejected'], []);
    assert.deepEqual(item['envelope'], { from: 'shop@example.com', to: one.to });
    assert.match(item['response'] as string, /^250 /);
    assert.equal(item['messageId'], other.messageId);
  });

  it('sends once where a later step fails, and hands the same answer to the retry', async () => {
    const id = await begun('once', [durableSend(credentials), told()]);
    sink.answer = (_, earlier) => (earlier === 0 ? 500 : 200);
    const { state, attempt } = await settled(id);
    assert.deepEqual([state, attempt], ['DONE', 2]);
    assert.equal(smtp.accepted.length, 1);
    const [first, again] = sink.deliveries.map(({ text }) => JSON.parse(text) as Record<string, unknown>);
    const { outbox, ...answer } = first as { outbox: Record<string, unknown> };
    assert.deepEqual(again, { ...answer, outbox: { ...outbox, repeated: true } });
    assert.equal(outbox['state'], 'SENT');
    // It answers the mail that it comes from.
    const headers = readHeaders(headerBlock(smtp.accepted[0]!.raw));
    assert.equal(headers.get('message-id')?.[0], answer['messageId' as never]);
  });

  it('goes on by itself where the server is away for longer than the run waits', async () => {
    const steps = [durableSend(credentials, { options: { waitSeconds: 0.5 } }), told()];
    const struck = smtp.struck;
    const id = await begun('away', steps, {
      retrySchedule: '4s, 4s, 4s, 4s',
      goesWrong: () => {
        // Whoever connects from now on is cut off, and those who are connected.
        smtp.wire.cuts = () => ({ of: 'server', octets: 1 });
        smtp.wire.cut();
      },
    });
    await until('it was tried', () => smtp.struck > struck, PATIENCE_MS);
    await until(
      'its run has failed',
      async () => (await n8n.events()).find((e) => e.workflow === id && e.failures > 0),
      PATIENCE_MS,
    );
    const [event] = (await n8n.events()).filter(({ workflow }) => workflow === id);
    assert.match(event!.lastError ?? '', /not sent within .* It is tried again by itself/);
    smtp.wire.cuts = () => null;
    assert.equal((await settled(id)).state, 'DONE');
    assert.equal(smtp.accepted.length, 1);
    assert.equal((await entryOf('away'))[0]!.state, 'SENT');
  });

  it('says that it is in doubt where the server had the mail and was cut off, and does not send again', async () => {
    const id = await begun('doubt', [durableSend(credentials), told()], {
      retrySchedule: '1s',
      goesWrong: () => (smtp.faults = { mail: 'afterEnd' }),
    });
    const { state, lastError } = await settled(id);
    assert.equal(state, 'DEAD');
    assert.match(lastError ?? '', /Nobody knows whether the email arrived/);
    assert.equal(smtp.accepted.length, 1);
    const [entry] = await entryOf('doubt');
    assert.equal(entry!.state, 'UNKNOWN');
    assert.equal(entry!.messageId, smtp.accepted[0]!.messageId);
  });

  it('hands what the server refuses for good to the error output, if there is one', async () => {
    const send = { ...durableSend(credentials), onError: 'continueErrorOutput' };
    const id = await begun('refused', [send, told(), { ...told(), name: 'Aside' }], {
      links: [{ from: 'Send', output: 1, to: 'Aside' }],
      goesWrong: () => (smtp.faults = { recipient: () => ({ code: 550, text: '5.1.1 No such user' }) }),
    });
    assert.equal((await settled(id)).state, 'DONE');
    assert.equal(sink.deliveries.length, 1, 'the other output has nothing');
    const { error, message } = JSON.parse(sink.deliveries[0]!.text) as Record<string, string>;
    assert.match(
      error!,
      /The email was not sent\. .* refused the mail for good \(550 5\.1\.1 No such user\)\./,
    );
    assert.match(message!, /not tried again by itself, nor by a retry of this run.* choose Retry/);
    assert.equal((await entryOf('refused'))[0]!.state, 'FAILED');
  });

  it('leaves it to the background, and goes on at once', async () => {
    const id = await begun('background', [durableSend(credentials, { sending: 'background' }), told()], {
      goesWrong: () => (smtp.faults = { slowMs: 1_000 }),
    });
    assert.equal((await settled(id)).state, 'DONE');
    const { outbox } = JSON.parse(sink.deliveries[0]!.text) as { outbox: { state: string } };
    assert.equal(outbox.state, 'QUEUED');
    await until('it is sent', async () => (await entryOf('background'))[0]?.state === 'SENT', PATIENCE_MS);
    assert.equal(smtp.accepted.length, 1);
  });

  it('has come back where the report of it comes to a trigger, with the reason', async () => {
    const id = await begun('returned', [durableSend(credentials), told()]);
    assert.equal((await settled(id)).state, 'DONE');
    const [sent] = await entryOf('returned');
    const report = exchangeOnline().toString('latin1').replaceAll(BOUNCED_ID, sent!.messageId!);
    await dovecot.append(`sender${users}`, [report]);
    const { lastError } = await until(
      'it came back',
      async () => (await entryOf('returned')).find(({ state }) => state === 'BOUNCED'),
      PATIENCE_MS,
    );
    assert.match(lastError!, /^It came back from bob@example\.org \(5\.1\.10: 550/);
  });

  describe('by OAuth2', () => {
    let provider: OAuthServer;
    let office: FaultySmtp;
    let send: (parameters?: object) => Step;

    before(async () => {
      provider = await cleanup.of(OAuthServer.start());
      office = await FaultySmtp.start({ ...(await authority.issue('127.0.0.1')), secure: true });
      await cleanup.of(Promise.resolve({ close: () => office.stop() }));
      office.takesToken = (token) => provider.userOf(token ?? '') !== undefined;
      const signedIn = await oauthCredential(n8n, office, provider);
      send = (more) => durableSend(signedIn, { authentication: 'durableSmtpOAuth2Api', ...more });
      // It ends before any mail is sent, and has been good once.
      provider.lifetime = 60;
      provider.rotates = true;
      const answer = await signIn(n8n, signedIn['durableSmtpOAuth2Api']!.id);
      assert.equal(answer.status, 200, await answer.text());
      provider.expire();
    });

    it('sends with a token that n8n refreshes for the run', async () => {
      assert.equal((await settled(await begun('token', [send(), told()]))).state, 'DONE');
      const [{ secure, client }] = office.accepted as [Taken];
      assert.deepEqual([secure, client, office.logins], [true, 'shop.example', ['XOAUTH2']]);
      assert.equal(provider.refreshed, 1);
    });

    it('sends with one that is refreshed outside of a run, after n8n was started anew, and n8n goes on with it', async () => {
      const options = { tries: 'own', connectionDelays: Array(20).fill(1).join() };
      const id = await begun('later', [send({ sending: 'background', options }), told()], {
        goesWrong: () => {
          office.wire.cuts = () => ({ of: 'server', octets: 1 });
          office.wire.cut();
        },
      });
      assert.equal((await settled(id)).state, 'DONE');
      await n8n.down();
      provider.expire();
      const { refreshed } = provider;
      office.wire.cuts = () => null;
      await n8n.up();
      await until('it is sent', async () => (await entryOf('later'))[0]?.state === 'SENT', PATIENCE_MS);
      assert.deepEqual([office.accepted.length, provider.refreshed], [2, refreshed + 1]);
      // What the provider takes but once is what n8n has now.
      provider.lifetime = 1;
      assert.equal((await settled(await begun('again', [send(), told()]))).state, 'DONE');
      assert.equal(provider.refreshed, refreshed + 2);
    });

    it('says with which credential somebody has to sign in, where the provider refuses', async () => {
      const steps = [send({ options: { waitSeconds: 2 } })];
      const goesWrong = (): void => {
        provider.revoke();
        provider.expire();
        office.wire.cut();
      };
      const { state, lastError } = await settled(
        await begun('revoked', steps, { retrySchedule: '1s', goesWrong }),
      );
      assert.equal(state, 'DEAD');
      assert.match(
        lastError ?? '',
        /not sent within 2 s.* rejected the login of "ann@example\.com" .* Reconnect the credential "Office by OAuth2" \(Durable SMTP OAuth2 API\)/,
      );
      assert.doesNotMatch(lastError ?? '', /client-secret|invalid_grant/);
    });
  });

  it('tells bad input before anything is queued', async () => {
    const id = await begun('bad', [durableSend(credentials, { toEmail: 'nobody' }), told()], {
      retrySchedule: '1s',
    });
    const { state, lastError } = await settled(id);
    assert.equal(state, 'DEAD');
    assert.match(lastError ?? '', /"To" holds what is no address: nobody/);
    assert.deepEqual(await entryOf('bad'), []);
  });
});
