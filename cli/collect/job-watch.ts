// One account of one job: subscribed, and its mailboxes watched, until it is stopped.
// Invariant: its place in the ledger is named by the job and the account: whatever else of it changes, it goes on where it stood.
import type { Engine } from '../../engine/instance/engine';
import { Roster } from '../../engine/imap/watch/roster';
import { accountName } from '../../engine/imap/session/login';
import type { ImapSubscriber } from '../../engine/imap/watch/subscriber';
import type { NodeId } from '../../engine/ledger/serving';
import type { Log } from '../../engine/runtime/log';
import type { OutageReporting } from '../../engine/source/source';
import { loginOf } from '../config/account';
import { readingOf, subscriptionOf } from '../config/job';
import type { ToDo } from './to-do';

const OUTAGE: OutageReporting = { afterMs: 15 * 60_000, whenOver: true };

export interface JobWatchPorts {
  readonly engine: Pick<Engine, 'ledger' | 'imap' | 'served'>;
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
  readonly #roster: Roster;
  #ids: readonly number[] = [];

  /** @throws Error: what it takes cannot be compiled */
  constructor(todo: ToDo, ports: JobWatchPorts) {
    this.#todo = todo;
    this.#ports = ports;
    const { ledger, imap } = ports.engine;
    const { account, job, name } = todo;
    const said = `Job ${name}, account ${todo.accountName}`;
    const login = loginOf(todo.accountName, account);
    const joinedAt = Date.now();
    const listener: Omit<ImapSubscriber, 'subscription' | 'reading'> = {
      ...{ login, mostConnections: account.mostConnections, hasActions: false, outage: OUTAGE, joinedAt },
      begun: () => true,
      synced: () => undefined,
      report: (fault) => ports.log.error(`${said}: its mail is not being read. ${fault.message}`),
      warn: (fault) => ports.log.warn(`${said}: ${fault.message}`),
      reportOver: (lastedMs) =>
        ports.log.info(`${said}: its mail is being read again, after ${Math.ceil(lastedMs / 60_000)} min`),
      // Host and user stand beside the secrets, and an edit of them is another watch.
      moved: () => undefined,
    };
    this.#roster = new Roster(
      {
        ...nodeOf(todo),
        nodeName: `${name} (${todo.accountName})`,
        account: accountName(account),
        subscription: subscriptionOf(job),
        reading: readingOf(job),
        login,
      },
      {
        ...{ ledger, registry: imap, log: ports.log, listed: () => undefined, moved: listener.moved },
        subscriber: (subscription, reading) => ({ ...listener, subscription, reading }),
        changed: (ids) => this.#serve(ids),
        failed: (fault, failures) => {
          if (failures === 1) ports.log.warn(`${said}: its mailboxes cannot be listed: ${fault.message}`);
        },
      },
    );
  }

  get subscriptionIds(): readonly number[] {
    return this.#ids;
  }

  /** @throws LedgerFault */
  async start(): Promise<void> {
    this.#serve(await this.#roster.start());
    await this.#ports.engine.served.serve(nodeOf(this.#todo));
  }

  /** Nothing of it is read any more. @param isGone nobody will go on with it */
  async stop(isGone: boolean): Promise<void> {
    await this.#roster.stop();
    if (isGone) await this.#ports.engine.served.leave(nodeOf(this.#todo));
  }

  #serve(ids: readonly number[]): void {
    this.#ids = ids;
    this.#ports.serves(ids);
  }
}
