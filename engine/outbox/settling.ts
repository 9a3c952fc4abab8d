// Stores what became of entries: those that end while the ledger is busy go together.
// Invariant: it is asked again until the ledger has answered, or the worker is closed and its time is over: what is not stored
// then lapses by its lease.
import type { EntryRef, SettledEntry } from '../ledger/outbox';
import { backoffDelay } from '../runtime/backoff';
import { errorText, type Log } from '../runtime/log';
import { pause } from '../runtime/time';
import type { OutboxLedger } from './ports';

const MOST_TOGETHER = 200;
/** Below the time for which others are spared after an outage (outage.ts). */
const BETWEEN_TRIES = { firstMs: 100, mostMs: 2_000 };

interface Waiting {
  readonly settled: SettledEntry;
  readonly done: (isStored: boolean) => void;
}

export class Settling {
  readonly #ledger: Pick<OutboxLedger, 'settleEntries'>;
  readonly #log: Log;
  readonly #told: (stored: readonly SettledEntry[]) => void;
  readonly #closing = new AbortController();
  #waiting: Waiting[] = [];
  #isStoring = false;

  /** @param told hears of those that were stored, right after it */
  constructor(
    ledger: Pick<OutboxLedger, 'settleEntries'>,
    log: Log,
    told: (stored: readonly SettledEntry[]) => void,
  ) {
    this.#ledger = ledger;
    this.#log = log;
    this.#told = told;
  }

  /** Never rejects. @returns whether it was still ours, and is stored */
  settle(settled: SettledEntry): Promise<boolean> {
    return new Promise((done) => {
      this.#waiting.push({ settled, done });
      if (!this.#isStoring) void this.#store();
    });
  }

  /** What waits is not asked again. */
  close(): void {
    this.#closing.abort();
  }

  async #store(): Promise<void> {
    this.#isStoring = true;
    // Those that end in the same instant go together.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const together = this.#waiting.slice(0, MOST_TOGETHER);
      this.#waiting = this.#waiting.slice(MOST_TOGETHER);
      const entries = together.map(({ settled }) => settled);
      const theirs = new Set((await this.#ask(entries)).map(name));
      const isTheirs = (entry: EntryRef): boolean => theirs.has(name(entry));
      for (const { settled, done } of together) done(isTheirs(settled));
      this.#told(entries.filter(isTheirs));
    }
    this.#isStoring = false;
  }

  async #ask(entries: readonly SettledEntry[]): Promise<readonly EntryRef[]> {
    for (let failures = 1; ; failures++) {
      try {
        return await this.#ledger.settleEntries(entries);
      } catch (error) {
        const text = `What became of ${entries.length} that were sent cannot be stored yet: ${errorText(error)}`;
        this.#log.error(text, { failures });
        if (this.#closing.signal.aborted) return [];
        await pause(backoffDelay(failures, BETWEEN_TRIES), this.#closing.signal);
      }
    }
  }
}

const name = ({ id, fence }: EntryRef): string => `${id} ${fence}`;
