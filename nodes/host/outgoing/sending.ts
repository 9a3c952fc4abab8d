// What becomes of the entries of a run: sent now, by this process, or left to whoever sends in the background.
// Invariants: an entry that is settled already is not touched; what is not settled when the time is over goes on by itself, and is
// told as it stands; that its turn comes with the next minute alone fails no run; that nobody listens is said, not found out.
import type { IExecuteFunctions } from 'n8n-workflow';
import type { Entry } from '../../../engine/ledger/outbox';
import type { Ledger } from '../../../engine/ledger/ledger';
import type { SourceHealth } from '../../../engine/ledger/inspection';
import { isOpen } from '../../../engine/outbox/waiters';
import type { OutboxWorker } from '../../../engine/outbox/worker';
import type { Queued } from './queueing';

/** Of the whole call: nobody can wait for one item and not for another. */
export const isInBackground = (context: IExecuteFunctions): boolean =>
  context.getNodeParameter('sending', 0, 'now') === 'background';

export interface Patience {
  /** For as long as nothing is settled, ms. 0: nobody waits. */
  readonly waitMs: number;
  /** So many a minute, at the most; null: no limit. */
  readonly mostAMinute: number | null;
  /** The run is stopped. */
  readonly signal: AbortSignal;
}

/** What may not go out within this minute waits for the next one, and not on the time of the run. */
const NEXT_MINUTE_MS = 65_000;

/** For how long a run has waited for an entry. */
export interface Waited {
  readonly waitedMs: number;
  /** So many of its kind may go out here, which may be what has held it; null: it is not that. */
  readonly mostAMinute: number | null;
}

type Times = Pick<Patience, 'waitMs' | 'mostAMinute'>;

/** No try of it was begun: others of its lane, of this run or of any, may have used up the minute. */
const mayBeHeld = (entry: Entry, { waitMs, mostAMinute }: Times): boolean => {
  const isUntried = entry.state === 'QUEUED' && entry.tries === 0 && entry.lastError === null;
  return mostAMinute !== null && waitMs > 0 && isUntried && entry.restsUntil === null;
};

export const waitedFor = (entry: Entry, times: Times): Waited =>
  mayBeHeld(entry, times)
    ? { waitedMs: times.waitMs + NEXT_MINUTE_MS, mostAMinute: times.mostAMinute }
    : { waitedMs: times.waitMs, mostAMinute: null };

/** @returns how each stands, by its id */
export async function sendNow(
  outbox: Pick<OutboxWorker, 'sendNow'>,
  queued: readonly Pick<Queued, 'entry'>[],
  { signal, ...times }: Patience,
): Promise<ReadonlyMap<string, Entry>> {
  const known = new Map(queued.map(({ entry }) => [entry.id, entry]));
  const open = (): Entry[] => [...known.values()].filter(isOpen);
  let isNextMinute = false;
  for (let before = open(); before.length > 0;) {
    const ids = before.map(({ id }) => id);
    const untilMs = isNextMinute ? NEXT_MINUTE_MS : times.waitMs;
    for (const entry of await outbox.sendNow(ids, { untilMs, signal })) known.set(entry.id, entry);
    const left = open();
    const isStill = left.length === before.length;
    if (signal.aborted || (isStill && (isNextMinute || !left.some((entry) => mayBeHeld(entry, times)))))
      break;
    isNextMinute = isStill;
    before = left;
  }
  return known;
}

interface Heard {
  readonly listeners: ReadonlySet<unknown>;
  readonly ledger: Pick<Ledger, 'isListenedTo'> & {
    sources(): Promise<readonly Pick<SourceHealth, 'served'>[]>;
  };
}

/** Whether any process sends what is queued: each does in which a trigger of this ledger listens; an Outbox Trigger has no source. */
export async function isSentBySomebody({ listeners, ledger }: Heard): Promise<boolean> {
  if (listeners.size > 0 || (await ledger.isListenedTo())) return true;
  return (await ledger.sources()).some(({ served }) => served);
}

/** Whether all of them that are open go on by themselves. */
export const goOn = async (entries: Iterable<Entry>, heard: Heard): Promise<boolean> =>
  ![...entries].some(isOpen) || isSentBySomebody(heard);

/** Who would have to send what waits, where nobody does. */
export const ONLY_BY =
  'when a workflow with a Durable IMAP Trigger, a Durable Gmail Trigger or an Outbox Trigger is published that keeps its emails in the ' +
  'same ledger, and none is';

/** Said at once, where nobody does. */
export const nobodySends = (what: string): string =>
  `The ${what} waits: in the background it is sent ${ONLY_BY}. Publish a workflow with one of them, or choose "Now" under "Send".`;
