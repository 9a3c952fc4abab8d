// The trigger's side in n8n's main process: subscribe, watch, offer; until n8n closes it.
// Invariant: once the settings were accepted nothing ends it but its close. Whatever fails is tried again in
// the background, because n8n gives up on a trigger that throws or reports an error (5 tries, then for good).
import type { ITriggerFunctions } from 'n8n-workflow';
import { NodeOperationError } from 'n8n-workflow';
import { Dispatcher } from '../../engine/delivery/dispatcher';
import { accountName, type ImapLogin } from '../../engine/imap/login';
import { backoffDelay } from '../../engine/runtime/backoff';
import { errorText } from '../../engine/runtime/log';
import { pause } from '../../engine/runtime/time';
import { emitPointer } from './emit';
import { type Listener, log, openStore, processState } from './store';

/**
 * How long n8n waits for a new trigger to find its place in the mailbox, before it says that the trigger is active.
 * It would give up after 84 s; a mailbox that is reached later is read from the subscription's beginning, by date.
 */
const BEGIN_MS = 10_000;

/** n8n closes all triggers within one budget of 30 s: a mail server that is slow to say goodbye is not waited for. */
const CLOSE_MS = 80;

export interface ListenSettings {
  readonly mailbox: string;
  readonly mostInFlight: number;
  readonly retryDelaysMs: readonly number[];
  readonly login: () => Promise<ImapLogin>;
}

/**
 * Begins to listen. Resolves when every mail that arrives from then on is sure to run, whatever happens.
 * @returns n8n's close function: within 100 ms nothing new is recorded or emitted for this trigger
 */
export async function listen(
  context: ITriggerFunctions,
  settings: ListenSettings,
): Promise<() => Promise<void>> {
  const name = `${context.getWorkflow().id}:${context.getNode().id}`;
  const { listeners } = processState();
  // n8n can register one node twice at once and close only the later one: the newest shuts the older out.
  const before = listeners.get(name);
  const listener = new ImapListener(context, settings, before?.close());
  listeners.set(name, listener);
  await listener.begin();
  return async () => {
    if (listeners.get(name) === listener) listeners.delete(name);
    await Promise.race([listener.close(), pause(CLOSE_MS, new AbortController().signal)]);
  };
}

class ImapListener implements Listener {
  readonly #context: ITriggerFunctions;
  readonly #settings: ListenSettings;
  readonly #closing = new AbortController();
  /** Aborted when there is nothing more to wait for: the place in the mailbox is known, or cannot be yet. */
  readonly #placed = new AbortController();
  readonly #ended: Promise<void>;
  #begun = false;

  constructor(context: ITriggerFunctions, settings: ListenSettings, before: Promise<void> | undefined) {
    this.#context = context;
    this.#settings = settings;
    this.#ended = this.#run(before);
  }

  /** Waits until a new subscription has its place in the mailbox, but not for long. */
  async begin(): Promise<void> {
    await pause(BEGIN_MS, this.#placed.signal);
    this.#begun = true;
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#ended;
  }

  async #run(before: Promise<void> | undefined): Promise<void> {
    const { signal } = this.#closing;
    await before;
    let failures = 0;
    while (!signal.aborted) {
      try {
        await this.#listen(signal);
        failures = 0;
      } catch (error) {
        failures++;
        log.error(`${this.#name()} is not listening: ${errorText(error)}`, { failures });
        if (failures === 1) this.#report(error);
        await pause(backoffDelay(failures, { firstMs: 1_000, mostMs: 60_000 }), signal);
      }
    }
  }

  /** Listens to the account that the credential names now, until it names another one or n8n closes. */
  async #listen(signal: AbortSignal): Promise<void> {
    const { ledger, wake, runs, imap } = await openStore();
    const { login, mailbox, mostInFlight, retryDelaysMs } = this.#settings;
    const source = { kind: 'imap', account: accountName(await login()), mailbox } as const;
    const workflowId = this.#context.getWorkflow().id!;
    const nodeId = this.#context.getNode().id;
    const subscription = await ledger.subscribe({ workflowId, nodeId, source, retryDelaysMs });
    if (signal.aborted) return;
    if (subscription.cursor !== null) this.#placed.abort();

    const moved = new AbortController();
    const leave = imap.join(source, {
      subscription,
      begun: () => this.#begun,
      synced: () => this.#placed.abort(),
      login,
      report: (fault) => this.#report(fault),
      moved: () => moved.abort(),
    });
    const dispatcher = new Dispatcher(
      { subscriptionIds: subscription.openIds, mostInFlight },
      {
        ledger,
        wake,
        log,
        emit: (pointer) => emitPointer(this.#context, pointer, runs),
        renewRuns: () => runs.renewAll(),
      },
    );
    await new Promise<void>((resolve) => {
      AbortSignal.any([signal, moved.signal]).addEventListener('abort', () => resolve(), { once: true });
    });
    await Promise.all([dispatcher.stop(), leave()]);
  }

  /** Tells a person: a failed execution, and the error workflow. The trigger stays up. */
  #report(error: unknown): void {
    this.#placed.abort();
    const message = `Mailbox "${this.#settings.mailbox}" is not being read: ${errorText(error)}`;
    try {
      this.#context.saveFailedExecution(
        new NodeOperationError(this.#context.getNode(), message, {
          description: 'The trigger stays active and goes on trying. No mail is lost.',
        }),
      );
    } catch (failure) {
      log.error(`${this.#name()}: ${message} n8n did not take the report: ${errorText(failure)}`);
    }
  }

  #name(): string {
    return `The trigger "${this.#context.getNode().name}" of workflow ${this.#context.getWorkflow().id}`;
  }
}
