// Who waits until entries are settled, here or in another process.
// Invariant: what is settled here is seen at once; what is settled elsewhere is looked for, for all who wait together.
import type { Entry, Outbox } from '../ledger/outbox';
import { Bell } from '../runtime/bell';
import { errorText, type Log } from '../runtime/log';
import { monotonicNow } from '../runtime/time';

const LOOK_MS = 1_000;
/** Asked for at once. */
const MOST_IDS = 500;

/** It will become something else by itself. */
export const isOpen = ({ state, dueAt }: Entry): boolean =>
  state === 'QUEUED' || state === 'SENDING' || (state === 'UNKNOWN' && dueAt !== null);

export interface Waiting {
  /** ms from now. */
  readonly untilMs: number;
  /** Who waits does not wait any more. What is on its way goes on. */
  readonly signal: AbortSignal;
}

export class Waiters {
  readonly #ledger: Pick<Outbox, 'entriesOf'>;
  readonly #log: Log;
  readonly #bells = new Map<string, Set<Bell<'settled'>>>();

  constructor(ledger: Pick<Outbox, 'entriesOf'>, log: Log) {
    this.#ledger = ledger;
    this.#log = log;
  }

  get isEmpty(): boolean {
    return this.#bells.size === 0;
  }

  /** These were settled. */
  ring(ids: Iterable<string>): void {
    for (const id of ids) this.#bells.get(id)?.forEach((bell) => bell.ring('settled'));
  }

  /** @param looked hears of each look */
  async wait(
    ids: readonly string[],
    { untilMs, signal }: Waiting,
    looked: (open: readonly Entry[]) => void = () => undefined,
  ): Promise<readonly Entry[]> {
    const until = monotonicNow() + untilMs;
    const bell = new Bell<'settled'>();
    this.#add(ids, bell);
    try {
      let seen: Map<string, Entry> | undefined;
      for (;;) {
        bell.take('settled');
        const left = until - monotonicNow();
        const isLast = left <= 0 || signal.aborted;
        seen = await this.#look(ids, seen, isLast);
        const entries = ids.flatMap((id) => seen?.get(id) ?? []);
        const open = entries.filter(isOpen);
        if (isLast || (seen && open.length === 0)) return entries;
        looked(open);
        await bell.wait(Math.min(LOOK_MS, left), ['settled'], signal);
      }
    } finally {
      this.#remove(ids, bell);
    }
  }

  /** Those that were settled are not asked for again. @throws LedgerFault nothing was ever seen, and it is the last look */
  async #look(
    ids: readonly string[],
    seen: Map<string, Entry> | undefined,
    isLast: boolean,
  ): Promise<Map<string, Entry> | undefined> {
    const isDone = (id: string): boolean => {
      const entry = seen?.get(id);
      return entry !== undefined && !isOpen(entry);
    };
    const asked = [...new Set(ids)].filter((id) => !isDone(id));
    try {
      const now = new Map(seen);
      for (let at = 0; at < asked.length; at += MOST_IDS) {
        const found = await this.#ledger.entriesOf({ ids: asked.slice(at, at + MOST_IDS) });
        for (const entry of found) now.set(entry.id, entry);
      }
      return now;
    } catch (error) {
      if (isLast && !seen) throw error;
      this.#log.warn(`What is waited for in the outbox cannot be seen for now: ${errorText(error)}`);
      return seen;
    }
  }

  #add(ids: readonly string[], bell: Bell<'settled'>): void {
    for (const id of ids) this.#bells.set(id, (this.#bells.get(id) ?? new Set()).add(bell));
  }

  #remove(ids: readonly string[], bell: Bell<'settled'>): void {
    for (const id of ids) {
      const bells = this.#bells.get(id);
      bells?.delete(bell);
      if (bells?.size === 0) this.#bells.delete(id);
    }
  }
}
