// Mails that came while the workflow was switched off: how long they take when it is switched on, how much memory
// n8n needs for it, and in how many executions they run.
import { until } from '../../test/support/until';
import type { Bench } from './bench';
import { count, megabytes, pass, ratio, seconds } from './figures';
import { fillMailbox, likelyMail } from './mailboxes';
import { forgetPeak, peakBytes } from './memory';
import type { Section, Verdict } from './report';
import { floorWorkflow, mailWorkflow, userOf, type Way, WAYS } from './sides';

const MAILS = 2_000;
const DEADLINE_MS = 1_200_000;

/** Of what a trigger that does nothing but emit lets n8n run. */
const FLOOR_SHARE = 0.95;

interface Outcome {
  readonly ms: number;
  readonly runs: number;
  readonly before: number;
  readonly peak: number;
}

export async function backlog(bench: Bench): Promise<Section[]> {
  const floor = await measureFloor(bench);
  const one = await measure(bench, WAYS.one);
  const automatic = await measure(bench, WAYS.automatic);
  const twenty = await measure(bench, WAYS.twenty);
  const builtin = await measure(bench, WAYS.builtin);
  const grown = ({ before, peak }: Outcome): number => peak - before;
  const rows: readonly (readonly [string, Outcome])[] = [
    ['a trigger that only emits, 1 mail a run', floor],
    [WAYS.one.name, one],
    [WAYS.automatic.name, automatic],
    [WAYS.twenty.name, twenty],
    [WAYS.builtin.name, builtin],
  ];
  const notSlower = (how: string, { ms }: Outcome): Verdict => ({
    aim: `${how}, not slower than the built-in`,
    is: `${seconds(ms)} against ${seconds(builtin.ms)}: ${ratio(builtin.ms, ms)} of its rate`,
    met: ms <= builtin.ms,
  });
  return [
    {
      title: `A backlog of ${count(MAILS)} mails`,
      text: `The workflow is published, runs one mail and is unpublished, ${count(MAILS)} mails arrive, n8n is started anew, and the workflow is published again. The time from
there until the last mail has reached its workflow; the memory (RSS) of n8n's process before it, and at its peak; the number
of executions. The durable trigger has its default of five runs at once; the built-in one does not limit them. With one mail a
run, an execution is what costs: a trigger that does nothing but emit, five at once, shows what n8n itself takes.`,
      head: ['Trigger', 'Time', 'Mails/s', 'Executions', 'Memory before', 'Peak', 'Grown by'],
      rows: rows.map(([name, { ms, runs, before, peak }]) => {
        const memory = [before, peak, peak - before].map(megabytes);
        return [name, seconds(ms), count((MAILS / ms) * 1_000), count(runs), ...memory];
      }),
      verdicts: [
        {
          aim: `with 1 mail a run, at least ${FLOOR_SHARE} of what n8n runs for a trigger that only emits`,
          is: ratio(floor.ms, one.ms),
          met: floor.ms / one.ms >= FLOOR_SHARE,
        },
        notSlower('automatic', automatic),
        notSlower('with 20 mails a run', twenty),
        {
          aim: 'with 20 mails a run, memory grows by no more than with the built-in',
          is: `${megabytes(grown(twenty))} against ${megabytes(grown(builtin))} (${megabytes(grown(one))} with 1 mail a run, ${megabytes(grown(automatic))} automatic)`,
          met: grown(twenty) <= grown(builtin),
        },
      ],
    },
  ];
}

async function measureFloor(bench: Bench): Promise<Outcome> {
  const id = await floorWorkflow(bench.n8n, bench.sink, MAILS);
  await bench.freshN8n();
  return published(bench, id, 'the floor');
}

async function measure(bench: Bench, way: Way): Promise<Outcome> {
  const { dovecot, n8n, sink } = bench;
  const { side, options } = way;
  const user = userOf('backlog', way);
  sink.reset();
  const id = await mailWorkflow(n8n, sink, side, dovecot.login(user), { options });
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
  return published(bench, id, user);
}

/** From publishing the workflow until all of its mails ran. */
async function published(bench: Bench, id: string, what: string): Promise<Outcome> {
  const { n8n, sink } = bench;
  const before = await bench.n8nBytes();
  await forgetPeak(bench.n8nPid);
  sink.reset();
  const from = performance.now();
  await n8n.api.publish(id);
  await until(`the backlog of ${what} ran`, () => sink.deliveries.length >= MAILS, DEADLINE_MS);
  const took = Math.max(...sink.deliveries.map(({ at }) => at)) - from;
  const peak = await peakBytes(bench.n8nPid);
  await pass(2_000);
  if (sink.counts().size !== MAILS || sink.deliveries.length !== MAILS)
    throw new Error(`${sink.deliveries.length} mails ran, ${sink.counts().size} of them once or more`);
  const runs = new Set(sink.deliveries.map(({ text }) => text)).size;
  await n8n.api.unpublish(id);
  return { ms: took, runs, before, peak };
}
