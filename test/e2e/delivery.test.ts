// Real mails in a real Dovecot run real workflows in a real n8n.
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { Dovecot } from '../support/dovecot';
import { rawMail } from '../support/mails';
import { N8n } from '../support/n8n';
import { Sink } from '../support/sink';
import { until } from '../support/until';
import { sinkWorkflow } from '../support/workflows';

describe('mail in a real n8n', { timeout: 15 * 60_000 }, () => {
  let dovecot: Dovecot;
  let n8n: N8n;
  let sink: Sink;

  before(async () => {
    dovecot = await Dovecot.start();
    sink = await Sink.start();
    n8n = await N8n.start();
  });
  after(async () => {
    await n8n.dispose();
    await sink.close();
    await dovecot.dispose();
  });
  beforeEach(() => {
    sink.deliveries.length = 0;
    sink.accepted.length = 0;
    sink.answer = () => 200;
  });

  const published = async (user: string, options = {}): Promise<string> => {
    const id = await sinkWorkflow(n8n, sink, dovecot.login(user), options);
    await n8n.api.publish(id);
    await n8n.watching(id);
    return id;
  };

  it('runs the workflow once, with the subject, the text and the attachment byte for byte', async () => {
    const id = await published('first', { withAttachment: true });
    const content = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 31 + (i >> 8)) % 256));
    const mail = rawMail({
      subject: 'Grüße',
      text: 'Zwölf Boxkämpfer',
      attachment: { name: 'all-bytes.bin', content },
    });
    await dovecot.append('first', [mail.replace('Grüße', '=?utf-8?B?R3LDvMOfZQ==?=')]);
    await until('the mail is done', () =>
      n8n.events().some((event) => event.workflow === id && event.state === 'DONE'),
    );
    const [delivered, ...more] = sink.deliveries;
    assert.deepEqual(more, []);
    assert.ok(delivered);
    assert.equal(delivered.subject, 'Grüße');
    assert.equal(delivered.text.trim(), 'Zwölf Boxkämpfer');
    assert.ok(delivered.attachment.equals(content), 'the attachment');
    assert.equal(delivered.attempt, 1);
    assert.match(delivered.idempotencyKey, /^[0-9a-f]{40}$/);
  });
});
