// The trigger's options for the content of mails: what the ledger keeps, and what a run reads from the server.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { rawMail } from '../../support/mails';
import { until } from '../../support/until';
import { postMail } from '../../support/workflows';
import { type Bench, chain, holdUp, PATIENCE_MS } from './bench';

export function storedContentTests(bench: Bench): void {
  describe('the trigger', () => {
    const attachment = { sendBody: true, contentType: 'binaryData', inputDataFieldName: 'attachment_0' };

    it('keeps the content of a mail for as long as it is told', async () => {
      const id = await bench.publishedMail([postMail(bench.later)], chain('Mail', 'Sink'), {
        keepContentDays: 1,
      });
      await bench.append('kept');
      await bench.isNow(id, 'DONE');
      assert.equal((await contents(id)).length, 1);
    });

    it('stores no mail above its limit: the run reads it from the server, byte for byte', async () => {
      const content = Buffer.from(Array.from({ length: 200_000 }, (_, i) => (i * 31 + (i >> 8)) % 256));
      let stored = -1;
      bench.later.answer = async () => {
        stored = (await contents(id)).length;
        return 200;
      };
      const id = await bench.publishedMail(
        [postMail(bench.later, 'Sink', attachment)],
        chain('Mail', 'Sink'),
        {
          storeUpTo: 0,
        },
      );
      await bench.dovecot.append(bench.user, [
        rawMail({ subject: 'large', attachment: { name: 'all-bytes.bin', content } }),
      ]);
      await bench.isNow(id, 'DONE');
      assert.equal(stored, 0);
      assert.equal(bench.later.deliveries.length, 1);
      assert.ok(bench.later.deliveries[0]!.attachment.equals(content), 'the attachment');
    });

    it('whose mail is neither stored nor on the server any more: GONE, and nothing runs', async () => {
      const finish = holdUp(bench.later);
      const id = await bench.publishedMail([postMail(bench.later)], chain('Mail', 'Sink'), {
        storeUpTo: 0,
        mostInFlight: 1,
      });
      await bench.append('takes long', 'deleted');
      await until('the first runs', () => bench.later.deliveries.length === 1, PATIENCE_MS);
      await bench.isNow(id, 'RUNNING', 'PENDING');
      const client = await bench.dovecot.client(bench.user);
      await client.mailboxOpen('INBOX');
      await client.messageDelete({ subject: 'deleted' });
      await client.logout();
      finish();
      await bench.isNow(id, 'DONE', 'GONE');
      assert.deepEqual([...bench.later.counts()], [['takes long', 1]]);
    });

    const contents = (workflow: string): Promise<object[]> =>
      bench.n8n.ledger(`
        select message_id from content
        where message_id in (
          select message_id from event join subscription on subscription.id = subscription_id
          where workflow_id = '${workflow}')`);
  });
}
