// A workflow that answers each mail by Durable Send and posts a webhook for it, and what went out.
import assert from 'node:assert/strict';
import type { Cleanup } from './cleanup';
import type { Dovecot } from './dovecot';
import { durableSend, smtpCredential, storedEntries } from './durable-send';
import { durableWebhook, signingCredential } from './durable-webhook';
import { rawMail } from './mails';
import type { N8n } from './n8n';
import { FaultySmtp } from './smtp';
import { until } from './until';
import type { IdempotentReceiver } from './webhook/idempotent';
import { mailWorkflow } from './workflows';

const USER = 'answered';

export interface Answering {
  append(count: number): Promise<void>;
  /** Some have gone out both ways. */
  isUnderWay(): boolean;
  /** Asserts that for each mail one email and one webhook went out. @returns the figures */
  allOut(): Promise<string>;
}

/** @param given the receiver of the webhooks, which n8n may ask; nothing else may be in the outbox */
export async function answering(given: {
  readonly n8n: N8n;
  readonly dovecot: Dovecot;
  readonly receiver: IdempotentReceiver;
  readonly cleanup: Cleanup;
}): Promise<Answering> {
  const { n8n, dovecot, receiver, cleanup } = given;
  const smtp = await FaultySmtp.start();
  await cleanup.of(Promise.resolve({ close: () => smtp.stop() }));
  smtp.faults = { slowMs: 40 };
  const answer = durableSend(await smtpCredential(n8n, smtp), {
    toEmail: "={{ $('Mail').item.json.subject }}@example.com",
    options: { mostAtOnce: 5, mostAMinute: 0 },
  });
  const post = durableWebhook(await signingCredential(n8n), receiver.receiver.url());
  const id = await mailWorkflow(n8n, dovecot.login(USER), [answer, post], {
    options: { retrySchedule: Array.from({ length: 15 }, () => '5s').join(', '), mostInFlight: 5 },
  });
  await n8n.api.publish(id);
  await n8n.watching(id);
  const customers: string[] = [];
  return {
    append: async (count) => {
      const more = Array.from({ length: count }, (_, index) => `customer${customers.length + index}`);
      customers.push(...more);
      await dovecot.append(
        USER,
        more.map((subject) => rawMail({ subject })),
      );
    },
    isUnderWay: () => smtp.accepted.length > 3 && receiver.done.size > 3,
    allOut: async () => {
      await until(
        'every mail is answered',
        async () => {
          const events = (await n8n.events()).filter(({ workflow }) => workflow === id);
          return events.length === customers.length && events.every(({ state }) => state === 'DONE');
        },
        240_000,
        500,
      );
      const entries = await storedEntries(n8n);
      assert.equal(entries.length, 2 * customers.length);
      assert.deepEqual(
        entries.filter(({ state }) => state !== 'SENT'),
        [],
      );
      const answered = smtp.accepted.map(({ to }) => to[0]!.replace('@example.com', ''));
      assert.deepEqual(answered.sort(), [...customers].sort(), 'each customer got one answer');
      const posted = receiver.ids(({ mail }: { mail: string }) => mail);
      assert.deepEqual([...posted.keys()].sort(), [...customers].sort());
      assert.ok(
        [...posted.values()].every((ids) => ids.length === 1),
        'under one id each',
      );
      await n8n.api.unpublish(id);
      return `${customers.length} mails: ${answered.length} answers, ${posted.size} webhooks in ${receiver.tries} tries, of what was done ${receiver.known}`;
    },
  };
}
