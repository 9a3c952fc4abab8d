// How long from a mail's arrival to its workflow, and how long a burst takes: this trigger beside the built-in
// Email Trigger (IMAP), in one n8n, on one Dovecot, over the same mails. What counts are the ratios.
//
//   npm run bench
import { rawMail } from '../test/support/mails';
import { Cleanup } from '../test/support/cleanup';
import { Dovecot } from '../test/support/dovecot';
import { N8n } from '../test/support/n8n';
import { Sink } from '../test/support/sink';
import { until } from '../test/support/until';
import { credentialData, postTo } from '../test/support/workflows';

const STEADY_MAILS = 30;
const STEADY_EVERY_MS = 1_500;
const BURST_MAILS = 100;
/** Two mailboxes take the same mails; which one a delivery came from stands before its subject. */
const TRIGGERS = {
  durable: {
    type: 'n8n-nodes-durable-mail.durableImapTrigger',
    typeVersion: 1,
    parameters: { options: { mostInFlight: 20 } },
  },
  builtin: { type: 'n8n-nodes-base.emailReadImap', typeVersion: 2.1, parameters: { options: {} } },
} as const;
type Name = keyof typeof TRIGGERS;
const NAMES = Object.keys(TRIGGERS) as Name[];

const cleanup = new Cleanup();
measure()
  .catch((error: unknown) => {
    console.error(error);
    process.exitCode = 1;
  })
  .finally(() => cleanup.run());

async function measure(): Promise<void> {
  const dovecot = await cleanup.of(Dovecot.start());
  const sink = await cleanup.of(Sink.start());
  const n8n = await cleanup.of(N8n.start());
  for (const name of NAMES) await publish(n8n, sink, dovecot, name);
  await pass(2_000);

  const append = (subject: string): Promise<unknown> =>
    Promise.all(NAMES.map((name) => dovecot.append(name, [rawMail({ subject: `${name} ${subject}` })])));
  const arrivals = async (what: string, count: number): Promise<Record<Name, number[]>> => {
    const of = (name: Name): number[] =>
      sink.deliveries.filter(({ subject }) => subject.startsWith(`${name} ${what}`)).map(({ at }) => at);
    await until(`all of ${what} ran`, () => NAMES.every((name) => of(name).length >= count), 300_000);
    return { durable: of('durable'), builtin: of('builtin') };
  };

  const sent: number[] = [];
  for (let index = 0; index < STEADY_MAILS; index++) {
    await append(`steady ${index}`);
    sent.push(performance.now());
    await pass(STEADY_EVERY_MS);
  }
  const steady = await arrivals('steady', STEADY_MAILS);
  console.log(
    `A mail every ${STEADY_EVERY_MS / 1000} s, ${STEADY_MAILS} mails, from its arrival to its workflow:`,
  );
  const latencies = (name: Name): number[] =>
    steady[name].map((at, index) => Math.max(0, at - sent[index]!)).sort((a, b) => a - b);
  report('p50', at(latencies('durable'), 0.5), at(latencies('builtin'), 0.5));
  report('p95', at(latencies('durable'), 0.95), at(latencies('builtin'), 0.95));

  for (const name of NAMES) {
    const mails = Array.from({ length: BURST_MAILS }, (_, i) => rawMail({ subject: `${name} burst ${i}` }));
    await dovecot.append(name, mails);
    const from = performance.now();
    await until(
      'the burst ran',
      () =>
        sink.deliveries.filter(({ subject }) => subject.startsWith(`${name} burst`)).length >= BURST_MAILS,
      300_000,
    );
    console.log(
      `A burst of ${BURST_MAILS} mails, ${name}: ${seconds(performance.now() - from)} after the last arrived`,
    );
  }
  console.log(
    '(The built-in trigger runs up to 20 mails in one execution; this one gives each mail its own.)',
  );
}

async function publish(n8n: N8n, sink: Sink, dovecot: Dovecot, name: Name): Promise<void> {
  const credential = await n8n.api.createCredential(name, 'imap', credentialData(dovecot.login(name)));
  const trigger = {
    id: 'trigger',
    name: 'Mail',
    position: [0, 0],
    ...TRIGGERS[name],
    credentials: { imap: { id: credential.id, name: credential.name } },
  };
  const { id } = await n8n.api.createWorkflow({
    name,
    nodes: [
      trigger,
      { id: 'sink', position: [220, 0], ...postTo(sink, { subject: '={{ $json.subject }}' }) },
    ],
    connections: { Mail: { main: [[{ node: 'Sink', type: 'main', index: 0 }]] } },
  });
  await n8n.api.publish(id);
}

function report(what: string, durable: number, builtin: number): void {
  const ratio = (builtin / durable).toFixed(1);
  console.log(`  ${what}: durable ${seconds(durable)}, built-in ${seconds(builtin)}: ${ratio} times as long`);
}

const at = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!;

const seconds = (ms: number): string => `${(ms / 1000).toFixed(2)} s`;

const pass = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
