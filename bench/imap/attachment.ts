// One large attachment: what it takes of n8n's memory at its peak, from its arrival until its workflow has run.
import { randomBytes } from 'node:crypto';
import { rawMail } from '../../test/support/mails';
import { until } from '../../test/support/until';
import { apart } from './apart';
import type { Bench } from './bench';
import { megabytes, pass, seconds } from './figures';
import { likelyMail } from './mailboxes';
import { forgetPeak, peakBytes } from './memory';
import type { Section } from './report';
import { mailWorkflow, type Side } from './sides';

const ATTACHMENT_MB = 30;
const MOST_BYTES = 100 * 2 ** 20;
const DEADLINE_MS = 120_000;
const ROUNDS = 3;

interface Outcome {
  readonly ms: number;
  /** What memory had grown by at its peak, bytes, in each round. */
  readonly grown: readonly number[];
}

export async function attachment(bench: Bench): Promise<Section[]> {
  const collected = await measureCollecting(bench);
  const [durable, builtin] = [await measure(bench, 'durable'), await measure(bench, 'builtin')];
  const row = (name: string, { ms, grown }: Outcome): string[] => [
    name,
    grown.map(megabytes).join(', '),
    seconds(ms),
  ];
  const most = Math.max(...durable.grown);
  return [
    {
      title: `An attachment of ${ATTACHMENT_MB} MB`,
      text: `A mail with an attachment of ${ATTACHMENT_MB} MB (${Math.round((ATTACHMENT_MB * 78 * 4) / 76 / 3)} MB as it is sent) arrives, and its workflow has the attachment as a
file. By how much the memory (RSS) of n8n's process grows at its peak, and the time from the mail's arrival until the workflow has run, in
${ROUNDS} rounds, each in an n8n that was started anew and has run a small mail; and the same of the engine alone until the mail is in the
ledger, in a process of its own. n8n keeps files where it does by default: on the disk.`,
      head: ['', 'Memory grows by', 'Time (median)'],
      rows: [
        row('durable', durable),
        row('built-in', builtin),
        row('the engine alone, until it is in the ledger', collected),
      ],
      verdicts: [
        {
          aim: `at most ${megabytes(MOST_BYTES)}`,
          is: `${megabytes(most)} (built-in: ${megabytes(Math.max(...builtin.grown))})`,
          met: most <= MOST_BYTES,
        },
      ],
    },
  ];
}

const largeMail = (subject: string): string =>
  rawMail({ subject, attachment: { name: 'large.bin', content: randomBytes(ATTACHMENT_MB * 2 ** 20) } });

async function measureCollecting({ dovecot }: Bench): Promise<Outcome> {
  const rounds = [];
  for (let round = 0; round < ROUNDS; round++) {
    const login = dovecot.login(`attachment-engine-${round}`);
    const large = largeMail('large');
    const append = (): Promise<unknown> => dovecot.append(login.user, [large]);
    rounds.push(await apart({ kind: 'arrive', login }, append));
  }
  return outcomeOf(rounds);
}

async function measure(bench: Bench, side: Side): Promise<Outcome> {
  const rounds = [];
  for (let round = 0; round < ROUNDS; round++) rounds.push(await measureOnce(bench, side, round));
  return outcomeOf(rounds);
}

const outcomeOf = (rounds: readonly { ms: number; before: number; peak: number }[]): Outcome => ({
  ms: rounds.map(({ ms }) => ms).sort((a, b) => a - b)[ROUNDS >> 1]!,
  grown: rounds.map(({ before, peak }) => peak - before),
});

async function measureOnce(
  bench: Bench,
  side: Side,
  round: number,
): Promise<{ ms: number; before: number; peak: number }> {
  const { dovecot, n8n, sink } = bench;
  const user = `attachment-${side}-${round}`;
  await bench.freshN8n();
  const id = await mailWorkflow(n8n, sink, side, dovecot.login(user), { downloadAttachments: true });
  await n8n.api.publish(id);
  await pass(3_000);
  const ran = async (mail: string): Promise<number> => {
    sink.reset();
    await dovecot.append(user, [mail]);
    const from = performance.now();
    await until('the mail ran', () => sink.deliveries.length > 0, DEADLINE_MS);
    // n8n stores the execution behind it.
    await pass(3_000);
    return sink.deliveries[0]!.at - from;
  };
  await ran(likelyMail('small', round));
  const before = await bench.n8nBytes();
  await forgetPeak(bench.n8nPid);
  const ms = await ran(largeMail('large'));
  const peak = await peakBytes(bench.n8nPid);
  await n8n.api.unpublish(id);
  return { ms, before, peak };
}
