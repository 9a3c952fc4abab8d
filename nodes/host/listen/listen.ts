// The trigger's side in n8n's main process: subscribe, watch, offer; until n8n closes it.
// Invariant: once the settings were accepted nothing ends it but its close (keep-listening.ts).
import type { ITriggerFunctions } from 'n8n-workflow';
import type { DispatcherSettings } from '../../../engine/delivery/dispatcher';
import type { SourceKey } from '../../../engine/ledger/sources';
import type { Subscription, SubscriptionSettings } from '../../../engine/ledger/subscriptions';
import type { TriggerNode } from '../../../engine/ledger/serving';
import type { OutageReporting, Subscriber } from '../../../engine/source/source';
import { isByPerson } from '../n8n/activation';
import { registered } from './closing';
import type { BeginsSomewhere, Collector, CollectorPorts, Listening } from './collector';
import { emitRun } from './emit';
import { KeepListening } from './keep-listening';
import { tellOfLeftBehind } from './left-behind';
import { LostLedger } from './lost-ledger';
import { runSlots } from './most-runs';
import { assertOfThisN8n } from './of-one-n8n';
import { PlaceInMail } from './place-in-mail';
import { whileStoreIs } from './same-store';
import { type Listener, openStore, type Store } from '../store/store';
import { Telling } from './telling';
import { triggersOf } from '../n8n/workflow-triggers';

/** What all triggers have; what is special of a kind of source is its collector's. */
export interface ListenSettings {
  readonly delivery: DispatcherSettings;
  readonly subscription: SubscriptionSettings;
  readonly outage: OutageReporting;
  /** What people are told of a mail names its sender and subject. */
  readonly alarmsShowMail: boolean;
}

/**
 * Begins to listen. Resolves when every mail that arrives from then on is sure to run, whatever happens.
 * @returns n8n's close function: within 100 ms nothing new is recorded or emitted for this trigger
 */
export async function listen(
  context: ITriggerFunctions,
  settings: ListenSettings,
  collector: Collector,
): Promise<() => Promise<void>> {
  const { listener, close } = registered(
    context,
    (before) => new TriggerListener(context, settings, collector, before),
  );
  await listener.begin();
  return close;
}

class TriggerListener implements Listener {
  readonly #context: ITriggerFunctions;
  readonly #settings: ListenSettings;
  readonly #collector: Collector;
  readonly #telling: Telling;
  readonly #lost: LostLedger;
  readonly #closing = new AbortController();
  readonly #place = new PlaceInMail();
  readonly #keeping: KeepListening;
  readonly #registeredAt = Date.now();
  /** The triggers that its workflow had when it was started; null: nobody could see them. */
  readonly #triggers: ReturnType<typeof triggersOf>;
  /** What its workflow has may have changed since: this counts when it begins only. */
  #isNew = true;
  #store: Store | undefined;
  #serving: Promise<unknown> | undefined;
  #closed: Promise<void> | undefined;
  readonly #ended: Promise<void>;

  constructor(
    context: ITriggerFunctions,
    settings: ListenSettings,
    collector: Collector,
    before: Promise<void> | undefined,
  ) {
    this.#context = context;
    this.#settings = settings;
    this.#collector = collector;
    this.#telling = new Telling(context, collector, settings.alarmsShowMail);
    this.#triggers = triggersOf(context);
    this.#lost = new LostLedger(context, this.#telling);
    this.#keeping = new KeepListening(
      {
        name: this.#telling.name,
        afterMs: settings.outage.afterMs,
        listen: (signal) => this.#listen(signal),
        heals: (error) => collector.heals(error),
        isAwaited: () => !this.#lost.wasOpened && isByPerson(context),
        // n8n need not wait for a place that cannot be found now.
        failed: () => this.#place.giveUp(),
        report: (error) => this.#report(error),
      },
      this.#closing.signal,
    );
    this.#ended = this.#keeping.run(before);
  }

  /** Waits until a new subscription has its place in the mail, but not for long. */
  async begin(): Promise<void> {
    const begunAt = await this.#place.begin();
    if (begunAt !== null && !this.#closing.signal.aborted) this.#lost.placed(begunAt);
  }

  /** Once: a newer registration of the node may serve what this one had. */
  close(): Promise<void> {
    return (this.#closed ??= this.#close());
  }

  async #close(): Promise<void> {
    this.#closing.abort();
    await this.#serving?.catch(() => undefined);
    await this.#store?.served.leave(this.#trigger);
    await this.#ended;
  }

  get #trigger(): TriggerNode {
    const { id: nodeId, name: nodeName } = this.#context.getNode();
    const present = this.#isNew ? this.#triggers : null;
    return { workflowId: this.#context.getWorkflow().id!, nodeId, nodeName, ...(present && { present }) };
  }

  /** Listens to the account that the credential names now, until it names another one or n8n closes. */
  async #listen(signal: AbortSignal): Promise<void> {
    const store = await this.#keeping.step('the mail ledger to be opened', openStore(this.#context));
    const { ledger, runs } = store;
    await this.#keeping.step('the mail ledger to be its own', store.own());
    await this.#keeping.step(
      'whether it listens alone',
      assertOfThisN8n(ledger, this.#trigger, this.#context),
    );
    await this.#keeping.step('what n8n keeps of the trigger', this.#lost.opened(ledger));
    await this.#keeping.step('its place in the mail ledger', (this.#serving = this.#serve(store)));
    const moved = new AbortController();
    const collecting = await this.#keeping.step(
      'its credential and its mailboxes',
      this.#collector.collect(
        store,
        this.#ports(moved, (ids) => dispatcher.serve(ids)),
      ),
    );
    if (signal.aborted) return;
    const dispatcher = store.deliver(this.#settings.delivery, {
      slots: runSlots(),
      emit: (run) => emitRun(this.#context, run, runs, ledger.place),
      report: (ended) => this.#telling.setAside(ended),
      reportUnclaimed: (error, runs) => this.#telling.unclaimed(error, runs),
    });
    let stopping: Promise<unknown> | undefined;
    const stop = (): Promise<unknown> => (stopping ??= Promise.all([dispatcher.stop(), collecting.stop()]));
    const onClose = (): void => void stop();
    signal.addEventListener('abort', onClose, { once: true });
    store.listeners.add(this);
    try {
      const trigger = this.#trigger;
      dispatcher.serve(await this.#keeping.step('the watch of its mailboxes to begin', collecting.start()));
      this.#keeping.listens();
      if (this.#isNew) this.#lookForLeft(store, trigger, signal);
      this.#isNew = false;
      await whileStoreIs(store, this.#context, this.#trigger, AbortSignal.any([signal, moved.signal]));
    } finally {
      signal.removeEventListener('abort', onClose);
      await stop();
      store.listeners.delete(this);
      if (store.listeners.size === 0) await ledger.leave().catch(() => undefined);
    }
  }

  async #serve(store: Store): Promise<void> {
    if (this.#closing.signal.aborted) return;
    if (this.#store !== store) await this.#store?.served.leave(this.#trigger);
    this.#store = store;
    await store.served.serve(this.#trigger);
  }

  #lookForLeft({ ledger }: Store, trigger: TriggerNode, signal: AbortSignal): void {
    if (!trigger.present) return;
    const others = this.#triggers!.filter(({ id, disabled }) => !disabled && id !== trigger.nodeId);
    const ids = others.map(({ id }) => id);
    void tellOfLeftBehind(trigger, ids, ledger, this.#telling, signal);
  }

  #ports(moved: AbortController, changed: CollectorPorts['changed']): CollectorPorts {
    return {
      trigger: this.#trigger,
      subscription: this.#settings.subscription,
      subscriber: (subscription, listening, source) =>
        this.#subscriber(subscription, this.#lost.begins(subscription, listening, source), source, moved),
      begunAt: () => this.#place.begunAt,
      joined: () => this.#place.found('collector'),
      changed,
      late: () => this.#place.giveUp(),
      report: (fault) => this.#report(fault),
      moved: () => moved.abort(),
    };
  }

  #subscriber<Login, Reading extends BeginsSomewhere>(
    subscription: Subscription,
    listening: Listening<Login, Reading>,
    source: SourceKey,
    moved: AbortController,
  ): Subscriber<Login, Reading> {
    // Whoever begins with "now" has to see it, before people are told that the trigger listens.
    if (subscription.cursor === null || listening.reading.skipWhileOff) this.#place.awaits(subscription.id);
    const { afterSuccess, whenDead } = this.#settings.subscription;
    return {
      ...listening,
      subscription,
      outage: this.#settings.outage,
      hasActions: afterSuccess !== null || whenDead !== null,
      joinedAt: this.#registeredAt,
      isByPerson: this.#isNew && isByPerson(this.#context),
      begun: () => this.#place.begunAt !== null,
      synced: () => {
        this.#lost.synced(source);
        this.#place.found(subscription.id);
      },
      report: (fault) => this.#report(fault),
      warn: (fault) => this.#telling.warn(fault),
      reportOver: (lastedMs) => this.#telling.readAgain(lastedMs),
      moved: () => moved.abort(),
    };
  }

  #report(error: unknown): void {
    this.#place.giveUp();
    this.#telling.notRead(error);
  }
}
