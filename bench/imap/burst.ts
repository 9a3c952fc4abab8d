// Many mails that arrive at once, while the workflow listens.
import { until } from '../../test/support/until';
import type { Bench } from './bench';
import { count, pass, ratio, seconds } from './figures';
import { likelyMail } from './mailboxes';
import type { Section } from './report';
import { mailWorkflow, userOf, type Way, WAYS } from './sides';

const MAILS = 300;
const DEADLINE_MS = 300_000;

interface Outcome {
  readonly ms: number;
  readonly runs: number;
}

export async function burst(bench: Bench): Promise<Section[]> {
  const one = await measure(bench, WAYS.one);
  const automatic = await measure(bench, WAYS.automatic);
  const builtin = await measure(bench, WAYS.builtin);
  const row = ({ name }: Way, { ms, runs }: Outcome): string[] => [name, seconds(ms), count(runs)];
  return [
    {
      title: 'A burst',
      text: `${count(MAILS)} mails arrive one right after another; the time from the last one's arrival until each has reached its workflow.
The built-in trigger runs up to 20 mails in one execution. The durable one gives each mail its own, five at once; with _Mails per
Run: Automatic_ it does so while few wait, and runs up to 20 together when many do.`,
      head: ['Trigger', 'Time', 'Executions'],
      rows: [row(WAYS.one, one), row(WAYS.automatic, automatic), row(WAYS.builtin, builtin)],
      verdicts: [
        {
          aim: 'automatic, not slower than the built-in',
          is: `${seconds(automatic.ms)} against ${seconds(builtin.ms)}: ${ratio(builtin.ms, automatic.ms)} of its rate`,
          met: automatic.ms <= builtin.ms,
        },
      ],
    },
  ];
}

async function measure({ dovecot, n8n, sink }: Bench, way: Way): Promise<Outcome> {
  const { name, side, options } = way;
  const user = userOf('burst', way);
  const id = await mailWorkflow(n8n, sink, side, dovecot.login(user), { options });
  await n8n.api.publish(id);
  await pass(3_000);
  sink.reset();
  await dovecot.append(user, [likelyMail('warm', 0)]);
  const ran = (subject: string) => (): number =>
    sink.deliveries.filter((delivered) => delivered.subject.startsWith(subject)).length;
  await until(`the first mail ran (${name})`, () => ran('warm')() > 0, DEADLINE_MS);
  await pass(3_000);
  sink.reset();
  await dovecot.append(
    user,
    Array.from({ length: MAILS }, (_, index) => likelyMail('burst', index)),
  );
  const from = performance.now();
  await until(`the burst ran (${name})`, () => ran('burst')() >= MAILS, DEADLINE_MS);
  const ms = Math.max(...sink.deliveries.map(({ at }) => at)) - from;
  const runs = new Set(sink.deliveries.map(({ text }) => text)).size;
  await n8n.api.unpublish(id);
  return { ms, runs };
}
