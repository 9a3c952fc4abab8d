// The trigger's options in a real n8n: where it begins, what it takes, in which shape, from which mailboxes.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { Cleanup } from '../support/cleanup';
import { Dovecot } from '../support/dovecot';
import { rawMail } from '../support/mails';
import { N8n } from '../support/n8n';
import { TcpProxy } from '../support/net';
import { type Delivered, Sink } from '../support/sink';
import { until } from '../support/until';
import { errorWorkflow, mailWorkflow, postMail, postTo, type Step } from '../support/workflows';

const PATIENCE_MS = 90_000;

describe('the Durable IMAP Trigger', { timeout: 20 * 60_000 }, () => {
  const cleanup = new Cleanup();
  let dovecot: Dovecot;
  let n8n: N8n;
  let sink: Sink;
  let user: string;
  let users = 0;
  let workflows: string[];

  before(async () => {
    dovecot = await cleanup.of(Dovecot.start());
    sink = await cleanup.of(Sink.start());
    n8n = await cleanup.of(N8n.start());
  });
  after(() => cleanup.run());
  beforeEach(() => {
    user = `user${++users}`;
    workflows = [];
    sink.reset();
  });
  afterEach(async () => {
    for (const id of workflows) await n8n.api.unpublish(id);
  });

  const made = async (
    parameters: object = {},
    options: object = {},
    step: Step = postMail(sink),
    more: object = {},
  ): Promise<string> => {
    const id = await mailWorkflow(n8n, dovecot.login(user), [step], { parameters, options, ...more });
    workflows.push(id);
    return id;
  };

  const published = async (...settings: Parameters<typeof made>): Promise<string> => {
    const id = await made(...settings);
    await n8n.api.publish(id);
    await n8n.watching(id);
    return id;
  };

  const append = (...subjects: string[]): Promise<void> =>
    dovecot.append(
      user,
      subjects.map((subject) => rawMail({ subject })),
    );

  const ran = (...subjects: string[]): Promise<unknown> =>
    until(
      `${subjects.join(', ')} ran`,
      () => subjects.every((subject) => sink.counts().has(subject)),
      PATIENCE_MS,
    );

  const subjects = (): string[] => sink.deliveries.map(({ subject }) => subject).sort();

  const refusal = async (id: string): Promise<string> => {
    try {
      await n8n.api.publish(id);
    } catch (error) {
      return (error as Error).message;
    }
    throw new Error('It was published');
  };

  it('begins with the last mails that were there, as asked', async () => {
    await append('one', 'two', 'three', 'four');
    await published({ start: 'last', startCount: 2 });
    await ran('three', 'four');
    await append('five');
    await ran('five');
    assert.deepEqual(subjects(), ['five', 'four', 'three']);
  });

  it('begins with everything, as asked, and with it once only', async () => {
    await append('one', 'two');
    const id = await published({ start: 'everything' });
    await ran('one', 'two');
    await n8n.api.unpublish(id);
    await append('three');
    await n8n.api.publish(id);
    await ran('three');
    assert.deepEqual(Object.fromEntries(sink.counts()), { one: 1, two: 1, three: 1 });
  });

  it('skips what came while it was switched off, as asked, but nothing that came while n8n was down', async () => {
    const id = await published({}, { whileOff: 'skip' });
    await append('one');
    await ran('one');
    await n8n.api.unpublish(id);
    // n8n closes triggers in its own time.
    await until('it is off', async () => {
      const [source] = await n8n.ledger<{ connection: string }>(
        `select connection from source join subscription on source_id = source.id where workflow_id = '${id}'`,
      );
      return source!.connection === 'closed';
    });
    await append('while off');
    await n8n.api.publish(id);
    await n8n.watching(id);
    await append('two');
    await ran('two');
    await n8n.down();
    await append('while down');
    await n8n.up();
    await ran('while down');
    assert.deepEqual(subjects(), ['one', 'two', 'while down']);
  });

  it('takes what its filters let through', async () => {
    await published({ filters: { subject: '/^order \\d+$/i', from: 'ann@' } });
    await append('Order 7', 'order of the day', 'ORDER 8');
    await append('Order 9');
    await ran('Order 7', 'ORDER 8', 'Order 9');
    assert.deepEqual(subjects(), ['ORDER 8', 'Order 7', 'Order 9']);
  });

  it('takes what the email rules of the built-in trigger let through', async () => {
    await published(
      {},
      { customEmailConfig: '["UNSEEN", ["OR", ["SUBJECT", "Überweisung"], ["SUBJECT", "invoice"]]]' },
    );
    await append('=?utf-8?Q?=C3=9Cberweisung?=', 'your invoice', 'hello');
    const client = await dovecot.client(user);
    await client.append('INBOX', rawMail({ subject: 'invoice that was read' }), ['\\Seen']);
    await client.logout();
    await append('invoice at last');
    await ran('your invoice', 'Überweisung', 'invoice at last');
    assert.deepEqual(subjects(), ['invoice at last', 'your invoice', 'Überweisung']);
  });

  it('names the faulty part of a setting when the workflow is published', async () => {
    assert.match(await refusal(await made({}, { customEmailConfig: '["UNSEN"]' })), /UNSEN/);
    assert.match(await refusal(await made({ filters: { subject: '/(/' } })), /Subject/);
    assert.match(await refusal(await made({ postProcessAction: 'move', successMailbox: '' })), /Mailbox/);
  });

  it('reads several mailboxes, and those of a pattern that are made later, too', async () => {
    const client = await dovecot.client(user);
    for (const mailbox of ['Orders', 'Orders.2025', 'Other']) await client.mailboxCreate(mailbox);
    const step = postTo(sink, { subject: "={{ $('Mail').item.json.subject }}" });
    await published({ mailboxes: 'several', mailboxList: ['INBOX', 'Other'] }, {}, step);
    await published({ mailboxes: 'pattern', mailboxPattern: 'Orders*' }, {}, step);
    for (const mailbox of ['INBOX', 'Other', 'Orders', 'Orders.2025']) {
      await client.append(mailbox, rawMail({ subject: `to ${mailbox}` }));
    }
    await client.logout();
    await ran('to INBOX', 'to Other', 'to Orders', 'to Orders.2025');
    assert.equal(sink.deliveries.length, 4);
  });

  it('hands out the whole message, byte for byte, in the full format', async () => {
    const body = { sendBody: true, contentType: 'binaryData', inputDataFieldName: 'message' };
    await published({ format: 'message' }, {}, postMail(sink, 'Sink', body));
    const mail = rawMail({
      subject: 'whole',
      attachment: { name: 'a.bin', content: Buffer.alloc(2_000, 7) },
    });
    await dovecot.append(user, [mail]);
    await until('it ran', () => sink.deliveries.length === 1, PATIENCE_MS);
    assert.equal(sink.deliveries[0]!.attachment.toString('latin1'), mail);
  });

  it('hands out an attachment of 30 MB byte for byte', async () => {
    const body = { sendBody: true, contentType: 'binaryData', inputDataFieldName: 'attachment_0' };
    await published({ downloadAttachments: true }, {}, postMail(sink, 'Sink', body));
    const content = Buffer.alloc(30 * 1024 * 1024);
    for (let at = 0; at < content.length; at += 4) content.writeUInt32LE((at * 2_654_435_761) % 2 ** 32, at);
    await dovecot.append(user, [rawMail({ subject: 'large', attachment: { name: 'large.bin', content } })]);
    await until('it ran', () => sink.deliveries.length === 1, PATIENCE_MS);
    const digest = (data: Buffer): string => createHash('sha256').update(data).digest('hex');
    assert.equal(digest(sink.deliveries[0]!.attachment), digest(content));
  });

  it('hands out the headers and the size of a mail above its limit', async () => {
    const fact = (name: string): string => `={{ $('Mail').item.json.${name} }}`;
    const step = postTo(sink, { subject: fact('subject'), text: fact('truncated'), uid: fact('size') });
    await published({}, { truncateAbove: 1 }, step);
    const mail = rawMail({ subject: 'too large', text: 'x'.repeat(1_100_000) });
    await dovecot.append(user, [mail]);
    await ran('too large');
    const [{ text, uid }] = sink.deliveries as [Delivered];
    assert.equal(text, 'true');
    assert.equal(uid, mail.length);
  });

  it('tells of an outage when it has lasted as long as was asked, and when it is over', async () => {
    const errors = await cleanup.of(Sink.start());
    const proxy = await TcpProxy.to(dovecot.port);
    const login = dovecot.login(user, { port: proxy.port });
    const id = await mailWorkflow(n8n, login, [postMail(sink)], {
      options: { reportAfter: 0.1, reportOver: true },
      settings: { errorWorkflow: await errorWorkflow(n8n, errors) },
    });
    workflows.push(id);
    await n8n.api.publish(id);
    await n8n.watching(id);
    const { port } = proxy;
    await proxy.close();
    const told = (what: RegExp): number => errors.deliveries.filter(({ text }) => what.test(text)).length;
    await until('the outage is told', () => told(/is not being read/) > 0, PATIENCE_MS);
    await append('meanwhile');
    const back = await TcpProxy.to(dovecot.port, port);
    await ran('meanwhile');
    await until('its end is told', () => told(/is being read again/) > 0, PATIENCE_MS);
    assert.deepEqual([told(/is not being read/), told(/is being read again/)], [1, 1]);
    await n8n.api.unpublish(id);
    workflows.pop();
    await back.close();
  });
});
