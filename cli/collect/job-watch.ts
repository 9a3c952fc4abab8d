// One account of one job: subscribed, and its mailboxes watched, until it is stopped.
// Invariant: its place in the ledger is named by the job and the account: whatever else of it changes, it goes on where it stood.
import type { Engine } from '../../engine/instance/engine';
import type { NodeId } from '../../engine/ledger/serving';
import type { Log } from '../../engine/runtime/log';
import type { OutageReporting } from '../../engine/source/source';
import { saidOf, type ToDo } from './to-do';
import { type Listener, type Watching, watchingOf } from './watching';

const OUTAGE: OutageReporting = { afterMs: 15 * 60_000, whenOver: true };

export interface JobWatchPorts {
  readonly engine: Pick<Engine, 'ledger' | 'imap' | 'gmail' | 'served'>;
  readonly log: Log;
  /** Its subscriptions, also those that were found since. */
  readonly serves: (subscriptionIds: readonly number[]) => void;
}

const nodeOf = ({ name, accountName }: Pick<ToDo, 'name' | 'accountName'>): NodeId => ({
  workflowId: `collector:${name}`,
  nodeId: accountName,
});

export class JobWatch {
  readonly #todo: ToDo;
  readonly #ports: JobWatchPorts;
  readonly #watching: Watching;
  /** By their names. */
  readonly #sources = new Set<string>();
  #ids: readonly number[] = [];

  /** @throws Error: what it takes cannot be compiled */
  constructor(todo: ToDo, ports: JobWatchPorts) {
    this.#todo = todo;
    this.#ports = ports;
    const said = saidOf(todo);
    const listener: Listener = {
      ...{ hasActions: false, outage: OUTAGE, joinedAt: Date.now() },
      begun: () => true,
      synced: () => undefined,
      report: (fault) => ports.log.error(`${said}: its mail is not being read. ${fault.message}`),
      warn: (fault) => ports.log.warn(`${said}: ${fault.message}`),
      reportOver: (lastedMs) =>
        ports.log.info(`${said}: its mail is being read again, after ${Math.ceil(lastedMs / 60_000)} min`),
      // Host and user stand beside the secrets, and an edit of them is another watch.
      moved: () => undefined,
    };
    this.#watching = watchingOf(todo, {
      ...{ engine: ports.engine, log: ports.log, node: nodeOf(todo), listener },
      reads: (source) => this.#sources.add(source),
      changed: (ids) => this.#serve(ids),
      failed: (fault, failures) => {
        if (failures === 1) ports.log.warn(`${said}: its mailboxes cannot be listed: ${fault.message}`);
      },
    });
  }

  get sources(): Iterable<string> {
    return this.#sources;
  }

  get subscriptionIds(): readonly number[] {
    return this.#ids;
  }

  /** @throws LedgerFault */
  async start(): Promise<void> {
    this.#serve(await this.#watching.start());
    await this.#ports.engine.served.serve(nodeOf(this.#todo));
  }

  /** Nothing of it is read any more. @param isGone nobody will go on with it */
  async stop(isGone: boolean): Promise<void> {
    try {
      await this.#watching.stop();
    } finally {
      if (isGone) await this.#ports.engine.served.leave(nodeOf(this.#todo));
    }
  }

  #serve(ids: readonly number[]): void {
    this.#ids = ids;
    this.#ports.serves(ids);
  }
}
