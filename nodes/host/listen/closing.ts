// How a trigger is registered, and closed: n8n closes all of a process one after the other, within one budget of 30 s, and ends as
// soon as the last one says that it is closed, whatever was still under way.
// Invariant: none but the last of a process holds n8n up for the goodbye of a mail server; the last waits for all of them, since what
// was read here is given back then: another process would have to see that this one is silent, and the mailboxes would be unread.
import type { ITriggerFunctions } from 'n8n-workflow';
import { within } from '../../../engine/runtime/time';
import { type Listener, processState } from '../store/store';

const CLOSE_MS = 80;
/** A goodbye takes 2 s at most, then come a few calls of the ledger. */
const LAST_CLOSE_MS = 4_000;

/**
 * n8n can register one node twice at once and close only the later one: the newest shuts the older out.
 * @param make is given the older one, as it is closed
 * @returns who listens now, and n8n's close function
 */
export function registered<Registered extends Listener>(
  context: Pick<ITriggerFunctions, 'getNode' | 'getWorkflow'>,
  make: (before: Promise<void> | undefined) => Registered,
): { readonly listener: Registered; readonly close: () => Promise<void> } {
  const name = `${context.getWorkflow().id}:${context.getNode().id}`;
  const { listeners } = processState();
  const listener = make(listeners.get(name)?.close());
  listeners.set(name, listener);
  return { listener, close: closeFunctionOf(name, listener) };
}

/** It never rejects where the listener's does not. */
const closeFunctionOf = (name: string, listener: Listener) => async (): Promise<void> => {
  const { listeners, leaving } = processState();
  if (listeners.get(name) === listener) listeners.delete(name);
  const left = listener.close();
  leaving.add(left);
  const gone = (): boolean => leaving.delete(left);
  left.then(gone, gone);
  await within(CLOSE_MS, left);
  if (listeners.size > 0) return;
  await within(LAST_CLOSE_MS, Promise.allSettled(leaving));
  // Who still has not left is waited for no second time.
  leaving.clear();
};
