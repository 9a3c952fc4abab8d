// A workflow of four guarded steps, each of which takes what the one before it was answered and is answered something that nobody
// answers twice, while a process of n8n is killed again and again: the same in regular and in queue mode.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import { digest } from '../../nodes/host/run/item-keys';
import { Cleanup } from './cleanup';
import type { Dovecot } from './dovecot';
import { rawMail } from './mails';
import type { N8n } from './n8n';
import type { N8nProcess } from './n8n-process';
import { until } from './until';
import { type Link, mailWorkflow, type Step } from './workflows';

const STEPS = [1, 2, 3, 4] as const;
/** The step after the guarded ones, which is not. */
const LAST = 5;
/** What a step takes. */
const STEP_MS = 120;

interface Call {
  readonly mail: string;
  readonly step: number;
  /** What the step before it was answered. */
  readonly got: string;
  readonly answer: string;
}

/** Answers each call in its own words: what it was told, the step, and a number that was never given before. */
class Answering {
  readonly #server: Server;
  readonly calls: Call[] = [];

  private constructor() {
    this.#server = createServer((request, response) => {
      const asked = new URL(request.url ?? '/', 'http://sink').searchParams;
      const [mail, step, got] = ['mail', 'step', 'got'].map((name) => asked.get(name) ?? '');
      const answer = `${got}>${step}#${this.calls.length}`;
      this.calls.push({ mail: mail!, step: Number(step), got: got!, answer });
      setTimeout(
        () =>
          response
            .writeHead(200, { 'content-type': 'application/json' })
            .end(JSON.stringify({ mail, answer })),
        STEP_MS,
      );
    });
  }

  static async start(): Promise<Answering> {
    const answering = new Answering();
    answering.#server.listen(0, '127.0.0.1');
    await once(answering.#server, 'listening');
    return answering;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  of(mail: string, step: number): Call[] {
    return this.calls.filter((call) => call.mail === mail && call.step === step);
  }

  async dispose(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

const guard = (step: number): Step => ({
  name: `Once ${step}`,
  type: 'n8n-nodes-durable-mail.runOnce',
  typeVersion: 1,
  parameters: {},
});

/** Takes the answer that comes to it, and nothing else, from wherever: the step before it, or "Already done". */
const asks = (url: string, step: number): Step => ({
  name: `Step ${step}`,
  type: 'n8n-nodes-base.httpRequest',
  typeVersion: 4.2,
  parameters: {
    ...{ method: 'POST', url, sendQuery: true },
    queryParameters: {
      parameters: [
        { name: 'mail', value: `={{ $('Mail').item.json.subject }}` },
        { name: 'step', value: String(step) },
        { name: 'got', value: step === 1 ? '={{ $json.subject }}' : '={{ $json.answer }}' },
      ],
    },
  },
});

export interface Resuming {
  readonly n8n: N8n;
  readonly dovecot: Dovecot;
  /** The process that is killed. */
  readonly victim: N8nProcess;
  readonly kills: number;
  /** After so many of them it is waited for runs that go on where they broke, and these are killed, too. */
  readonly resumeEvery: number;
}

/**
 * Asserts that each step was done once, unless it was cut off before its answer was stored, and that every mail came to the end
 * that an undisturbed run has; prints the figures.
 */
export async function resumeUnderKills(
  t: TestContext,
  { n8n, dovecot, victim, kills, resumeEvery }: Resuming,
): Promise<void> {
  const cleanup = new Cleanup();
  try {
    const sink = await cleanup.of(Answering.start());
    const user = 'resumed';
    const steps = [...STEPS.flatMap((step) => [guard(step), asks(sink.url, step)]), asks(sink.url, LAST)];
    const links = STEPS.map((step): Link => ({
      from: `Once ${step}`,
      output: 1,
      to: step === STEPS.length ? `Step ${LAST}` : `Once ${step + 1}`,
    }));
    const retrySchedule = Array.from({ length: 15 }, () => '1s').join(', ');
    // Those that a kill has cut off count until their leases have lapsed.
    const options = { retrySchedule, mostInFlight: 40 };
    const id = await mailWorkflow(n8n, dovecot.login(user), steps, { options, links });
    await n8n.api.publish(id);
    await n8n.watching(id);

    const mails = Array.from({ length: kills + 3 }, (_, index) => `mail ${index}`);
    const append = (some: readonly string[]): Promise<void> =>
      dovecot.append(
        user,
        some.map((subject) => rawMail({ subject })),
      );
    await append(mails.slice(0, 3));

    /** How many calls of a step of a mail were cut off before an answer was stored, by `mail step`. */
    const cutOff = new Map<string, number>();
    let interrupted = 0;
    // Whoever has died is found out within 45 s.
    const goOn = (times: number) => async (): Promise<boolean> =>
      (await n8n.events()).some(({ state, attempt }) => state === 'RUNNING' && attempt > times);
    for (let kill = 1; kill <= kills; kill++) {
      const seen = sink.calls.length;
      await until('steps are done', () => sink.calls.length > seen, 180_000, 10);
      if (kill % resumeEvery === 0) await until('runs go on', goOn(kill / resumeEvery), 180_000, 50);
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 4 * STEP_MS));
      victim.freeze();
      // What was sent before is there.
      await new Promise((resolve) => setTimeout(resolve, 30));
      const finished = new Set(
        (await n8n.ledger<{ key: string }>('select key from once_key where finished_at is not null')).map(
          ({ key }) => key,
        ),
      );
      const subjects = await n8n.ledger<{ subject: string; idempotencyKey: string; state: string }>(
        'select message.subject, event.idempotency_key as "idempotencyKey", event.state ' +
          'from event join message on message.id = event.message_id',
      );
      interrupted += subjects.filter(({ state }) => state === 'RUNNING').length;
      for (const { subject: mail, idempotencyKey } of subjects) {
        for (const step of STEPS) {
          const key = digest('step', id, `Once ${step}`, 'mail', idempotencyKey, 0);
          const calls = sink.of(mail, step).length;
          if (calls > 0 && !finished.has(key)) cutOff.set(`${mail} ${step}`, calls);
        }
      }
      await victim.down('SIGKILL');
      await append(mails.slice(kill + 2, kill + 3));
      await victim.up();
    }
    await until(
      'all mails are done',
      async () => {
        const states = (await n8n.events()).filter(({ workflow }) => workflow === id);
        return states.length === mails.length && states.every(({ state }) => state === 'DONE');
      },
      240_000,
      250,
    );

    const pairs = mails.flatMap((mail) => STEPS.map((step) => ({ mail, step, calls: sink.of(mail, step) })));
    const again = pairs.reduce((sum, { calls }) => sum + Math.max(0, calls.length - 1), 0);
    t.diagnostic(
      `${mails.length} mails of ${STEPS.length} guarded steps, ${kills} kills, ${interrupted} runs cut off: steps done ` +
        `${pairs.length}, cut off before their answer was stored ${[...cutOff.values()].reduce((sum, n) => sum + n, 0)}, ` +
        `of these done again ${again}`,
    );
    assert.ok(interrupted > 0, 'there was something to survive');
    for (const { mail, step, calls } of pairs) {
      const most = 1 + (cutOff.get(`${mail} ${step}`) ?? 0);
      assert.ok(
        calls.length >= 1 && calls.length <= most,
        `${mail}, step ${step}: ${calls.length} of ${most}`,
      );
      // What it was told is what the step before it was answered when it was done for good.
      const before = step === 1 ? mail : sink.of(mail, step - 1).at(-1)!.answer;
      for (const { got } of calls) assert.equal(got, before, `${mail}, step ${step}`);
    }
    for (const mail of mails) {
      const ends = new Set(sink.of(mail, LAST).map(({ got }) => got));
      assert.deepEqual([...ends], [sink.of(mail, 4).at(-1)!.answer], mail);
      assert.match([...ends][0]!, new RegExp(`^${mail}>1#\\d+>2#\\d+>3#\\d+>4#\\d+$`));
    }
    const kept = await n8n.ledger<{ n: number }>('select count(*) as n from once_answer');
    assert.equal(kept[0]!.n, 0, 'nothing is kept of what ended well');
  } finally {
    await cleanup.run();
  }
}
