// Mails, each answered by Durable Send behind a step that fails one time in five, while a process of n8n is killed again and again at
// random moments: the same in regular and in queue mode, and with a server that files what it sends, which is looked into.
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { Cleanup } from './cleanup';
import type { Dovecot } from './dovecot';
import { durableSend, filedIn, smtpCredential, type StoredEntry, storedEntries } from './durable-send';
import { rawMail } from './mails';
import type { N8n } from './n8n';
import type { N8nProcess } from './n8n-process';
import { Sink } from './sink';
import { FaultySmtp } from './smtp';
import { failAtRandom, inBatches } from './under-kills';
import { until } from './until';
import { mailWorkflow, postMail } from './workflows';

export interface Sending {
  readonly n8n: N8n;
  readonly dovecot: Dovecot;
  /** The process that is killed. */
  readonly victim: N8nProcess;
  readonly kills: number;
  readonly mails: number;
  /** The server files what it sends in a mailbox, and what is in doubt is looked for there. */
  readonly filed?: boolean;
}

/**
 * Asserts that each customer got one answer, or that its entry is UNKNOWN and says so: then it is one or none; none, where it was
 * looked for in Sent. Prints the figures.
 */
export async function sendUnderKills(
  t: TestContext,
  { n8n, dovecot, victim, kills, mails, filed = false }: Sending,
): Promise<void> {
  const cleanup = new Cleanup();
  try {
    const smtp = await FaultySmtp.start();
    await cleanup.of(Promise.resolve({ close: () => smtp.stop() }));
    // The moment in which nobody knows is as long as it may be.
    smtp.faults = { slowMs: 40 };
    const before = await cleanup.of(Sink.start());
    const after = await cleanup.of(Sink.start());
    const failed = failAtRandom([before, after], 0);
    const user = 'customers';
    const login = await smtpCredential(n8n, smtp);
    const sent = filed ? await cleanup.of(filedIn(dovecot, 'shop', n8n, smtp)) : null;
    const send = durableSend(
      { ...login, ...sent?.credentials },
      {
        toEmail: "={{ $('Mail').item.json.subject }}@example.com",
        options: { mostAtOnce: 10, mostAMinute: 0 },
        ...(filed && { lookInSent: 'imap' }),
      },
    );
    const steps = [postMail(before, 'May Fail Before'), send, postMail(after, 'May Fail After')];
    const retrySchedule = Array.from({ length: 8 }, () => '1s').join(', ');
    const id = await mailWorkflow(n8n, dovecot.login(user), steps, {
      options: { retrySchedule, mostInFlight: 10 },
    });
    await n8n.api.publish(id);
    await n8n.watching(id);
    const customers = Array.from({ length: mails }, (_, index) => `customer${index}`);
    const batches = inBatches(customers, kills);
    const append = (batch: number): Promise<void> =>
      dovecot.append(
        user,
        batches(batch).map((subject) => rawMail({ subject })),
      );
    await append(0);
    let cutOff = 0;
    for (let kill = 1; kill <= kills; kill++) {
      const seen = smtp.accepted.length;
      await until('answers go out', () => smtp.accepted.length >= seen + 2, 180_000, 5);
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 400));
      await victim.down('SIGKILL');
      cutOff += (await n8n.events()).filter(({ state }) => state === 'RUNNING').length;
      await append(kill);
      await victim.up();
    }
    const events = await until(
      'every mail is settled',
      async () => {
        const all = (await n8n.events()).filter(({ workflow }) => workflow === id);
        const open = all.filter(({ state }) => !['DONE', 'DEAD'].includes(state)).length;
        // What is in doubt, and not in Sent, keeps its run waiting for as long as it is looked for.
        const missed = filed && open > 0 ? (await storedEntries(n8n)).filter(isMissed).length : 0;
        return all.length === mails && open <= missed && all;
      },
      600_000,
      500,
    );
    const entries = await storedEntries(n8n);
    const states = new Map(entries.map(({ subject, state }) => [subject!.replace('To ', ''), state]));
    const got = new Map<string, number>();
    for (const { to } of smtp.accepted) {
      const customer = to[0]!.replace('@example.com', '');
      got.set(customer, (got.get(customer) ?? 0) + 1);
    }
    const of = (state: string): string[] => customers.filter((customer) => states.get(customer) === state);
    const unknown = of('UNKNOWN');
    const dead = events.filter(({ state }) => state === 'DEAD').length;
    t.diagnostic(
      `${mails} mails, ${kills} kills: steps that failed ${failed()}, runs cut off by a kill ${cutOff}; answers: SENT ${of('SENT').length}, ` +
        `UNKNOWN ${unknown.length} (of these arrived ${unknown.filter((customer) => got.has(customer)).length}); DEAD mails ${dead}; ` +
        `customers with more than one ${[...got.values()].filter((count) => count > 1).length}`,
    );
    if (filed) {
      // Whoever got it is no longer in doubt: Sent settles it.
      assert.deepEqual(
        unknown.filter((customer) => got.has(customer)),
        [],
      );
      t.diagnostic(
        `found in Sent: ${entries.filter(({ lastAnswer }) => lastAnswer?.includes('looked for')).length}`,
      );
    }
    for (const [customer, count] of got) assert.equal(count, 1, `${customer} got one answer`);
    for (const customer of of('SENT')) assert.equal(got.get(customer), 1, `${customer} got what is SENT`);
    // One that failed before the answer each time has none, and is told: it is DEAD.
    const done = events.filter(({ state }) => state === 'DONE').length;
    assert.ok(unknown.length <= mails - done, 'whose answer is in doubt is not DONE');
    assert.ok(of('SENT').length >= done, 'every mail that is DONE was answered');
    assert.ok(cutOff > 0 && failed() > 0, 'there was something to survive');
  } finally {
    await cleanup.run();
  }
}

/** It was looked for, and is not there: a person decides, or a later look. */
const isMissed = ({ state, lastError }: StoredEntry): boolean =>
  state === 'UNKNOWN' && lastError?.includes('was not there') === true;
