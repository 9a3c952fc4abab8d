// Random dialogues: whatever a server says besides, and whatever it fails to say for a while, each mail that stays is recorded
// once, whole or after three tries without content, and the mailbox goes on. DURABLE_MAIL_DIALOGUES=1000 tries more,
// DURABLE_MAIL_DIALOGUE='{…}' one that failed.
import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { type Dialogue, dialogue, Speaker } from '../../support/scripted-imap/dialogue';
import { ascending, numbers } from '../../support/scripted-imap/expected';
import { scriptedMail } from '../../support/scripted-imap/mail';
import { WatchedScript } from '../../support/scripted-imap/watched';

const DIALOGUES = Number(process.env['DURABLE_MAIL_DIALOGUES'] ?? 60);
const AT_ONCE = 12;
/** Of a server that falls silent; and how often one without IDLE is asked. */
const TIMES = { heartbeatMs: 3_000, pollMs: 500, commandMs: 3_000 };
/** Some faults, with the waits between connections, and a machine that has other things to do. */
const PATIENCE_MS = 120_000;

async function hold(held: Dialogue): Promise<{ connections: number; committed: number }> {
  const { capabilities, batches } = held;
  const speaker = new Speaker(held);
  const options = { capabilities, times: TIMES, join: { reading: { commandMs: TIMES.commandMs } } };
  let outcome = { connections: 0, committed: 0 };
  await WatchedScript.with({ ...options, isPolled: !capabilities.includes('IDLE') }, async (scene) => {
    const { server } = scene;
    server.script = speaker.script;
    const deleted = new Set<number>();
    for (const { arrive, deleteNth, pauseMs } of batches) {
      const from = server.uidNext;
      scene.arrive(...numbers(from, from + arrive - 1));
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
      // The last mail stays, so that no UID is used twice.
      const nth = deleteNth === null ? undefined : server.mails.slice(0, -1)[deleteNth];
      if (nth && nth.uid > 2) {
        deleted.add(nth.uid);
        server.expunge(nth.uid);
      }
    }
    const must = numbers(3, server.uidNext - 1).filter((uid) => !deleted.has(uid));
    const missing = (): number[] => must.filter((uid) => !scene.uids.includes(uid));
    await scene.recordedAll(missing, PATIENCE_MS);
    const last = await scene.oneMore(PATIENCE_MS);
    const found = ascending(scene.uids);
    assert.equal(new Set(found).size, found.length, 'repeated');
    assert.deepEqual(
      found.filter((uid) => !deleted.has(uid)),
      [...must, last],
    );
    const mails = await scene.mails();
    assert.equal(new Set(mails.map(({ identity }) => identity)).size, mails.length);
    for (const { uid, content, subject } of mails) {
      if (content) assert.ok(content.equals(scriptedMail(uid).raw), `mail ${uid} is whole`);
      if (content) assert.equal(subject, `mail ${uid}`);
    }
    const withheld = mails.filter(({ content, uid }) => !content && !deleted.has(uid));
    assert.ok(withheld.length <= Math.floor(speaker.committed / 3), `${withheld.length} without content`);
    outcome = { connections: server.connections, committed: speaker.committed };
  });
  return outcome;
}

it('a dialogue with a server loses and repeats nothing', { timeout: 30 * 60_000 }, async (test) => {
  const seed = Number(process.env['DURABLE_MAIL_SEED'] ?? Date.now() % 1_000_000_000);
  test.diagnostic(`DURABLE_MAIL_SEED=${seed}`);
  const one = process.env['DURABLE_MAIL_DIALOGUE'];
  const dialogues = one ? [JSON.parse(one) as Dialogue] : fc.sample(dialogue, { numRuns: DIALOGUES, seed });
  let [connections, committed] = [0, 0];
  const failures: string[] = [];
  const holdSome = async (): Promise<void> => {
    for (let held = dialogues.pop(); held; held = dialogues.pop()) {
      try {
        const outcome = await hold(held);
        connections += outcome.connections;
        committed += outcome.committed;
      } catch (error) {
        failures.push(`${JSON.stringify(held)}: ${(error as Error).message}`);
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, holdSome));
  test.diagnostic(`${DIALOGUES} dialogues, ${committed} faults, ${connections} connections`);
  assert.deepEqual(failures, []);
  if (!one) assert.ok(committed > DIALOGUES / 4, 'faults were committed');
});
