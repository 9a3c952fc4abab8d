// Durable Send in a real n8n, with a real SMTP server that does wrong what servers do wrong.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { headerBlock, readHeaders } from '../../engine/mail/headers';
import { parseMail } from '../../engine/mail/parse';
import { Cleanup } from '../support/cleanup';
import { Dovecot } from '../support/dovecot';
import { type Credentials, durableSend, smtpCredential, storedEntries } from '../support/durable-send';
import { rawMail } from '../support/mails';
import { N8n } from '../support/n8n';
import { Sink } from '../support/sink';
import { FaultySmtp, type Taken } from '../support/smtp';
import { until } from '../support/until';
import { mailWorkflow, postTo, type Step } from '../support/workflows';

const PATIENCE_MS = 120_000;

describe('Durable Send', { timeout: 15 * 60_000 }, () => {
  const cleanup = new Cleanup();
  let dovecot: Dovecot;
  let n8n: N8n;
  let smtp: FaultySmtp;
  let sink: Sink;
  let credentials: Credentials;
  let users = 0;

  before(async () => {
    dovecot = await cleanup.of(Dovecot.start());
    smtp = await FaultySmtp.start();
    await cleanup.of(Promise.resolve({ close: () => smtp.stop() }));
    sink = await cleanup.of(Sink.start());
    n8n = await cleanup.of(N8n.start());
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
    { retrySchedule = '1s, 1s, 1s', goesWrong = (): void => undefined } = {},
  ): Promise<string> {
    smtp.faults = {};
    smtp.wire.cuts = () => null;
    smtp.accepted.length = 0;
    sink.reset();
    const user = `sender${++users}`;
    const id = await mailWorkflow(n8n, dovecot.login(user), steps, { options: { retrySchedule } });
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
