// Mails that came while the workflow was switched off: how long they take when it is switched on, how much memory
// n8n needs for it, and in how many executions they run.
import { until } from '../../test/support/until';
import type { Bench } from './bench';
import { count, megabytes, pass, seconds } from './figures';
import { fillMailbox, likelyMail } from './mailboxes';
import { forgetPeak, peakBytes } from './memory';
import type { Section } from './report';
import { mailWorkflow, type Side } from './sides';

const MAILS = 2_000;
const DEADLINE_MS = 600_000;

interface Way {
  readonly name: string;
  readonly side: Side;
  readonly user: string;
  /** The trigger's. */
  readonly parameters: object;
}

const WAYS = [
  { name: 'durable, 1 mail a run', side: 'durable', user: 'backlog-one', parameters: {} },
  {
    name: 'durable, up to 20 a run',
    side: 'durable',
    user: 'backlog-twenty',
    parameters: { options: { mailsPerRun: 20 } },
  },
  { name: 'built-in, up to 20 a run', side: 'builtin', user: 'backlog-builtin', parameters: {} },
] as const satisfies readonly Way[];

interface Outcome {
  readonly ms: number;
  readonly runs: number;
  readonly before: number;
  readonly peak: number;
}

export async function backlog(bench: Bench): Promise<Section[]> {
  const outcomes: Outcome[] = [];
  for (const way of WAYS) outcomes.push(await measure(bench, way));
  const [one, twenty, builtin] = outcomes as [Outcome, Outcome, Outcome];
  const grown = ({ before, peak }: Outcome): number => peak - before;
  return [
    {
      title: `A backlog of ${count(MAILS)} mails`,
      text: `The workflow is published, runs one mail and is unpublished, ${count(MAILS)} mails arrive, n8n is started anew, and the workflow is published again. The time from
there until the last mail has reached its workflow; the memory (RSS) of n8n's process before it, and at its peak; the number
of executions. The durable trigger has its default of five runs at once; the built-in one does not limit them.`,
      head: ['Trigger', 'Time', 'Mails/s', 'Executions', 'Memory before', 'Peak', 'Grown by'],
      rows: WAYS.map(({ name }, index) => {
        const { ms, runs, before, peak } = outcomes[index]!;
        const memory = [before, peak, peak - before].map(megabytes);
        return [name, seconds(ms), count((MAILS / ms) * 1_000), count(runs), ...memory];
      }),
      verdicts: [
        {
          aim: 'with 20 mails a run, not slower than the built-in',
          is: `${seconds(twenty.ms)} against ${seconds(builtin.ms)}`,
          met: twenty.ms <= builtin.ms,
        },
        {
          aim: 'with 20 mails a run, memory grows by no more than with the built-in',
          is: `${megabytes(grown(twenty))} against ${megabytes(grown(builtin))} (${megabytes(grown(one))} with 1 mail a run)`,
          met: grown(twenty) <= grown(builtin),
        },
      ],
    },
  ];
}

async function measure(bench: Bench, { side, user, parameters }: Way): Promise<Outcome> {
  const { dovecot, n8n, sink } = bench;
  sink.reset();
  const id = await mailWorkflow(n8n, sink, side, dovecot.login(user), parameters);
  await n8n.api.publish(id);
  await pass(3_000);
  // The built-in trigger looks for what came meanwhile only if it had a mail before.
  await dovecot.append(user, [likelyMail('first', 0)]);
  const hadFirst = (): boolean => sink.deliveries.some(({ subject }) => subject === 'first 0');
  await until(`the first mail of ${user} ran`, hadFirst, DEADLINE_MS);
  await pass(3_000);
  await n8n.api.unpublish(id);
  await fillMailbox(dovecot, user, user, MAILS);
  await bench.freshN8n();
  const before = await bench.n8nBytes();
  await forgetPeak(bench.n8nPid);
  sink.reset();
  const from = performance.now();
  await n8n.api.publish(id);
  await until(`the backlog of ${user} ran`, () => sink.deliveries.length >= MAILS, DEADLINE_MS);
  const took = Math.max(...sink.deliveries.map(({ at }) => at)) - from;
  const peak = await peakBytes(bench.n8nPid);
  await pass(2_000);
  if (sink.counts().size !== MAILS || sink.deliveries.length !== MAILS)
    throw new Error(`${sink.deliveries.length} mails ran, ${sink.counts().size} of them once or more`);
  const runs = new Set(sink.deliveries.map(({ text }) => text)).size;
  await n8n.api.unpublish(id);
  return { ms: took, runs, before, peak };
}
