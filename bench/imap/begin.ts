// Publishing a workflow on a mailbox that holds very many mails, with "New mail only": it must not look at them.
import type { Dovecot } from '../../test/support/dovecot';
import { apart } from './apart';
import { count, median, megabytes, ms } from './figures';
import { crowdMailbox } from './mailboxes';
import type { Section } from './report';

const MAILS = 100_000;
const ROUNDS = 3;
const MOST_MS = 2_000;
/** What a process's memory differs by anyway. */
const NOISE_BYTES = 10 * 2 ** 20;

export async function begin({ dovecot }: { readonly dovecot: Dovecot }): Promise<Section[]> {
  await crowdMailbox(dovecot, 'crowded', MAILS);
  const [empty, crowded] = [await measure(dovecot, 'empty'), await measure(dovecot, 'crowded')];
  const row = (name: string, { took, grown }: Outcome): string[] => [name, ms(took), megabytes(grown)];
  return [
    {
      title: `Beginning on a mailbox of ${count(MAILS)} mails`,
      text: `A new workflow with "New mail only": the time from connecting until the mailbox is watched from its end, and by how much the
process's memory (RSS) grows at its peak. The median of ${ROUNDS} rounds, each in a process of its own.`,
      head: ['Mailbox', 'Time', 'Memory grows by'],
      rows: [row('empty', empty), row(`${count(MAILS)} mails`, crowded)],
      verdicts: [
        { aim: `watched within ${MOST_MS / 1_000} s`, is: ms(crowded.took), met: crowded.took <= MOST_MS },
        {
          aim: 'no more memory than with an empty one',
          is: `${megabytes(crowded.grown)} against ${megabytes(empty.grown)}`,
          met: crowded.grown <= empty.grown + NOISE_BYTES,
        },
      ],
    },
  ];
}

interface Outcome {
  readonly took: number;
  readonly grown: number;
}

async function measure(dovecot: Dovecot, user: string): Promise<Outcome> {
  const rounds: Outcome[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const { ms: took, before, peak } = await apart({ kind: 'begin', login: dovecot.login(user) });
    rounds.push({ took, grown: peak - before });
  }
  return { took: median(rounds.map(({ took }) => took)), grown: median(rounds.map(({ grown }) => grown)) };
}
