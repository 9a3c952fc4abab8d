// How the Durable Gmail Trigger hears of mail over Pub/Sub, where nobody can call n8n.
import assert from 'node:assert/strict';
import { assertWhole } from '../../support/gmail-in-n8n';
import { Robot } from '../../support/gmail-workflow';
import { until } from '../../support/until';
import { type Does, PATIENCE_MS } from './scenario';

const TOPIC = 'projects/project/topics/mail';

export function notices(does: Does): void {
  does(
    'hears of a mail over Pub/Sub, and acknowledges the notice when the mail is recorded',
    async (life) => {
      const { account, gmail, n8n } = life;
      const subscription = 'projects/project/subscriptions/pulled';
      gmail.pubsub.subscribe(subscription, TOPIC);
      const robot = new Robot(gmail, 'puller');
      const id = await life.publish({
        parameters: { notifications: 'pull', pubsubTopic: TOPIC, pubsubSubscription: subscription },
        // So rarely that the mail would come too late by itself.
        options: { pollEvery: 3_600, tokenUrl: gmail.tokenUrl },
        credentials: { googleApi: await robot.credential(n8n) },
      });
      const watched = await until('it is watched', () => gmail.pubsub.watched(account.address), PATIENCE_MS);
      await until(
        'the ledger shows until when',
        async () => {
          const [source] = await n8n.ledger<{ notified: number | null }>(
            `select notified_until as notified from source where account = '${account.address}'`,
          );
          return source?.notified === watched.expiration;
        },
        PATIENCE_MS,
      );
      const slow = account.fail('messages.get', { slowMs: 4_000, times: 1 });
      life.deliver(1);
      assert.equal(gmail.pubsub.waiting(subscription), 1, 'the notice is there');
      await until('the mail is being read', () => slow.struck === 1, PATIENCE_MS);
      assert.equal(gmail.pubsub.waiting(subscription), 1, 'and kept while the mail is read');
      await until('it is acknowledged', () => gmail.pubsub.waiting(subscription) === 0, PATIENCE_MS, 5);
      assert.equal((await life.events(id)).length, 1, 'the mail is recorded by then');
      assertWhole(await life.tally());
      assert.deepEqual(await life.told(id, /./), []);
    },
  );
}
