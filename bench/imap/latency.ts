// From a mail's arrival to its workflow: this trigger, the built-in one, and a bare client, on the same mails.
import type { ImapFlow } from 'imapflow';
import { until } from '../../test/support/until';
import { BareClient } from './bare-client';
import type { Bench } from './bench';
import { median, ms, pass, percentile } from './figures';
import { likelyMail } from './mailboxes';
import type { Section, Verdict } from './report';
import { mailWorkflow, type Side, SIDES, webhookWorkflow } from './sides';

const SPARSE = { what: 'sparse', mails: 8, everyMs: 20_000, apart: '20 s' };
const STEADY = { what: 'steady', mails: 30, everyMs: 1_500, apart: '1.5 s' };
type Series = typeof SPARSE;
/** Of the interval: when n8n alone is asked, and when the built-in's mail comes, which is announced half a second later. */
const [WEBHOOK_AT, BUILTIN_AT] = [0.6, 0.8];
const MOST_BEHIND_BARE_MS = 60;
const DEADLINE_MS = 180_000;

/** How long each mail took, ms. */
interface Times {
  readonly bare: number[];
  readonly recorded: number[];
  readonly durable: number[];
  readonly builtin: number[];
  /** Of n8n alone, to start an execution and post: measured with a webhook. */
  readonly n8n: number[];
}

export async function latency(bench: Bench): Promise<Section[]> {
  const { dovecot, n8n, sink } = bench;
  const ids: string[] = [];
  for (const side of SIDES) {
    const id = await mailWorkflow(n8n, sink, side, dovecot.login(side));
    await n8n.api.publish(id);
    ids.push(id);
  }
  const webhook = await webhookWorkflow(n8n, sink);
  const bare = await BareClient.listen(dovecot, 'durable');
  const clients = { durable: await dovecot.client('durable'), builtin: await dovecot.client('builtin') };
  await pass(3_000);
  for (const side of SIDES) await send(clients, side, 'warm', 0);
  await pass(20_000);

  const rig = { bench, bare, clients, webhook };
  const times = new Map<Series, Times>();
  for (const series of [SPARSE, STEADY]) times.set(series, await measure(rig, series));
  await bare.close();
  for (const client of Object.values(clients)) await client.logout();
  for (const id of ids) await n8n.api.unpublish(id);
  return [latencySection(times)];
}

interface Rig {
  readonly bench: Bench;
  readonly bare: BareClient;
  readonly clients: Readonly<Record<Side, ImapFlow>>;
  readonly webhook: string;
}

/** @returns when the server had taken the mail, by the monotonic clock */
async function send(clients: Rig['clients'], side: Side, what: string, index: number): Promise<number> {
  await clients[side].append('INBOX', Buffer.from(likelyMail(`${side} ${what}`, index)));
  return performance.now();
}

async function measure({ bench, bare, clients, webhook }: Rig, series: Series): Promise<Times> {
  const { n8n, sink } = bench;
  const { what, mails, everyMs } = series;
  const sent: Record<Side, number>[] = [];
  const began = performance.now();
  const at = (place: number): Promise<void> => pass(Math.max(0, began + place * everyMs - performance.now()));
  const posted: number[] = [];
  const subjects = (side: string): string[] => sent.map((_, index) => `${side} ${what} ${index}`);
  for (let index = 0; index < mails; index++) {
    const durable = await send(clients, 'durable', what, index);
    await at(index + WEBHOOK_AT);
    posted.push(performance.now());
    await post(webhook, `webhook ${what} ${index}`);
    await at(index + BUILTIN_AT);
    sent.push({ durable, builtin: await send(clients, 'builtin', what, index) });
    await at(index + 1);
  }
  const ran = async (side: string): Promise<number[]> => {
    const times = (): Map<string, number> => new Map(sink.deliveries.map(({ subject, at }) => [subject, at]));
    const all = subjects(side);
    await until(`all ${what} mails ran (${side})`, () => all.every((one) => times().has(one)), DEADLINE_MS);
    return all.map((one) => times().get(one)!);
  };
  const ends = {
    durable: await ran('durable'),
    builtin: await ran('builtin'),
    webhook: await ran('webhook'),
  };
  const seen = subjects('durable').map((subject) => bare.arrivals.get(subject) ?? NaN);
  const recorded = await recordings(n8n);
  const since = (from: (index: number) => number, to: readonly number[]): number[] =>
    to.map((at, index) => at - from(index));
  return {
    bare: since((index) => sent[index]!.durable, seen),
    recorded: since(
      (index) => sent[index]!.durable,
      subjects('durable').map((subject) => recorded.get(subject)!),
    ),
    durable: since((index) => sent[index]!.durable, ends.durable),
    builtin: since((index) => sent[index]!.builtin, ends.builtin),
    n8n: since((index) => posted[index]!, ends.webhook),
  };
}

/** When each mail was written to the ledger, on this process's monotonic clock. */
async function recordings(n8n: Bench['n8n']): Promise<Map<string, number>> {
  const behind = Date.now() - performance.now();
  const rows = await n8n.ledger<{ subject: string; at: number }>(
    'select subject, recorded_at as at from message',
  );
  return new Map(rows.map(({ subject, at }) => [subject, at - behind]));
}

async function post(url: string, subject: string): Promise<void> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ subject }),
  });
  if (!response.ok) throw new Error(`The webhook answered ${response.status}`);
}

function latencySection(times: ReadonlyMap<Series, Times>): Section {
  const rows: string[][] = [];
  const verdicts: Verdict[] = [];
  for (const [{ mails, apart }, { bare, recorded, durable, builtin, n8n }] of times) {
    const series = `${mails} mails, one every ${apart}`;
    const row = (what: string, numbers: readonly number[]): string[] => [
      series,
      what,
      ...[0.5, 0.95].map((share) => ms(percentile(numbers, share))),
    ];
    rows.push(
      row('bare client: it has the mail', bare),
      row('durable: the mail is in the ledger', recorded),
      row('durable: the workflow posts', durable),
      row('built-in: the workflow posts', builtin),
      row('n8n alone: a webhook until its workflow posts', n8n),
    );
    for (const share of [0.5, 0.95]) {
      const name = `one every ${apart}, ${share === 0.5 ? 'p50' : 'p95'}`;
      const at = (numbers: readonly number[]): number => percentile(numbers, share);
      verdicts.push({
        aim: `${name}: not above the built-in's`,
        is: `${ms(at(durable))} against ${ms(at(builtin))}`,
        met: at(durable) <= at(builtin),
      });
    }
    const later = recorded.map((time, index) => time - bare[index]!);
    verdicts.push({
      aim: `one every ${apart}: in the ledger at most ${MOST_BEHIND_BARE_MS} ms after the bare client has it (median of the differences)`,
      is: ms(median(later)),
      met: median(later) <= MOST_BEHIND_BARE_MS,
    });
    const behind = durable.map((time, index) => time - bare[index]!);
    const most = median(n8n) + MOST_BEHIND_BARE_MS;
    verdicts.push({
      aim: `one every ${apart}: the workflow posts at most ${MOST_BEHIND_BARE_MS} ms after the bare client has the mail, besides what n8n alone takes (${ms(median(n8n))}): ${ms(most)} in all`,
      is: ms(median(behind)),
      met: median(behind) <= most,
    });
  }
  return {
    title: 'From arrival to workflow',
    text: `The time from the mail server's answer to APPEND until the workflow's first step, an HTTP request, reaches its
target. Two mailboxes get the same mails, one for each trigger, in turn: n8n has the expressions' isolate of one execution
ready, and of two that begin together the second waits for its own, whichever trigger it is of. The bare client idles on the durable
trigger's mailbox, fetches what is announced, and idles again at once: it does not store anything and starts nothing. Most
of its time is Dovecot's, which waits up to half a second before it announces a mail. The durable trigger has written the
mail to disk before it runs anything; when it has is in the table, too. What n8n itself needs to start an execution and
post is measured in between with a workflow that a webhook starts.`,
    head: ['Mails', 'Until', 'p50', 'p95'],
    rows,
    verdicts,
  };
}
