// What goes out to a receiver that knows an id again counts once: over connections cut at any point, answers that never come, and
// processes killed in the middle. None is lost.
import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, it } from 'node:test';
import { openSqliteLedger } from '../../engine/ledger/sqlite/sqlite-ledger';
import { ownSchedule } from '../../engine/outbox/webhook/webhook-request';
import { until } from '../support/until';
import { queuedWebhook } from '../support/webhook/due';
import { Receiver } from '../support/webhook/receiver';

const WEBHOOKS = 120;
const KILLS = 4;
const PROCESS = join(__dirname, '..', 'support', 'webhook', 'sender-process.ts');

const running = new Set<ChildProcess>();

async function start(file: string): Promise<ChildProcess> {
  const child = fork(PROCESS, [file], {
    execArgv: ['--import', 'tsx'],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  running.add(child);
  await once(child, 'message');
  return child;
}

/** As if their minute were over: they are to be taken anew. */
function lapse(file: string): number {
  const database = new DatabaseSync(file);
  try {
    database.exec('pragma busy_timeout = 5000');
    const { changes } = database
      .prepare(`update outgoing set lease_until = 1 where state = 'SENDING' and lease_until is not null`)
      .run();
    return Number(changes);
  } finally {
    database.close();
  }
}

describe('Webhooks over cuts and crashes', () => {
  it('a receiver that counts ids has each webhook once, and none is lost', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'durable-mail-webhooks-'));
    const file = join(folder, 'ledger.sqlite');
    await using receiver = await Receiver.open();
    const ledger = await openSqliteLedger(file);
    const effects = new Map<string, number>();
    const counts = { cutBefore: 0, cutAfter: 0, repeated: 0, inFlight: 0 };
    receiver.meeting = (socket) => {
      if (Math.random() >= 0.15) return false;
      counts.cutBefore++;
      socket.destroy();
      return true;
    };
    receiver.answering = (response, { headers }, socket) => {
      const id = String(headers['webhook-id']);
      if (effects.has(id)) counts.repeated++;
      else effects.set(id, 1);
      const dice = Math.random();
      if (dice < 0.15) {
        counts.cutAfter++;
        socket.destroy();
      } else if (dice < 0.25) response.writeHead(500).end();
      else setTimeout(() => response.end('taken'), Math.random() * 60);
    };
    try {
      const schedule = ownSchedule(Array.from({ length: 60 }, () => 20));
      const entries = await Promise.all(
        Array.from({ length: WEBHOOKS }, (_, number) =>
          queuedWebhook(receiver.url(), { key: `key-${number}`, request: { schedule, timeoutMs: 2_000 } }),
        ),
      );
      await ledger.enqueue(entries);
      const sent = async (): Promise<number> => (await ledger.countEntries()).completed;
      for (let kill = 1; kill <= KILLS; kill++) {
        const child = await start(file);
        const goal = Math.floor((WEBHOOKS * kill) / (KILLS + 2));
        await until(`${goal} are sent`, async () => (await sent()) >= goal, 60_000, 20);
        child.kill('SIGKILL');
        await once(child, 'exit');
        counts.inFlight += lapse(file);
      }
      const last = await start(file);
      const stood = await until(
        'all are sent',
        async () => {
          const now = await ledger.countEntries();
          return now.completed === WEBHOOKS && now;
        },
        60_000,
      );
      last.kill('SIGKILL');
      await once(last, 'exit');
      const wanted = entries.map(({ key }) => `msg_${key}`).sort();
      assert.deepEqual([...effects.keys()].sort(), wanted);
      assert.deepEqual([stood.failed, stood.unknown, stood.active], [0, 0, 0]);
      // Else nothing was tried of what this is for.
      for (const [what, count] of Object.entries(counts)) assert.ok(count > 0, `${what} never happened`);
    } finally {
      for (const child of running) child.kill('SIGKILL');
      await ledger.close();
      await rm(folder, { recursive: true });
    }
  });
});
