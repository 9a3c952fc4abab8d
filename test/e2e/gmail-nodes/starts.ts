// Where the Durable Gmail Trigger begins in an account that has mail.
import assert from 'node:assert/strict';
import { assertWhole, type GmailInN8n } from '../../support/gmail-in-n8n';
import { type Does, MINUTE_MS, MORE_PATIENCE_MS } from './scenario';

/** The newest come first, in whatever order they could be read. */
const FIRST = 50;

/** Sixty mails, a minute apart, the newest first. */
function sixty({ account }: GmailInN8n): string[] {
  const begin = Date.now() - 61 * MINUTE_MS;
  const mails = Array.from({ length: 60 }, (_, index) =>
    account.deliver({ subject: `old ${index}`, internalDate: begin + index * MINUTE_MS }),
  );
  return mails.reverse();
}

const order = (life: GmailInN8n, id: string): string[] => life.sink(id).accepted.map(({ text }) => text);

export function starts(does: Does): void {
  for (const [what, parameters, count] of [
    ['the last 5 of 60 mails', () => ({ start: 'last', startCount: 5 }), 5],
    [
      'the mails since a date',
      () => ({ start: 'since', startDate: new Date(Date.now() - 21.5 * MINUTE_MS).toISOString() }),
      20,
    ],
    ['everything', () => ({ start: 'everything' }), 60],
  ] as const) {
    does(`begins with ${what}, the newest 50 first, each once, and goes on with what comes`, async (life) => {
      const older = sixty(life).slice(0, count);
      const id = await life.publish({ parameters: parameters(), options: { mostInFlight: 1 } });
      life.expect(older);
      await life.hasRun(id, count, MORE_PATIENCE_MS);
      assert.deepEqual(new Set(order(life, id).slice(0, FIRST)), new Set(older.slice(0, FIRST)));
      life.deliver(2);
      assertWhole(await life.tally());
    });
  }
}
