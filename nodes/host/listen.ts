// The trigger's side in n8n's main process: subscribe, watch, offer; until n8n closes it.
// Invariant: once the settings were accepted nothing ends it but its close. Whatever fails is tried again in
// the background, because n8n gives up on a trigger that throws or reports an error (5 tries, then for good).
import type { ITriggerFunctions } from 'n8n-workflow';
import { NodeOperationError } from 'n8n-workflow';
import { Dispatcher, type DispatcherSettings } from '../../engine/delivery/dispatcher';
import { ImapFault } from '../../engine/imap/session/fault';
import { accountName, type ImapLogin } from '../../engine/imap/session/login';
import type { ImapSubscriber } from '../../engine/imap/watch/mailbox';
import type { MailboxChoice } from '../../engine/imap/session/mailboxes';
import type { ImapReading } from '../../engine/imap/read/reading';
import { Roster } from '../../engine/imap/watch/roster';
import { LedgerFault } from '../../engine/ledger/fault';
import type { Ended, Subscription, SubscriptionSettings } from '../../engine/ledger/ledger';
import { backoffDelay } from '../../engine/runtime/backoff';
import { errorText } from '../../engine/runtime/log';
import { monotonicNow, pause } from '../../engine/runtime/time';
import type { OutageReporting } from '../../engine/source/source';
import { emitRun } from './emit';
import { log } from './log';
import { type Listener, openStore, processState, type Store } from './store';

/**
 * How long n8n waits for a new trigger to find its place in the mailbox, before it says that the trigger is active.
 * It would give up after 84 s; a mailbox that is reached later is read from the subscription's beginning, by date.
 */
const BEGIN_MS = 10_000;

/** n8n closes all triggers within one budget of 30 s: a mail server that is slow to say goodbye is not waited for. */
const CLOSE_MS = 80;

/** How often it is looked whether another database was chosen: an edited credential restarts nothing. */
const STORE_LOOK_MS = 60_000;

/** Mailboxes that could not be listed so often: a person is told. */
const LIST_FAILURES_TOLD = 3;

export interface ListenSettings {
  readonly mailboxes: MailboxChoice;
  readonly delivery: DispatcherSettings;
  readonly subscription: SubscriptionSettings;
  readonly reading: ImapReading;
  readonly outage: OutageReporting;
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
  /** Mailboxes whose place is not known yet; the roster counts until it knows them all. */
  readonly #placing = new Set<number | 'roster'>(['roster']);
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
    let failingSince = 0;
    let told = false;
    while (!signal.aborted) {
      try {
        await this.#listen(signal);
        failures = 0;
        told = false;
      } catch (error) {
        if (failures === 0) failingSince = monotonicNow();
        failures++;
        log.error(`${this.#name()} is not listening: ${errorText(error)}`, { failures });
        const { afterMs } = this.#settings.outage;
        const lasts = afterMs !== null && monotonicNow() - failingSince > afterMs;
        if (!told && (!heals(error) || lasts)) {
          told = true;
          this.#report(error);
        }
        // n8n need not wait for a place that cannot be found now.
        this.#placed.abort();
        await pause(backoffDelay(failures, { firstMs: 1_000, mostMs: 60_000 }), signal);
      }
    }
  }

  /** Listens to the account that the credential names now, until it names another one or n8n closes. */
  async #listen(signal: AbortSignal): Promise<void> {
    const store = await openStore(this.#context);
    const { ledger, wake, runs, imap } = store;
    store.keepHouse();
    const login = await this.#settings.login();
    if (signal.aborted) return;
    const moved = new AbortController();
    const { mailboxes, reading, delivery } = this.#settings;
    const roster = new Roster(
      {
        workflowId: this.#context.getWorkflow().id!,
        nodeId: this.#context.getNode().id,
        account: accountName(login),
        choice: mailboxes,
        subscription: this.#settings.subscription,
        reading,
        login: this.#settings.login,
      },
      {
        ledger,
        registry: imap,
        log,
        subscriber: (subscription, begins) => this.#subscriber(subscription, begins, login, moved),
        changed: (ids) => dispatcher.serve(ids),
        failed: (fault, failures) => {
          this.#placed.abort();
          if (failures === LIST_FAILURES_TOLD) this.#report(fault);
        },
        moved: () => moved.abort(),
        listed: () => this.#placedIn('roster'),
      },
    );
    const dispatcher = new Dispatcher([], delivery, {
      ledger,
      wake,
      log,
      emit: (run) => emitRun(this.#context, run, runs),
      report: (ended) => this.#reportEnded(ended),
      renewRuns: () => runs.renewAll(),
    });
    let stopping: Promise<unknown> | undefined;
    const stop = (): Promise<unknown> => (stopping ??= Promise.all([dispatcher.stop(), roster.stop()]));
    const onClose = (): void => void stop();
    signal.addEventListener('abort', onClose, { once: true });
    try {
      dispatcher.serve(await roster.start());
      await this.#whileStoreIs(store, AbortSignal.any([signal, moved.signal]));
    } finally {
      signal.removeEventListener('abort', onClose);
      await stop();
    }
  }

  #subscriber(
    subscription: Subscription,
    reading: ImapReading,
    login: ImapLogin,
    moved: AbortController,
  ): ImapSubscriber {
    // Whoever begins with "now" has to see it, before people are told that the trigger listens.
    if (subscription.cursor === null || reading.skipWhileOff) this.#placing.add(subscription.id);
    const { afterSuccess, whenDead } = this.#settings.subscription;
    return {
      subscription,
      reading,
      outage: this.#settings.outage,
      hasActions: afterSuccess !== null || whenDead !== null,
      mostConnections: login.mostConnections,
      joinedAt: Date.now(),
      begun: () => this.#begun,
      synced: () => this.#placedIn(subscription.id),
      login: this.#settings.login,
      report: (fault) => this.#report(fault),
      warn: (fault) => this.#tell(fault.message, 'The trigger stays active.'),
      reportOver: (lastedMs) => this.#reportOver(lastedMs),
      moved: () => moved.abort(),
    };
  }

  #placedIn(place: number | 'roster'): void {
    this.#placing.delete(place);
    if (this.#placing.size === 0) this.#placed.abort();
  }

  /** Resolves when the signal aborts, or another database was chosen for the ledger. */
  async #whileStoreIs(store: Store, signal: AbortSignal): Promise<void> {
    for (;;) {
      await pause(STORE_LOOK_MS, signal);
      if (signal.aborted) return;
      // One that cannot be opened now is no reason to leave the one that is open.
      const now = await openStore(this.#context).catch(() => store);
      if (now !== store) return;
    }
  }

  #report(error: unknown): void {
    this.#placed.abort();
    this.#tell(
      `${this.#mailboxes()} is not being read: ${errorText(error)}`,
      'The trigger stays active and goes on trying. No mail is lost.',
    );
  }

  #reportOver(lastedMs: number): void {
    const minutes = Math.max(1, Math.round(lastedMs / 60_000));
    this.#tell(
      `${this.#mailboxes()} is being read again, after ${minutes === 1 ? 'a minute' : `${minutes} minutes`}.`,
      'This is no failure: the trigger was set to tell when an outage is over. The mails of the meantime run now.',
    );
  }

  #mailboxes(): string {
    const { mailboxes } = this.#settings;
    if (mailboxes.kind === 'pattern') return `Mailbox "${mailboxes.pattern}"`;
    return `Mailbox ${mailboxes.names.map((name) => `"${name}"`).join(', ')}`;
  }

  #reportEnded({ event, state, failures, executionId, account, mailbox, uid }: Ended): void {
    const times = failures === 1 ? 'once' : `${failures} times`;
    const what =
      state === 'DEAD'
        ? `A mail was set aside as DEAD: its run failed ${times}, and no more tries are left.`
        : 'A mail was set aside as UNKNOWN: nobody knows how its run ended, and it is to run once at most.';
    const last = executionId ? `Its last run was execution ${executionId}. ` : '';
    this.#tell(
      `${what} Mailbox "${mailbox}" of ${account}, UID ${uid ?? 'unknown'}, event ${event}.`,
      `${last}The mail is kept in the mail ledger: the Mail Ledger node can show it, and run it again (Replay).`,
    );
  }

  /** Tells a person: a failed execution, and the error workflow. The trigger stays up. */
  #tell(message: string, description: string): void {
    try {
      const node = this.#context.getNode();
      this.#context.saveFailedExecution(new NodeOperationError(node, message, { description }));
    } catch (failure) {
      log.error(`${this.#name()}: ${message} n8n did not take the report: ${errorText(failure)}`);
    }
  }

  #name(): string {
    return `The trigger "${this.#context.getNode().name}" of workflow ${this.#context.getWorkflow().id}`;
  }
}

/** A ledger, or a provider of tokens, that cannot be reached is an outage like any other. */
const heals = (error: unknown): boolean =>
  (error instanceof LedgerFault && error.kind === 'unreachable') ||
  (error instanceof ImapFault && error.kind !== 'login');
