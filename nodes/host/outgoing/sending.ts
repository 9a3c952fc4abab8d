// What becomes of the entries of a run: sent now, by this process, or left to whoever sends in the background.
// Invariants: an entry that is settled already is not touched; what is not settled when the time is over goes on by itself, and is
// told as it stands; that nobody listens is said, not found out.
import type { Entry } from '../../../engine/ledger/outbox';
import type { SourceHealth } from '../../../engine/ledger/inspection';
import type { OutboxWorker } from '../../../engine/outbox/worker';
import type { Queued } from './queueing';

export interface Patience {
  /** For as long as nothing is settled, ms. */
  readonly waitMs: number;
  /** So many a minute, at the most; null: no limit. */
  readonly mostAMinute: number | null;
  /** The run is stopped. */
  readonly signal: AbortSignal;
}

/** Who has more to send than may go out within a minute waits for the next one. */
const NEXT_MINUTE_MS = 65_000;

/** Nobody will change it but a person. One that is UNKNOWN, and has a time, is looked for then. */
const isSettled = ({ state, dueAt }: Pick<Entry, 'state' | 'dueAt'>): boolean =>
  state !== 'QUEUED' && state !== 'SENDING' && !(state === 'UNKNOWN' && dueAt !== null);

/** @returns how each stands, by its id */
export async function sendNow(
  outbox: Pick<OutboxWorker, 'sendNow'>,
  queued: readonly Pick<Queued, 'entry'>[],
  { waitMs, mostAMinute, signal }: Patience,
): Promise<ReadonlyMap<string, Entry>> {
  const known = new Map(queued.map(({ entry }) => [entry.id, entry]));
  const isOver = mostAMinute !== null && known.size > mostAMinute;
  const untilMs = isOver ? Math.max(waitMs, NEXT_MINUTE_MS) : waitMs;
  const open = (): string[] => [...known.values()].filter((entry) => !isSettled(entry)).map(({ id }) => id);
  for (let ids = open(); ids.length > 0;) {
    for (const entry of await outbox.sendNow(ids, { untilMs, signal })) known.set(entry.id, entry);
    const left = open();
    if (left.length === ids.length || signal.aborted) break;
    ids = left;
  }
  return known;
}

interface Heard {
  readonly listeners: ReadonlySet<unknown>;
  readonly ledger: { sources(): Promise<readonly Pick<SourceHealth, 'served'>[]> };
}

/** Whether any process sends what is queued: each does in which a trigger of this ledger listens. */
export async function isSentBySomebody({ listeners, ledger }: Heard): Promise<boolean> {
  return listeners.size > 0 || (await ledger.sources()).some(({ served }) => served);
}

/** Said at once, where nobody does. */
export const nobodySends = (what: string): string =>
  `The ${what} waits: it is sent in the background by an n8n in which a Durable Mail trigger is published, and none is. ` +
  'Publish a workflow with a Durable IMAP Trigger or a Durable Gmail Trigger that keeps its emails in the same ledger, or choose ' +
  '"Now" under "Send".';
