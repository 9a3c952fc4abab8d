// What a workflow gets of a mail in Gmail, in each format; and what a test by hand shows.
import assert from 'node:assert/strict';
import { until } from '../../support/until';
import { postTo } from '../../support/workflows';
import { become, labels, type Does, MINUTE_MS, PATIENCE_MS, postWhole } from './scenario';

export function items(does: Does): void {
  does('hands out the simplified fields of the built-in trigger, and its own', async (life) => {
    const { account } = life;
    const orders = account.label('Orders');
    const id = await life.publish({ posting: postWhole });
    const internalDate = Date.now() - MINUTE_MS;
    const mail = account.deliver({
      from: 'Anna Sender <anna@example.com>',
      to: account.address,
      subject: '=?utf-8?Q?=C3=9Cberweisung?=',
      text: 'Two lamps',
      labels: ['INBOX', 'UNREAD', orders],
      headers: { Cc: 'carl@example.com' },
      internalDate,
    });
    await life.hasRun(id, 1);
    const [{ delivery, historyId, ...item }] = life.items(id) as [Record<string, unknown>];
    assert.deepEqual(item, {
      id: mail,
      threadId: mail,
      snippet: 'Two lamps',
      payload: { mimeType: 'text/plain' },
      sizeEstimate: account.message(mail)!.raw.length,
      internalDate: String(internalDate),
      labels: [
        { id: 'INBOX', name: 'INBOX' },
        { id: 'UNREAD', name: 'UNREAD' },
        { id: orders, name: 'Orders' },
      ],
      From: 'Anna Sender <anna@example.com>',
      To: account.address,
      Cc: 'carl@example.com',
      Subject: 'Überweisung',
    });
    assert.equal(historyId, String(account.message(mail)!.historyId));
    const { eventId, attempt, idempotencyKey, receivedAt } = delivery as Record<string, unknown>;
    const [event] = await life.events(id);
    assert.deepEqual([eventId, attempt], [event!.id, 1]);
    assert.equal(typeof idempotencyKey, 'string');
    assert.equal(receivedAt, new Date(internalDate).toISOString());
  });

  does('hands out the whole mail taken apart, its attachment byte for byte', async (life) => {
    const { account } = life;
    const file = { sendBody: true, contentType: 'binaryData', inputDataFieldName: 'file_0' };
    const id = await life.publish({
      parameters: { simple: false },
      options: { downloadAttachments: true, dataPropertyAttachmentsPrefixName: 'file_' },
      posting: (sink) => [postTo(sink, { subject: 'file' }, file, 'File'), ...postWhole(sink)],
    });
    const content = Buffer.from(Array.from({ length: 20_000 }, (_, at) => (at * 2_654_435_761) >>> 11));
    const mail = account.deliver({
      subject: 'with a file',
      text: 'See the file.',
      attachment: { name: 'order.bin', content },
    });
    const { accepted } = life.sink(id);
    await until('both steps have run', () => accepted.length === 2, PATIENCE_MS);
    const [sent, whole] = accepted as [(typeof accepted)[0], (typeof accepted)[0]];
    assert.ok(sent.attachment.equals(content), 'byte for byte');
    const item = JSON.parse(whole.attachment.toString()) as Record<string, unknown>;
    const { subject, text, labelIds, from, headers } = item;
    assert.deepEqual([item['id'], subject, text], [mail, 'with a file', 'See the file.\n']);
    assert.deepEqual(labelIds, ['UNREAD', 'INBOX']);
    assert.equal((from as { text: string }).text, '"Ann Sender" <ann@example.com>');
    assert.equal((headers as { subject: string }).subject, 'Subject: with a file');
    assert.ok('delivery' in item);
  });

  does('hands out the raw mail as the API gives it', async (life) => {
    const { account } = life;
    const id = await life.publish({ parameters: { simple: false, format: 'raw' }, posting: postWhole });
    const mail = account.deliver({ subject: 'raw', text: 'Grüße' });
    await life.hasRun(id, 1);
    const [{ raw, labelIds }] = life.items(id) as [{ raw: string; labelIds: string[] }];
    assert.deepEqual(Buffer.from(raw, 'base64url'), account.message(mail)!.raw);
    assert.deepEqual(labelIds, ['UNREAD', 'INBOX']);
  });

  does('shows the newest mail that fits in a manual test, and changes nothing', async (life) => {
    const { account } = life;
    const id = await life.publish({
      parameters: { filters: { sender: 'shop@example.com' }, postProcessAction: 'read' },
      posting: postWhole,
    });
    const from = 'Shop <shop@example.com>';
    account.deliver({ subject: 'order 1', from });
    const newest = account.deliver({ subject: 'order 2', from });
    account.deliver({ subject: 'a letter' });
    await life.hasRun(id, 2);
    await become(life, newest, ['INBOX']);
    account.addLabels(newest, 'UNREAD');
    // The other one's run may have told of it and not have ended yet.
    const areDone = async (): Promise<boolean> =>
      (await life.events(id)).every(({ state }) => state === 'DONE');
    await until('both runs have ended', areDone, PATIENCE_MS);
    const before = await life.events(id);
    await life.n8n.api.runManually(id, 'Mail');
    const { delivery, ...shown } = await until('it is shown', () => life.items(id)[2], PATIENCE_MS);
    assert.equal((delivery as { eventId: string }).eventId, 'manual-test');
    assert.deepEqual([shown['id'], shown['Subject']], [newest, 'order 2']);
    life.deliver(1, () => ({ from }));
    await until('the next one has run', () => life.items(id).length === 4, PATIENCE_MS);
    assert.deepEqual((await life.events(id)).slice(0, before.length), before);
    assert.equal((await life.events(id)).length, before.length + 1);
    assert.deepEqual(labels(life, newest), ['INBOX', 'UNREAD']);
  });
}
