// The trigger's side in n8n's main process: reads what people have to see to, and starts an execution for each, one after the other.
// Invariants: once its settings were accepted nothing ends it but its close: a ledger that is away is waited for, and a person is
// told of what does not pass by itself, or lasts. Of several n8n that share the ledger one listens. Its place in the changes moves
// when n8n has taken an execution and run it, or has had ten minutes for it, so nothing is left out where a process dies. Should the
// same be handed over again, n8n knows it by its key, and starts no second execution.
import { createHash } from 'node:crypto';
import type { ITriggerFunctions } from 'n8n-workflow';
import type { NodeId } from '../../engine/ledger/serving';
import { type Notice, Notices, type NoticesAsked } from '../../engine/outbox/notices';
import { newReader } from '../../engine/outbox/reader';
import { errorText } from '../../engine/runtime/log';
import { firstOf, pause } from '../../engine/runtime/time';
import { faultOf, tellPeople, triggerName } from '../host/listen/alarm';
import { registered } from '../host/listen/closing';
import { KeepListening } from '../host/listen/keep-listening';
import { assertOfThisN8n } from '../host/listen/of-one-n8n';
import { whileStoreIs } from '../host/listen/same-store';
import { isByPerson } from '../host/n8n/activation';
import { log } from '../host/n8n/log';
import { emitted } from '../host/n8n/newer';
import { type Listener, openStore, type Store } from '../host/store/store';
import { MINUTE_MS, NUMBERS } from '../host/trigger/numbers';
import { itemOf } from './items';

/** An execution that runs for longer was stored long ago: what comes after it need not wait. */
const MOST_RUN_MS = 10 * 60_000;
/** How long n8n waits for its place to be kept. */
const BEGIN_MS = 5_000;
/** As long as the mail triggers wait where nobody has chosen. */
const OUTAGE_MS = NUMBERS.reportAfter.default * MINUTE_MS;

/** @returns n8n's close function */
export async function listenToOutbox(
  context: ITriggerFunctions,
  asked: NoticesAsked,
): Promise<() => Promise<void>> {
  const { listener, close } = registered(context, (before) => new OutboxListener(context, asked, before));
  await listener.begin();
  return close;
}

class OutboxListener implements Listener {
  readonly #context: ITriggerFunctions;
  readonly #asked: NoticesAsked;
  readonly #closing = new AbortController();
  readonly #keeping: KeepListening;
  /** Aborted when its place is kept, or cannot be yet. */
  readonly #begins = new AbortController();
  #hasBegun = false;
  readonly #ended: Promise<void>;

  constructor(context: ITriggerFunctions, asked: NoticesAsked, before: Promise<void> | undefined) {
    this.#context = context;
    this.#asked = asked;
    this.#keeping = new KeepListening(
      {
        name: triggerName(context),
        afterMs: OUTAGE_MS,
        listen: (signal) => this.#listen(signal),
        heals: (error) => error instanceof NotTaken,
        isAwaited: () => !this.#hasBegun && isByPerson(context),
        failed: () => this.#begins.abort(),
        report: (error) => this.#report(error),
      },
      this.#closing.signal,
    );
    this.#ended = this.#keeping.run(before);
  }

  /** From when it is published, its place is kept; a ledger that is away is not waited for here. */
  async begin(): Promise<void> {
    await pause(BEGIN_MS, AbortSignal.any([this.#begins.signal, this.#closing.signal]));
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#ended;
  }

  async #listen(signal: AbortSignal): Promise<void> {
    const store = await this.#keeping.step('the mail ledger to be opened', openStore(this.#context));
    await this.#keeping.step('the mail ledger to be its own', store.own());
    const { ledger } = store;
    const node = this.#node;
    await this.#keeping.step('whether it listens alone', assertOfThisN8n(ledger, node, this.#context));
    const notices = await this.#notices(store);
    await this.#keeping.step('its place in the changes', notices.begin());
    this.#hasBegun = true;
    this.#begins.abort();
    this.#keeping.listens();
    await whileSending(store, async () => {
      let reading: Promise<void> | undefined;
      try {
        await firstOf(signal, [
          (until) => whileStoreIs(store, this.#context, node, until),
          (until) => (reading = notices.run(until)),
        ]);
      } finally {
        await reading;
      }
    });
  }

  get #node(): NodeId {
    return { workflowId: this.#context.getWorkflow().id ?? '', nodeId: this.#context.getNode().id };
  }

  async #notices({ ledger, wake }: Store): Promise<Notices> {
    const context = this.#context;
    const { workflowId, nodeId } = this.#node;
    const reader = newReader(workflowId, nodeId);
    const ledgerId = await ledger.ledgerId();
    return new Notices({
      ...{ ledger, wake, log, reader, asked: this.#asked },
      tell: (notice, signal) => hand(context, notice, keyOf(ledgerId, reader.name, notice.id), signal),
      stuck: (error) => this.#keeping.cannotRead(error),
      freed: () => this.#keeping.listens(),
    });
  }

  #report(error: unknown): void {
    tellPeople(
      this.#context,
      { kind: 'outboxNotRead', fault: faultOf(error) },
      `The outbox is not being read: ${errorText(error)}`,
      'The trigger stays active and goes on trying. What happens in the meantime starts the workflow as soon as it can, ' +
        'unless that lasts for more than a day.',
    );
  }
}

/** n8n has not taken an execution, or did not run it to its end. */
class NotTaken extends Error {}

/** Hands it to n8n, and waits for its run, for ten minutes at most. @throws NotTaken */
async function hand(
  context: ITriggerFunctions,
  notice: Notice,
  key: string,
  signal: AbortSignal,
): Promise<void> {
  const done = emitted(context, [itemOf(notice)], key);
  const over = pause(MOST_RUN_MS, signal).then(() => {
    // Nobody knows whether it was taken: it is told again, and n8n knows the key.
    if (signal.aborted) throw new Error('The trigger was closed while its workflow ran');
  });
  // What a later end brings concerns nobody here.
  over.catch(() => undefined);
  done.catch(() => undefined);
  await Promise.race([done, over]).catch((error: unknown) => {
    throw new NotTaken(`n8n did not run the workflow: ${errorText(error)}`, { cause: error });
  });
}

const keyOf = (ledgerId: string, reader: string, noticeId: string): string =>
  `durable-mail-outbox:${createHash('sha256')
    .update(JSON.stringify([ledgerId, reader, noticeId]))
    .digest('hex')
    .slice(0, 40)}`;

/** A process in which it listens sends what is queued, as one with a mail trigger does. */
async function whileSending(store: Store, run: () => Promise<void>): Promise<void> {
  const listener = {};
  store.listeners.add(listener);
  const stopSending = store.send();
  try {
    await run();
  } finally {
    stopSending();
    store.listeners.delete(listener);
    if (store.listeners.size === 0) await store.ledger.leave().catch(() => undefined);
  }
}
