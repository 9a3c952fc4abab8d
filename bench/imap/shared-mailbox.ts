// Many workflows on one mailbox: how many connections its server sees, and what they cost n8n beside workflows whose trigger
// does nothing but emit.
import { TcpProxy } from '../../test/support/net';
import { until } from '../../test/support/until';
import type { Bench, Memory } from './bench';
import { kilobytes, median, megabytes, pass, seconds } from './figures';
import { likelyMail } from './mailboxes';
import type { Section } from './report';
import { floorWorkflow, mailWorkflow, type Side, SIDES } from './sides';

const WORKFLOWS = 20;
const ROUNDS = 3;
const MOST_ABOVE_FLOOR = 2 ** 20;
const DEADLINE_MS = 120_000;

type Subject = Side | 'floor';

interface Round {
  readonly connections: number;
  readonly before: Memory;
  /** When they are published. */
  readonly published: Memory;
  /** When one mail ran in each of them. */
  readonly after: Memory;
  /** From a mail's arrival until all workflows have it, ms. */
  readonly ranMs: number;
}

/** What a workflow takes, in bytes; the median of the rounds. */
interface Outcome {
  readonly rounds: readonly Round[];
  readonly published: number;
  readonly after: number;
  readonly used: number;
}

export async function sharedMailbox(bench: Bench): Promise<Section[]> {
  const rounds: Record<Subject, Round[]> = { floor: [], durable: [], builtin: [] };
  for (let round = 0; round < ROUNDS; round++)
    for (const subject of ['floor', ...SIDES] as const)
      rounds[subject].push(await measure(bench, subject, round));
  const [floor, durable, builtin] = [
    outcomeOf(rounds.floor),
    outcomeOf(rounds.durable),
    outcomeOf(rounds.builtin),
  ];
  const connections = Math.max(...durable.rounds.map((round) => round.connections));
  const above = ({ after }: Outcome): number => after - floor.after;
  return [
    {
      title: `${WORKFLOWS} workflows on one mailbox`,
      text: `n8n is started anew, one workflow runs one mail, so that what has to be loaded is there, and n8n's memory is measured (RSS, after
a garbage collection). Then ${WORKFLOWS} workflows on one mailbox are published, and their connections are counted; one mail arrives, and is
awaited in all of them. What each of them has added to n8n's memory when they were published, and after the mail; how much of the latter is in
use (V8 and buffers), not in reserve: the medians of ${ROUNDS} rounds. Beside them workflows whose trigger does nothing but emit, once, all at the
same time: what is n8n's own. (The built-in trigger is told not to mark the mail as read: otherwise the first of them takes it from the others.)`,
      head: [
        'Trigger',
        'Connections',
        'Memory before',
        'A workflow',
        'After a mail',
        'In use',
        'A mail in all of them',
      ],
      rows: [row('does nothing but emit', floor), row('durable', durable), row('built-in', builtin)],
      verdicts: [
        {
          aim: 'one connection',
          is: `${connections} (built-in: ${Math.max(...builtin.rounds.map((round) => round.connections))})`,
          met: connections === 1,
        },
        {
          aim: `after a mail, at most ${kilobytes(MOST_ABOVE_FLOOR)} for each above a trigger that does nothing but emit`,
          is: `${kilobytes(above(durable))} (built-in: ${kilobytes(above(builtin))})`,
          met: above(durable) <= MOST_ABOVE_FLOOR,
        },
      ],
    },
  ];
}

function row(name: string, { rounds, published, after, used }: Outcome): string[] {
  return [
    name,
    String(rounds[0]!.connections),
    megabytes(median(rounds.map(({ before }) => before.resident))),
    kilobytes(published),
    kilobytes(after),
    kilobytes(used),
    seconds(median(rounds.map(({ ranMs }) => ranMs))),
  ];
}

function outcomeOf(rounds: readonly Round[]): Outcome {
  const each = (grown: (round: Round) => number): number => median(rounds.map(grown)) / WORKFLOWS;
  return {
    rounds,
    published: each(({ before, published }) => published.resident - before.resident),
    after: each(({ before, after }) => after.resident - before.resident),
    used: each(({ before, after }) => after.used - before.used),
  };
}

async function measure(bench: Bench, subject: Subject, round: number): Promise<Round> {
  const { dovecot, n8n, sink } = bench;
  const user = `shared-${subject}-${round}`;
  const proxy = await TcpProxy.to(dovecot.port);
  const workflow = (name: string): Promise<string> => {
    if (subject === 'floor') return floorWorkflow(n8n, sink, 1, { onSignal: true });
    const parameters = subject === 'builtin' ? { postProcessAction: 'nothing' } : {};
    return mailWorkflow(n8n, sink, subject, { ...dovecot.login(name), port: proxy.port }, parameters);
  };
  const ran = async (name: string, workflows: number): Promise<number> => {
    sink.reset();
    const from = performance.now();
    if (subject === 'floor') process.kill(bench.n8nPid, 'SIGUSR2');
    else await dovecot.append(name, [likelyMail(name, 0)]);
    await until('the mail ran', () => sink.deliveries.length >= workflows, DEADLINE_MS);
    // n8n stores the executions behind it.
    await pass(3_000);
    return Math.max(...sink.deliveries.map(({ at }) => at)) - from;
  };
  try {
    await bench.freshN8n();
    const ids: string[] = [];
    for (let index = 0; index < WORKFLOWS; index++) ids.push(await workflow(user));
    const first = await workflow(`${user}-first`);
    await n8n.api.publish(first);
    await pass(3_000);
    await ran(`${user}-first`, 1);
    await n8n.api.unpublish(first);
    await until('the connection is closed', () => proxy.open === 0);
    const before = await bench.n8nMemory();
    for (const id of ids) await n8n.api.publish(id);
    await pass(3_000);
    const published = await bench.n8nMemory();
    const connections = proxy.open;
    const ranMs = await ran(user, WORKFLOWS);
    const after = await bench.n8nMemory();
    for (const id of ids) await n8n.api.unpublish(id);
    return { connections, before, published, after, ranMs };
  } finally {
    await proxy.close();
  }
}
