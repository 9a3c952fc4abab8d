// The Mail Ledger node behind a webhook: each question is a workflow of its own.
import type { EventRecord } from '../../../engine/ledger/inspection';
import { type Bench, chain, type Node, webhook } from './bench';

/** An event, as the node shows it. */
export interface Shown extends Pick<
  EventRecord,
  'state' | 'attempt' | 'sender' | 'subject' | 'workflowId' | 'hasContent' | 'served'
> {
  readonly eventId: string;
  readonly recordedAt: string;
}

const ledgerNode = (parameters: object): Node => ({
  name: 'Mail Ledger',
  type: 'n8n-nodes-durable-mail.mailLedger',
  typeVersion: 1,
  parameters,
});

let calls = 0;

export class MailLedgerNode {
  readonly #bench: Bench;

  constructor(bench: Bench) {
    this.#bench = bench;
  }

  /** The items that the node gives. @throws RunError */
  readonly ask = async <Item = Shown>(
    parameters: object,
    steps: readonly Node[] = [],
    body = {},
  ): Promise<Item[]> => {
    const path = `ledger-${++calls}`;
    const nodes = [webhook(path), ...steps, ledgerNode(parameters)];
    const id = await this.#bench.published(nodes, chain(...nodes.map(({ name }) => name)));
    const response = await this.#bench.call(path, body);
    if (response.status !== 200) throw await this.#bench.errorOf(id);
    return (await response.json()) as Item[];
  };

  /** What an operation on events answers. */
  readonly acted = async (
    operation: string,
    parameters: object,
  ): Promise<{ count: number; unserved?: number; message?: string }> => {
    const [answer] = await this.ask<{ count: number }>({ resource: 'event', operation, ...parameters });
    return answer!;
  };

  readonly act = async (operation: string, parameters: object): Promise<number> =>
    (await this.acted(operation, parameters)).count;
}
