// Workflows of any shape in a real n8n, with steps that post to sinks, and what became of their runs.
import assert from 'node:assert/strict';
import { Cleanup } from '../../support/cleanup';
import { Dovecot } from '../../support/dovecot';
import { rawMail } from '../../support/mails';
import { N8n, type StoredEvent } from '../../support/n8n';
import { Sink } from '../../support/sink';
import { until } from '../../support/until';
import { credentialData, type Step } from '../../support/workflows';

export const PATIENCE_MS = 120_000;

/** A node as n8n stores it, without its place. */
export interface Node extends Step {
  readonly credentials?: object;
  readonly onError?: 'continueRegularOutput' | 'continueErrorOutput';
  /** Without it an older n8n puts the workflow and the node into the path of a webhook. */
  readonly webhookId?: string;
}

/** From one node to the next; the output counts from 0, which is the default. */
export type Edge = readonly [from: string, to: string, output?: number];

/** Why a run ended without success. */
export class RunError extends Error {
  constructor(
    message: string,
    readonly description: string,
    readonly itemIndex: number | undefined,
  ) {
    super(message);
  }
}

export const chain = (...names: string[]): Edge[] =>
  names.slice(1).map((name, index) => [names[index]!, name]);

export const webhook = (path: string): Node => ({
  name: 'Call',
  type: 'n8n-nodes-base.webhook',
  typeVersion: 2,
  webhookId: path,
  parameters: { path, httpMethod: 'POST', responseMode: 'lastNode', responseData: 'allEntries' },
});

/** Nothing of the item that comes is left but these fields. @param json as an expression */
export const only = (json: string): Node => ({
  name: 'Only',
  type: 'n8n-nodes-base.set',
  typeVersion: 3.4,
  parameters: { mode: 'raw', jsonOutput: json, options: {} },
});

/** One item for each part of the field, under its name. */
export const split = (field: string): Node => ({
  name: 'Split',
  type: 'n8n-nodes-base.splitOut',
  typeVersion: 1,
  parameters: { fieldToSplitOut: field, options: { destinationFieldName: 'part' } },
});

/** The sink answers nobody until what is returned is called. */
export function holdUp(sink: Sink): () => void {
  let finish = (): void => undefined;
  const finished = new Promise<number>((resolve) => (finish = () => resolve(200)));
  sink.answer = () => finished;
  return finish;
}

export class Bench {
  readonly #cleanup = new Cleanup();
  dovecot!: Dovecot;
  n8n!: N8n;
  /** The step behind First time, a step after it, and what stands at Already done. */
  guarded!: Sink;
  later!: Sink;
  other!: Sink;
  /** The mailbox of this test, and the path of its webhook. */
  user = '';
  #users = 0;
  #workflows: string[] = [];

  async start(): Promise<void> {
    this.dovecot = await this.#cleanup.of(Dovecot.start());
    this.guarded = await this.#cleanup.of(Sink.start());
    this.later = await this.#cleanup.of(Sink.start());
    this.other = await this.#cleanup.of(Sink.start());
    this.n8n = await this.#cleanup.of(N8n.start({}, { withEditor: true }));
  }

  async dispose(): Promise<void> {
    await this.#cleanup.run();
  }

  begin(): void {
    this.newUser();
    for (const sink of [this.guarded, this.later, this.other]) sink.reset();
  }

  async end(): Promise<void> {
    for (const id of this.#workflows.splice(0)) await this.n8n.api.unpublish(id);
  }

  /** From here on, another mailbox. */
  newUser(): void {
    this.user = `user${++this.#users}`;
  }

  /** @returns the workflow's id */
  async published(nodes: readonly Node[], edges: readonly Edge[]): Promise<string> {
    return this.#publish(await this.made(nodes, edges));
  }

  /** As a whole, as it is imported from a file. @returns the workflow's id */
  async imported(workflow: Parameters<N8n['api']['createWorkflow']>[0]): Promise<string> {
    return this.#publish((await this.n8n.api.createWorkflow(workflow)).id);
  }

  async #publish(id: string): Promise<string> {
    this.#workflows.push(id);
    await this.n8n.api.publish(id);
    return id;
  }

  /** One that is not published. @returns the workflow's id */
  async made(nodes: readonly Node[], edges: readonly Edge[]): Promise<string> {
    const connections: Record<string, { main: { node: string; type: string; index: number }[][] }> = {};
    for (const [from, to, output = 0] of edges) {
      const { main } = (connections[from] ??= { main: [] });
      while (main.length <= output) main.push([]);
      main[output]!.push({ node: to, type: 'main', index: 0 });
    }
    const { id } = await this.n8n.api.createWorkflow({
      name: `Workflow of ${this.user}`,
      nodes: nodes.map((node, index) => ({ id: node.name, position: [220 * index, 0], ...node })),
      connections,
    });
    return id;
  }

  /** A workflow that begins with the mails of `user`; its trigger is called Mail. */
  async publishedMail(steps: readonly Node[], edges: readonly Edge[], options: object = {}): Promise<string> {
    const login = credentialData(this.dovecot.login(this.user));
    const credential = await this.n8n.api.createCredential(this.user, 'imap', login);
    const trigger: Node = {
      name: 'Mail',
      type: 'n8n-nodes-durable-mail.durableImapTrigger',
      typeVersion: 1,
      parameters: {
        mailbox: 'INBOX',
        downloadAttachments: true,
        options: { retrySchedule: '1s', ...options },
      },
      credentials: { imap: { id: credential.id, name: credential.name } },
    };
    const id = await this.published([trigger, ...steps], edges);
    await this.n8n.watching(id);
    return id;
  }

  /** Deletes the workflow for good. */
  async deleted(id: string): Promise<void> {
    this.#workflows = this.#workflows.filter((other) => other !== id);
    await this.n8n.api.unpublish(id);
    await this.n8n.api.request('POST', `/rest/workflows/${id}/archive`, {});
    const remove = async (): Promise<true> => {
      await this.n8n.api.request('DELETE', `/rest/workflows/${id}`);
      return true;
    };
    // n8n takes it out of service in the background.
    await until('the workflow is deleted', remove, PATIENCE_MS, 500);
  }

  /** Calls a webhook, and waits for the end of its run. */
  call(path: string, body: object = {}): Promise<Response> {
    return fetch(`http://127.0.0.1:${this.n8n.port}/webhook/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  }

  append(...subjects: string[]): Promise<void> {
    return this.dovecot.append(
      this.user,
      subjects.map((subject) => rawMail({ subject })),
    );
  }

  /** Waits until these are the states of the workflow's mails, in their order. */
  isNow(workflowId: string, ...states: string[]): Promise<StoredEvent[]> {
    return until(
      `the mails are ${states.join(', ')}`,
      async () => {
        const events = (await this.n8n.events()).filter(({ workflow }) => workflow === workflowId);
        assert.deepEqual(
          events.map(({ state }) => state),
          states,
        );
        return events;
      },
      PATIENCE_MS,
    );
  }

  /** The error of the workflow's newest run that failed. */
  errorOf(workflow: string): Promise<RunError> {
    return until('the error is stored', async () => {
      const failed = (await this.n8n.api.executions()).find(
        ({ workflowId, status }) => workflowId === workflow && status === 'error',
      );
      if (!failed) return null;
      const { data } = (await this.n8n.api.request('GET', `/rest/executions/${failed.id}`)) as {
        data: string;
      };
      return storedError(data);
    });
  }
}

/** n8n stores a run's data flat: a value that is text is the index of another. */
function storedError(data: string): RunError | null {
  const values = JSON.parse(data) as unknown[];
  const at = (...path: string[]): unknown =>
    path.reduce<unknown>((value, name) => {
      const found = (value as Record<string, unknown> | undefined)?.[name];
      return typeof found === 'string' ? values[Number(found)] : found;
    }, values[0]);
  const message = at('resultData', 'error', 'message') as string | undefined;
  const description = at('resultData', 'error', 'description') as string | null | undefined;
  const itemIndex = at('resultData', 'error', 'context', 'itemIndex') as number | undefined;
  return message === undefined ? null : new RunError(message, description ?? '', itemIndex);
}
