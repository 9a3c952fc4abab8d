// One try, and one look for what is in doubt: what its sender says of it, whatever the sender does.
// Invariants: what was handed over and has no answer is in doubt, never failed; a sender that does not end is not waited for.
import type { DueEntry, Entry, EntryOutcome } from '../ledger/outbox';
import { errorText, type Log } from '../runtime/log';
import type { Held } from './held';
import type { Sender, TryEnd } from './sender';
import { afterLook, afterTry, canBeLookedFor, type Found } from './tries';

/** No try takes longer. */
const MOST_TRY_MS = 15 * 60_000;
/** Once its signal has aborted, a sender is waited for so long. */
const MOST_LEAVE_MS = 10_000;
/** Before the next try, after a fault of ours. */
const FAULT_MS = 60_000;

export interface AttemptTimes {
  readonly mostTryMs: number;
  readonly mostLeaveMs: number;
}

export const ATTEMPT_TIMES: AttemptTimes = { mostTryMs: MOST_TRY_MS, mostLeaveMs: MOST_LEAVE_MS };

/** Never rejects. @returns what became of it */
export async function trySending(
  entry: DueEntry,
  sender: Sender,
  held: Held,
  log: Log,
  times = ATTEMPT_TIMES,
): Promise<TryEnd> {
  const { signal } = held;
  if (signal.aborted) return LEFT;
  try {
    const sent = sender.send(entry, { signal, handOver: () => held.handOver() });
    return (await ended(sent, held, times)) ?? cutOff(held);
  } catch (error) {
    log.error(`A fault while something was sent: ${errorText(error)}`, { entry: entry.id, kind: entry.kind });
    const text = `A fault of this package: ${errorText(error)}`;
    return held.isHandedOver
      ? { end: 'unknown', error: text }
      : { end: 'returned', error: text, afterMs: FAULT_MS };
  }
}

/** Never rejects. @returns undefined: it cannot be looked for */
export async function lookFor(
  entry: DueEntry,
  sender: Sender,
  held: Held,
  log: Log,
  times = ATTEMPT_TIMES,
): Promise<Found | undefined> {
  if (!sender.look || !canBeLookedFor(entry, sender)) return undefined;
  try {
    const found = (await ended(sender.look(entry, held.signal), held, times)) ?? null;
    if (typeof found === 'object' && found)
      log.warn(`What is in doubt could not be looked for: ${found.cannot}`, { entry: entry.id });
    return found;
  } catch (error) {
    log.error(`What is in doubt could not be looked for: ${errorText(error)}`, {
      entry: entry.id,
      kind: entry.kind,
    });
    return null;
  }
}

/** What is to be stored of one that was in doubt. @param known as the log has it */
export const outcomeOfLook = (
  entry: DueEntry,
  found: Found | undefined,
  known: Entry | undefined,
  sender: Sender,
): EntryOutcome => {
  const { lastError = null, lastAnswer = null } = known ?? {};
  return afterLook({ ...entry, lastError, lastAnswer }, found, sender);
};

export const outcomeOfTry = (entry: DueEntry, end: TryEnd, sender: Sender): EntryOutcome =>
  afterTry(entry, end, sender);

/** It was not begun, since this process ends. */
export const LEFT: TryEnd = {
  end: 'returned',
  error: 'The process that was to send it has ended before.',
  afterMs: 0,
};

const cutOff = (held: Held): TryEnd =>
  held.isHandedOver
    ? { end: 'unknown', error: 'Nothing more was heard of it after it was handed over.' }
    : {
        ...LEFT,
        error: 'It was begun, and let go before it was handed over: it took too long, or the process ended.',
      };

/** Undefined: it did not end in time. */
async function ended<T>(promise: Promise<T>, held: Held, times: AttemptTimes): Promise<T | undefined> {
  const timers = [setTimeout(() => held.abort(), times.mostTryMs).unref()];
  // What is not waited for must not become an unhandled rejection.
  promise.catch(() => undefined);
  let leave = (): void => undefined;
  const left = new Promise<undefined>((resolve) => {
    leave = () => void timers.push(setTimeout(resolve, times.mostLeaveMs, undefined).unref());
    if (held.signal.aborted) leave();
    else held.signal.addEventListener('abort', leave, { once: true });
  });
  try {
    return await Promise.race([promise, left]);
  } finally {
    held.signal.removeEventListener('abort', leave);
    timers.forEach((timer) => clearTimeout(timer));
  }
}
