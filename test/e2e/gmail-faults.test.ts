// The Durable Gmail Trigger in a real n8n, through all that makes other triggers miss or repeat a mail: none is lost,
// none runs twice, none runs that should not. With WRITE_DOCS=1 it writes docs/gmail-faults.md.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Cleanup } from '../support/cleanup';
import { killOutsideTheWindow } from '../support/counted';
import { FakeGmail } from '../support/gmail/fake';
import { FORGERIES } from '../support/gmail/push';
import { assertWhole, GmailInN8n } from '../support/gmail-in-n8n';
import { type GmailRow, rowLine, writeGmailTable } from '../support/gmail-table';
import { N8n } from '../support/n8n';
import { until } from '../support/until';

const PUSHER = 'pusher@project.iam.gserviceaccount.com';
const TOPIC = 'projects/project/topics/mail';
const KILLS = 6;
/** More would only wait for their share of n8n, each with its deadline running. */
const AT_ONCE = 8;

interface Scenario {
  readonly what: string;
  readonly run: (life: GmailInN8n) => Promise<void>;
}

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** They do not mind one another: each has an account and a workflow of its own. */
const SIDE_BY_SIDE: readonly Scenario[] = [
  {
    what: 'A mail every second',
    run: async (life) => {
      await life.publish();
      for (let mail = 0; mail < 15; mail++) {
        life.deliver(1);
        await wait(1_000);
      }
    },
  },
  {
    what: 'A burst of 200 mails within two seconds',
    run: async (life) => {
      await life.publish();
      for (let part = 0; part < 10; part++) {
        life.deliver(20);
        await wait(200);
      }
    },
  },
  {
    what: 'Mails of the same millisecond, before and after a look at the account',
    run: async (life) => {
      const id = await life.publish();
      const internalDate = Date.now();
      life.deliver(10, () => ({ internalDate }));
      await until('the first have run', () => life.ran(id) === 10, 120_000);
      life.deliver(10, () => ({ internalDate }));
    },
  },
  {
    what: 'Mails dated ten years ago, and a year from now',
    run: async (life) => {
      await life.publish();
      const year = 365 * 86_400_000;
      life.deliver(10, (index) => ({ internalDate: Date.now() + (index % 2 === 0 ? -10 : 1) * year }));
    },
  },
  {
    what: 'A scheduled mail, its sending, drafts and their changes, spam: none of them is received',
    run: async (life) => {
      await life.publish();
      const { account } = life;
      const scheduled = account.schedule({ subject: 'later' });
      account.draft({ subject: 'a draft, saved again' }, account.draft({ subject: 'a draft' }));
      account.deliver({ subject: 'spam', labels: ['SPAM', 'UNREAD'] });
      life.deliver(3);
      await wait(8_000);
      account.sendScheduled(scheduled);
      account.send({ subject: 'sent at once' });
      life.deliver(2);
    },
  },
  {
    what: 'Mails that get the label of the filter later, by a person or a filter; spam that is none',
    run: async (life) => {
      const label = life.account.label('Orders');
      const labelled = await life.publish({ parameters: { filters: { labelIds: [label] } } });
      const all = await life.publish();
      const mails = Array.from({ length: 6 }, (_, index) =>
        life.account.deliver({ subject: `mail ${index}` }),
      );
      const spam = life.account.deliver({ subject: 'no spam', labels: ['SPAM', 'UNREAD'] });
      life.expect(mails, all);
      await until('they have run', () => life.ran(all) === 6, 120_000);
      for (const id of mails.slice(0, 3)) life.account.addLabels(id, label);
      life.expect(mails.slice(0, 3), labelled);
      life.account.removeLabels(spam, 'SPAM');
      life.account.addLabels(spam, 'INBOX');
      life.expect([spam], all);
    },
  },
  {
    what: 'Mails deleted before they could be read, among others',
    run: async (life) => {
      await life.publish();
      for (let mail = 0; mail < 10; mail++) {
        const gone = life.account.deliver({ subject: 'gone' });
        life.account.deleteForever(gone);
        life.deliver(1);
      }
    },
  },
  {
    what: 'The history comes in pages, unordered and repeated, and a page fails midway',
    run: async (life) => {
      await life.publish();
      Object.assign(life.account.behaviour, { pageLimit: 5, unordered: true, repeated: true });
      life.account.fail('history.list', { status: 500, times: 2, afterMatching: 2, laterPage: true });
      life.deliver(40);
    },
  },
  {
    what: '401: the access token has ended',
    run: async (life) => {
      const id = await life.publish();
      life.deliver(3);
      await until('the first have run', () => life.ran(id) === 3, 120_000);
      life.account.expireTokens();
      life.deliver(5);
    },
  },
  {
    what: '403 (rateLimitExceeded) ten times',
    run: async (life) => {
      await life.publish();
      life.account.fail('messages.get', { status: 403, reason: 'rateLimitExceeded', times: 10 });
      life.deliver(20);
    },
  },
  {
    what: '429, with and without Retry-After',
    run: async (life) => {
      await life.publish();
      life.account.fail('messages.get', { status: 429, times: 2, retryAfter: 2 });
      life.account.fail('history.list', { status: 429, times: 2 });
      life.deliver(20);
    },
  },
  {
    what: '500 and 503, again and again',
    run: async (life) => {
      await life.publish();
      life.account.fail('history.list', { status: 503, times: 3 });
      life.account.fail('messages.get', { status: 500, times: 12 });
      life.deliver(20);
    },
  },
  {
    what: '400 (failedPrecondition) again and again: it passes, and nobody is told',
    run: async (life) => {
      const id = await life.publish();
      const precondition = { status: 400, reason: 'failedPrecondition' };
      life.account.fail('history.list', { ...precondition, times: 3 });
      life.account.fail('messages.get', { ...precondition, times: 12 });
      life.deliver(20);
      await until('they have run', () => life.ran(id) === 20, 300_000);
      assert.deepEqual(await life.told(id, /Gmail/), []);
    },
  },
  {
    what: 'Hang-ups: connections reset, half an answer, no answer at all',
    run: async (life) => {
      await life.publish();
      life.account.fail('messages.get', { reset: true, times: 4 });
      life.account.fail('history.list', { malformed: true, times: 1 });
      life.account.fail('history.list', { hang: true, times: 1, afterMatching: 1 });
      life.deliver(20);
    },
  },
  {
    what: 'One mail can never be read; the others are not held up',
    run: async (life) => {
      const id = await life.publish({ options: { retrySchedule: '1s' } });
      const poison = life.account.deliver({ subject: 'poison' });
      life.account.fail('messages.get', { status: 500, messageId: poison, times: Infinity });
      life.deliver(10);
      await until('the others have run', () => life.ran(id) === 10, 180_000);
    },
  },
  {
    what: 'Two workflows with different filters on one account',
    run: async (life) => {
      const ann = await life.publish({ parameters: { filters: { sender: 'ann@example.com' } } });
      const unread = await life.publish({ parameters: { filters: { q: 'subject:invoice' } } });
      for (let mail = 0; mail < 6; mail++) {
        const from = mail % 2 === 0 ? 'ann@example.com' : 'bob@example.com';
        const subject = mail % 3 === 0 ? `invoice ${mail}` : `letter ${mail}`;
        const id = life.account.deliver({ from, subject });
        if (mail % 2 === 0) life.expect([id], ann);
        if (mail % 3 === 0) life.expect([id], unread);
      }
    },
  },
  {
    what: 'Push: forged tokens are refused with 401, the true one wakes the trigger',
    run: async (life) => {
      const id = await life.publish({
        parameters: {
          notifications: 'push',
          pubsubTopic: TOPIC,
          pushServiceAccount: PUSHER,
        },
        // So rarely that the mail would come too late by itself.
        options: { pollEvery: 3_600, certificatesUrl: life.gmail.certificatesUrl },
      });
      const [trigger] = (await life.n8n.api.workflow(id)).nodes as [{ webhookId: string }];
      const endpoint = `${life.n8n.api.base}/webhook/${trigger.webhookId}/gmail-push`;
      const target = { endpoint, serviceAccount: PUSHER };
      const { push, pubsub } = life.gmail;
      const { address, historyId } = life.account;
      const units = life.account.spent();
      for (const forgery of FORGERIES)
        assert.equal(await push.post(target, address, historyId, forgery), 401, forgery);
      assert.equal(life.account.spent(), units, 'a forged call costs nothing');
      pubsub.subscribe('projects/project/subscriptions/mail', TOPIC, target);
      life.deliver(5);
      await until('the push was taken', () => push.sent.some(({ status }) => status < 300), 60_000);
    },
  },
];

/** Each has n8n for itself, since n8n is stopped or killed. */
const ONE_BY_ONE: readonly Scenario[] = [
  {
    what: 'A clean restart right after publishing, mails in the meantime',
    run: async (life) => {
      await life.n8n.api.publish(await life.workflow());
      await life.n8n.down();
      life.deliver(5);
      await life.n8n.up();
      life.deliver(2);
    },
  },
  {
    what: 'n8n is stopped while 100 mails arrive',
    run: async (life) => {
      await life.publish();
      await life.n8n.down();
      life.deliver(100);
      await life.n8n.up();
    },
  },
  {
    what: 'n8n is stopped for so long that the history has expired',
    run: async (life) => {
      const id = await life.publish();
      life.deliver(5);
      await until('the first have run', () => life.ran(id) === 5, 120_000);
      await life.n8n.down();
      life.deliver(40);
      life.account.expireHistory();
      life.deliver(5);
      await life.n8n.up();
    },
  },
  {
    what: `n8n is killed (SIGKILL) ${KILLS} times`,
    run: async (life) => {
      const retrySchedule = Array.from({ length: 15 }, () => '1s').join(', ');
      const id = await life.publish({ guarded: true, options: { retrySchedule } });
      const sink = life.sink(id);
      sink.answer = async () => {
        await wait(300);
        return 200;
      };
      for (let kill = 0; kill < KILLS; kill++) {
        const seen = sink.deliveries.length;
        life.deliver(15);
        await until('runs are under way', () => sink.deliveries.length >= seen + 3, 120_000, 20);
        await killOutsideTheWindow(life.n8n, life.n8n.main);
        life.deliver(2);
        await life.n8n.up();
      }
    },
  },
];

describe('mail in Gmail', { timeout: 30 * 60_000 }, () => {
  const cleanup = new Cleanup();
  const rows: GmailRow[] = [];
  let gmail: FakeGmail;
  let n8n: N8n;
  let accounts = 0;

  before(async () => {
    gmail = await cleanup.of(FakeGmail.start());
    n8n = await cleanup.of(N8n.start(gmail.n8nEnvironment));
  });
  after(async () => {
    await cleanup.run();
    if (process.env['WRITE_DOCS'] !== '1') return;
    const whats = [...SIDE_BY_SIDE, ...ONE_BY_ONE].map(({ what }) => what);
    assert.equal(rows.length, whats.length, 'the table is written whole or not at all');
    await writeGmailTable(rows, whats);
  });

  const runs = ({ what, run }: Scenario): void => {
    it(`runs each mail once: ${what}`, async (test) => {
      const life = new GmailInN8n(n8n, gmail, `user${++accounts}@example.com`);
      try {
        await run(life);
        const row = { what, ...(await life.tally()) };
        test.diagnostic(rowLine(row));
        rows.push(row);
        assertWhole(row);
      } finally {
        await life.close();
      }
    });
  };

  describe('side by side', { concurrency: AT_ONCE }, () => SIDE_BY_SIDE.forEach(runs));
  describe('one by one', () => ONE_BY_ONE.forEach(runs));
});
