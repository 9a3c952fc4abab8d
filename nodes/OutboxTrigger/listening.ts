// The trigger's side in n8n's main process: reads what people have to see to, and starts an execution for each, one after the other.
// Invariants: once its settings were accepted nothing ends it but its close: a ledger that is away is waited for; its place in the
// changes moves when n8n has taken an execution and run it, or has had ten minutes for it, so nothing is left out where a process
// dies. Should the same be handed over again, n8n knows it by its key, and starts no second execution.
import { createHash } from 'node:crypto';
import type { ITriggerFunctions } from 'n8n-workflow';
import { type Notice, Notices, type NoticesAsked } from '../../engine/outbox/notices';
import { newReader } from '../../engine/outbox/reader';
import { backoffDelay } from '../../engine/runtime/backoff';
import { errorText } from '../../engine/runtime/log';
import { pause } from '../../engine/runtime/time';
import { closeFunctionOf } from '../host/listen/closing';
import { log } from '../host/n8n/log';
import { emitted } from '../host/n8n/newer';
import { openStore, processState, type Store } from '../host/store/store';
import { itemOf } from './items';

/** An execution that runs for longer was stored long ago: what comes after it need not wait. */
const MOST_RUN_MS = 10 * 60_000;

/** @returns n8n's close function */
export async function listenToOutbox(
  context: ITriggerFunctions,
  asked: NoticesAsked,
): Promise<() => Promise<void>> {
  const name = `${context.getWorkflow().id}:${context.getNode().id}`;
  const { listeners } = processState();
  // n8n can register one node twice at once and close only the later one: the newest shuts the older out.
  const before = listeners.get(name);
  const closing = new AbortController();
  let begun = (): void => undefined;
  const hasBegun = new Promise<void>((resolve) => (begun = resolve));
  const ended = listenUntil(context, asked, closing.signal, begun, before?.close());
  const listener = {
    close: async (): Promise<void> => {
      closing.abort();
      await ended;
    },
  };
  listeners.set(name, listener);
  // From when it is published, its place is kept; a ledger that is away is not waited for here.
  await Promise.race([hasBegun, pause(BEGIN_MS, closing.signal)]);
  return closeFunctionOf(name, listener);
}

const BEGIN_MS = 5_000;
const SAY_MS = 10_000;

async function listenUntil(
  context: ITriggerFunctions,
  asked: NoticesAsked,
  signal: AbortSignal,
  begun: () => void,
  before: Promise<void> | undefined,
): Promise<void> {
  await before;
  for (let failures = 0; !signal.aborted;) {
    try {
      const store = await openStore(context);
      await store.own();
      const notices = await noticesOf(context, asked, store);
      await notices.begin();
      begun();
      failures = 0;
      await whileListening(store, () => notices.run(signal));
    } catch (error) {
      if (isAborted(signal)) return;
      failures++;
      log.error(`"${context.getNode().name}" does not listen to the outbox: ${errorText(error)}`, {
        failures,
      });
      await pause(backoffDelay(failures, { firstMs: 1_000, mostMs: 60_000 }), signal);
    }
  }
}

const isAborted = (signal: AbortSignal): boolean => signal.aborted;

/** A process in which it listens sends what is queued, as one with a mail trigger does. */
async function whileListening(store: Store, run: () => Promise<void>): Promise<void> {
  const listener = {};
  store.listeners.add(listener);
  const stopSending = store.send();
  // Others are told that somebody sends as long as it says that it listens.
  const saying = setInterval(() => {
    store
      .own()
      .catch((error: unknown) =>
        log.warn(`The outbox is listened to, which cannot be said: ${errorText(error)}`),
      );
  }, SAY_MS).unref();
  try {
    await run();
  } finally {
    clearInterval(saying);
    stopSending();
    store.listeners.delete(listener);
    if (store.listeners.size === 0) await store.ledger.leave().catch(() => undefined);
  }
}

async function noticesOf(context: ITriggerFunctions, asked: NoticesAsked, store: Store): Promise<Notices> {
  const { ledger, wake } = store;
  const reader = newReader(context.getWorkflow().id ?? '', context.getNode().id);
  const ledgerId = await ledger.ledgerId();
  const tell = async (notice: Notice, signal: AbortSignal): Promise<void> => {
    const key = createHash('sha256')
      .update(JSON.stringify([ledgerId, reader.name, notice.id]))
      .digest('hex');
    const done = emitted(context, [itemOf(notice)], `durable-mail-outbox:${key.slice(0, 40)}`);
    const over = pause(MOST_RUN_MS, signal).then(() => {
      // Nobody knows whether it was taken: it is told again, and n8n knows the key.
      if (signal.aborted) throw new Error('The trigger was closed while its workflow ran');
    });
    await Promise.race([done, over]);
    // What a later end brings concerns nobody here.
    over.catch(() => undefined);
    done.catch(() => undefined);
  };
  return new Notices({ ledger, wake, log, reader, asked, tell });
}
