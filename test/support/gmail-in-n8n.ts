// A Gmail account with published workflows, in a real n8n: what arrived, what ran, what it cost.
import assert from 'node:assert/strict';
import type { FakeAccount } from './gmail/account';
import type { FakeGmail } from './gmail/fake';
import { gmailWorkflow, type GmailWorkflow, postGmail } from './gmail-workflow';
import type { N8n, StoredEvent } from './n8n';
import { Sink } from './sink';
import { until } from './until';
import { runOnce, type Step } from './workflows';

export interface Tally {
  readonly expected: number;
  /** Mails that did not run, that ran more than once, and that should not have run. */
  readonly lost: number;
  readonly repeated: number;
  readonly unwanted: number;
  /** What the calls of the account have cost, in units of the new table. */
  readonly units: number;
}

interface Published extends Partial<GmailWorkflow> {
  /** Run Once stands before the step: it is done once, also if its run is cut off and tried again. */
  readonly guarded?: boolean;
  /** What is done with each mail instead of posting what identifies it. */
  readonly posting?: (sink: Sink) => readonly Step[];
}

/** What may come too much comes soon. */
const TOO_MUCH_MS = 8_000;

export class GmailInN8n {
  readonly account: FakeAccount;
  readonly n8n: N8n;
  readonly gmail: FakeGmail;
  /** Gmail ids that have to run, by workflow. */
  readonly #expected = new Map<string, Set<string>>();
  readonly #sinks = new Map<string, Sink>();

  constructor(n8n: N8n, gmail: FakeGmail, address: string) {
    this.n8n = n8n;
    this.gmail = gmail;
    this.account = gmail.account(address);
  }

  /** A workflow that posts each mail. @returns its id */
  async workflow({ guarded = false, posting, ...settings }: Published = {}): Promise<string> {
    const sink = await Sink.start();
    const steps = posting?.(sink) ?? [...(guarded ? [runOnce()] : []), postGmail(sink)];
    const { address } = this.account;
    const id = await gmailWorkflow(this.n8n, this.gmail, { address, steps, ...settings });
    this.#expected.set(id, new Set());
    this.#sinks.set(id, sink);
    return id;
  }

  async publish(settings: Published = {}): Promise<string> {
    const id = await this.workflow(settings);
    const publishedAt = Date.now();
    await this.n8n.api.publish(id);
    await this.n8n.watching(id, 180_000, publishedAt);
    return id;
  }

  /** These mails are due to the workflow; without it, to every one. */
  expect(mails: Iterable<string>, workflowId?: string): void {
    for (const [id, expected] of this.#expected) {
      if (workflowId === undefined || workflowId === id) for (const mail of mails) expected.add(mail);
    }
  }

  /** So many mails arrive that are due to every workflow. */
  deliver(count: number, fields: (index: number) => object = () => ({})): void {
    const mails = Array.from({ length: count }, (_, index) =>
      this.account.deliver({ subject: `mail ${index}`, ...fields(index) }),
    );
    this.expect(mails);
  }

  sink(workflowId: string): Sink {
    return this.#sinks.get(workflowId)!;
  }

  /** How many different mails have run. */
  ran(workflowId: string): number {
    return new Set(this.sink(workflowId).accepted.map(({ text }) => text)).size;
  }

  /** Waits until so many different mails have run, and no more of them. */
  async hasRun(workflowId: string, count: number, deadlineMs = 120_000): Promise<void> {
    await until(`${count} mails have run`, () => this.ran(workflowId) >= count, deadlineMs);
    assert.equal(this.ran(workflowId), count);
  }

  /** The items that were posted whole. */
  items(workflowId: string): Readonly<Record<string, unknown>>[] {
    const bodies = this.sink(workflowId).accepted.map(({ attachment }) => attachment.toString('utf8'));
    return bodies.map((body) => JSON.parse(body) as Readonly<Record<string, unknown>>);
  }

  async events(workflowId: string): Promise<StoredEvent[]> {
    return (await this.n8n.events()).filter(({ workflow }) => workflow === workflowId);
  }

  /** What n8n stores of each failed execution that says so. */
  async told(workflowId: string, what: RegExp): Promise<string[]> {
    const { api } = this.n8n;
    const filter = encodeURIComponent(JSON.stringify({ workflowId, status: ['error'] }));
    const failed = await api.executions(`limit=100&filter=${filter}`);
    const stored = (await Promise.all(
      failed.map(({ id }) => api.request('GET', `/rest/executions/${id}`)),
    )) as { readonly data: string }[];
    return stored.map(({ data }) => data).filter((data) => what.test(data));
  }

  /** Waits until people are told. @returns what n8n stores of it */
  async isTold(workflowId: string, what: RegExp, deadlineMs = 120_000): Promise<string> {
    const told = await until(
      `${what.source} is told`,
      async () => (await this.told(workflowId, what))[0],
      deadlineMs,
      500,
    );
    return told;
  }

  /** Waits until all that is due has run and is settled, and a moment longer. */
  async tally(deadlineMs = 300_000): Promise<Tally> {
    const isOver = async (): Promise<boolean> =>
      [...this.#expected].every(([id, { size }]) => this.ran(id) >= size) && (await this.#isSettled());
    // What is still missing then is counted.
    await until(`the mails of ${this.account.address} have run`, isOver, deadlineMs, 500).catch(
      () => undefined,
    );
    await new Promise((resolve) => setTimeout(resolve, TOO_MUCH_MS));
    const tally = { expected: 0, lost: 0, repeated: 0, unwanted: 0, units: this.account.spent() };
    for (const [id, expected] of this.#expected) {
      const counts = new Map<string, number>();
      for (const { text } of this.sink(id).accepted) counts.set(text, (counts.get(text) ?? 0) + 1);
      tally.expected += expected.size;
      tally.lost += [...expected].filter((mail) => !counts.has(mail)).length;
      tally.unwanted += [...counts.keys()].filter((mail) => !expected.has(mail)).length;
      tally.repeated += [...counts.values()].filter((count) => count > 1).length;
    }
    return tally;
  }

  async close(): Promise<void> {
    for (const [id, sink] of this.#sinks) {
      await this.n8n.api.unpublish(id);
      await sink.close();
    }
  }

  async #isSettled(): Promise<boolean> {
    const events = await this.n8n.events();
    return events
      .filter(({ workflow }) => this.#expected.has(workflow))
      .every(({ state }) => ['DONE', 'DEAD', 'GONE'].includes(state));
  }
}

/** Fails unless every mail ran once, and no other. */
export function assertWhole({ expected, lost, repeated, unwanted }: Tally): void {
  assert.ok(expected > 0, 'there was something to run');
  assert.deepEqual({ lost, repeated, unwanted }, { lost: 0, repeated: 0, unwanted: 0 });
}
