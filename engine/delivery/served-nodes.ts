// The triggers of this process that listen to one ledger: what they have is served, and renewed before anything is swept.
// Invariant: what a trigger here has is never swept, whatever the clock did; who stops to listen serves nothing any more.
import type { NodeId, Serving, Unserved } from '../ledger/serving';
import { errorText, type Log } from '../runtime/log';

/** Mails that have waited for nobody for so long are told: an n8n that is started again takes less. */
const UNSERVED_MS = 10 * 60_000;
/** The most that is told at a time. */
const MOST_TOLD = 20;

export class ServedNodes {
  readonly #ledger: Serving;
  readonly #log: Log;
  readonly #nodes = new Map<string, NodeId>();

  constructor(ledger: Serving, log: Log) {
    this.#ledger = ledger;
    this.#log = log;
  }

  /** It listens from now on. @throws LedgerFault */
  async serve({ workflowId, nodeId }: NodeId): Promise<void> {
    const node = { workflowId, nodeId };
    this.#nodes.set(JSON.stringify([workflowId, nodeId]), node);
    await this.#ledger.serve([node]);
  }

  /** It listens no more. Never throws: what cannot be stored now runs out by itself. */
  async leave({ workflowId, nodeId }: NodeId): Promise<void> {
    this.#nodes.delete(JSON.stringify([workflowId, nodeId]));
    await this.#ledger
      .unserve([{ workflowId, nodeId }])
      .catch((error: unknown) =>
        this.#log.debug(`That a trigger does not listen any more was not stored: ${errorText(error)}`),
      );
  }

  /** @throws LedgerFault */
  async renew(): Promise<void> {
    await this.#ledger.serve([...this.#nodes.values()]);
  }

  /** Says in the log, once, for whom nobody listens though mails wait. @throws LedgerFault */
  async tellUnserved(afterMs = UNSERVED_MS): Promise<void> {
    for (const unserved of await this.#ledger.takeUnserved({ afterMs }, MOST_TOLD))
      this.#log.warn(unservedText(unserved));
  }
}

/** What is so, and what to do. */
function unservedText(unserved: Unserved): string {
  const { workflowId, nodeId, nodeName, account, mailbox, waiting, servedAt, goesAt } = unserved;
  return (
    `${waiting === 1 ? '1 mail waits' : `${waiting} mails wait`}, and nobody listens: the trigger ` +
    `"${nodeName ?? nodeId}" of workflow ${workflowId} for ${mailbox} of ${account} has not listened since ${iso(servedAt)}. ` +
    'The workflow is not published, or it was deleted, or the trigger was. Publish it with a trigger for this mailbox ' +
    `to run them, or mark them as done with the Mail Ledger node. Otherwise they are deleted on ${iso(goesAt)}`
  );
}

const iso = (ms: number): string => new Date(ms).toISOString();
