// The Durable Gmail Trigger in a real n8n, as a user sees it: what starts it, what a workflow gets, what becomes of a mail,
// where it begins, how it logs in and is notified, and what people are told when that breaks. In one n8n, side by side.
import { after, before, describe, it } from 'node:test';
import { Cleanup } from '../support/cleanup';
import { FakeGmail } from '../support/gmail/fake';
import { GmailInN8n } from '../support/gmail-in-n8n';
import { N8n } from '../support/n8n';
import { endings } from './gmail-nodes/endings';
import { events } from './gmail-nodes/events';
import { items } from './gmail-nodes/items';
import { logins } from './gmail-nodes/logins';
import { notices } from './gmail-nodes/notices';
import { type Does, MINUTE_MS } from './gmail-nodes/scenario';
import { starts } from './gmail-nodes/starts';

/** More of them would only wait for one another's share of n8n, each with its deadline running. */
const SIDE_BY_SIDE = 8;

describe('the Durable Gmail Trigger', { concurrency: SIDE_BY_SIDE, timeout: 15 * MINUTE_MS }, () => {
  const cleanup = new Cleanup();
  let gmail: FakeGmail;
  let n8n: N8n;
  let accounts = 0;

  before(async () => {
    gmail = await cleanup.of(FakeGmail.start());
    n8n = await cleanup.of(N8n.start(gmail.n8nEnvironment));
  });
  after(() => cleanup.run());

  const does: Does = (what, run) => {
    it(what, async () => {
      const life = new GmailInN8n(n8n, gmail, `user${++accounts}@example.com`);
      try {
        await run(life);
      } finally {
        await life.close();
      }
    });
  };

  for (const part of [events, endings, items, starts, logins, notices]) part(does);
});
