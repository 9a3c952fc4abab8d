// What runs wait for that send now: how long, and what they are told, under the limit that a login has by default.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Entry } from '../../engine/ledger/outbox';
import { DEFAULT_MAIL_LIMITS } from '../../engine/outbox/mail/mail-request';
import type { Sender } from '../../engine/outbox/sender';
import { OutboxWorker } from '../../engine/outbox/worker';
import { ProcessWake } from '../../engine/signal/wake';
import { whyNotSent } from '../../nodes/host/outgoing/outcome';
import { sendNow, waitedFor } from '../../nodes/host/outgoing/sending';
import { silentLog } from '../support/log';
import { MemoryOutbox } from '../support/memory-outbox';
import { until } from '../support/until';

const { mostAMinute } = DEFAULT_MAIL_LIMITS;
const { signal } = new AbortController();

const entry = (more: Partial<Entry> = {}): Entry =>
  ({ id: 'a', state: 'QUEUED', tries: 0, dueAt: 0, lastError: null, restsUntil: null, ...more }) as Entry;

/** How long each time was that was waited, where the entry becomes these. */
async function times(became: readonly Partial<Entry>[], waitMs = 30_000, most = mostAMinute) {
  const waited: number[] = [];
  const outbox = {
    sendNow: async (_: unknown, { untilMs }: { untilMs: number }) => {
      waited.push(untilMs);
      return [entry(became[waited.length - 1])];
    },
  };
  await sendNow(outbox, [{ entry: entry() }], { waitMs, mostAMinute: most, signal });
  return waited;
}

describe('a run that sends now', () => {
  it('is not failed by a burst of others: its turn comes with the next minute', async () => {
    const outbox = new MemoryOutbox();
    const sender: Sender = {
      ...{ kind: 'mail', limits: () => DEFAULT_MAIL_LIMITS, inDoubt: () => 'aside' },
      schedule: () => ({ connection: [], refused: [] }),
      send: async (_, trying) => {
        await trying.handOver();
        return { end: 'sent', answer: '250 OK' };
      },
    };
    const senders = new Map([['mail', sender]]);
    const worker = new OutboxWorker({ ledger: outbox, wake: new ProcessWake(), log: silentLog, senders });
    const sent = (): number => outbox.rows.filter(({ state }) => state === 'SENT').length;
    const ended: (string | undefined)[] = [];
    const runs = Array.from({ length: 40 }, async (_, at) => {
      const [id] = outbox.enqueue([{ key: `${at}` }]);
      const [queued] = await outbox.entriesOf({ ids: [id!] });
      const waiting = { waitMs: 500, mostAMinute, signal };
      const known = await sendNow(worker, [{ entry: queued! }], waiting);
      ended.push(known.get(id!)?.state);
    });
    await until('the minute is used up', () => ended.length === 30);
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    assert.deepEqual([sent(), ended.length], [30, 30]);
    outbox.moveOn(60_000);
    await Promise.all(runs);
    assert.deepEqual([sent(), new Set(ended)], [40, new Set(['SENT'])]);
    await worker.close();
  });

  it('waits one minute more, and only where the limit may have held it', async () => {
    assert.deepEqual(await times([{}, {}]), [30_000, 65_000]);
    assert.deepEqual(await times([{}, { state: 'SENT' }]), [30_000, 65_000]);
    assert.deepEqual(await times([{ tries: 1, lastError: 'not now' }]), [30_000]);
    assert.deepEqual(await times([{ lastError: 'nobody has its login' }]), [30_000]);
    assert.deepEqual(await times([{ state: 'SENDING', tries: 1 }]), [30_000]);
    assert.deepEqual(await times([{ restsUntil: 1 }]), [30_000], 'its receiver has asked for a rest');
    assert.deepEqual(await times([{}], 30_000, null), [30_000]);
    assert.deepEqual(await times([{}], 0), [0], 'who does not wait does not wait for the next minute');
  });

  it('is told of the limit, where that may have held it', () => {
    const told = (more: Partial<Entry>, most = mostAMinute): string => {
      const waited = waitedFor(entry(more), { waitMs: 30_000, mostAMinute: most });
      return whyNotSent(entry(more), { what: 'email', isFoundByRetry: true, goesOn: true }, waited)!.message;
    };
    assert.match(told({}), /not sent within 95 s\. It was not tried yet.* at most 30 do within a minute/);
    assert.match(
      told({ tries: 1, lastError: 'it is away' }),
      /within 30 s\. It is tried again.* it is away\.$/,
    );
    assert.match(told({}, null), /within 30 s\. It is tried again by itself\.$/);
  });
});
