// Many workflows on one mailbox: how many connections its server sees, and what they cost n8n.
import { TcpProxy } from '../../test/support/net';
import { until } from '../../test/support/until';
import type { Bench } from './bench';
import { kilobytes, megabytes, pass, seconds } from './figures';
import { likelyMail } from './mailboxes';
import type { Section } from './report';
import { mailWorkflow, type Side, SIDES } from './sides';

const WORKFLOWS = 20;

interface Outcome {
  readonly connections: number;
  readonly before: number;
  readonly after: number;
  /** From a mail's arrival until all workflows have it, ms. */
  readonly ranMs: number;
}

export async function sharedMailbox(bench: Bench): Promise<Section[]> {
  const outcomes = new Map<Side, Outcome>();
  for (const side of SIDES) outcomes.set(side, await measure(bench, side));
  const [durable, builtin] = [outcomes.get('durable')!, outcomes.get('builtin')!];
  const row = (name: string, { connections, before, after, ranMs }: Outcome): string[] => [
    name,
    String(connections),
    megabytes(before),
    megabytes(after),
    kilobytes((after - before) / WORKFLOWS),
    seconds(ranMs),
  ];
  return [
    {
      title: `${WORKFLOWS} workflows on one mailbox`,
      text: `n8n is started anew, ${WORKFLOWS} workflows on one mailbox are published, and their connections are counted, and n8n's memory
measured (RSS, after a garbage collection) before and after; most of a workflow's is n8n's own. Then one mail arrives, and is awaited in all of them. (The
built-in trigger is told not to mark it as read: otherwise the first of them takes it from the others.)`,
      head: ['Trigger', 'Connections', 'Memory before', 'After', 'A workflow', 'A mail in all of them'],
      rows: [row('durable', durable), row('built-in', builtin)],
      verdicts: [
        {
          aim: 'one connection',
          is: `${durable.connections} (built-in: ${builtin.connections})`,
          met: durable.connections === 1,
        },
      ],
    },
  ];
}

async function measure(bench: Bench, side: Side): Promise<Outcome> {
  const { dovecot, n8n, sink } = bench;
  const user = `shared-${side}`;
  const proxy = await TcpProxy.to(dovecot.port);
  try {
    // Once before: the libraries are loaded, and the mailbox is there.
    await bench.freshN8n();
    const login = { ...dovecot.login(user), port: proxy.port };
    const ids: string[] = [];
    const parameters = side === 'builtin' ? { postProcessAction: 'nothing' } : {};
    for (let index = 0; index < WORKFLOWS; index++)
      ids.push(await mailWorkflow(n8n, sink, side, login, parameters));
    await n8n.api.publish(ids[0]!);
    await pass(3_000);
    await n8n.api.unpublish(ids[0]!);
    await until('the connection is closed', () => proxy.open === 0);
    const before = await bench.n8nBytes();
    for (const id of ids) await n8n.api.publish(id);
    await pass(3_000);
    const after = await bench.n8nBytes();
    const connections = proxy.open;
    sink.reset();
    await dovecot.append(user, [likelyMail(user, 0)]);
    const from = performance.now();
    await until('the mail ran in all workflows', () => sink.deliveries.length >= WORKFLOWS, 120_000);
    const ranMs = Math.max(...sink.deliveries.map(({ at }) => at)) - from;
    for (const id of ids) await n8n.api.unpublish(id);
    return { connections, before, after, ranMs };
  } finally {
    await proxy.close();
  }
}
