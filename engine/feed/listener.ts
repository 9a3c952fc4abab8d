// One who listens: how far it has been told, and whether it still reads.
// Invariants: nobody waits for it. One that has more than MOST_UNSENT unsent before a write, or was full for FULL_MS, is cut,
// so that it takes no more memory than that and one page; it goes on after the last id that it has. Every one is ended after
// 10 to 15 minutes, when nothing of its is unsent.
import { asksForStats, keyOf } from './asked';
import type { FeedAsk, FeedClient, FeedTimes } from './client';
import { bufferOf, resetFrame, retryFrame } from './frames';

const MOST_UNSENT = 1024 * 1024;
const FULL_MS = 10_000;
const ALIVE_MS = 20_000;
const LIFE_MS = { least: 600_000, most: 900_000 };
const RETRY_MS = { least: 1_000, most: 5_000 };

export interface ListenerEnds {
  /** It is gone; `isCut`: since it did not read. */
  readonly lost: (listener: Listener, isCut: boolean) => void;
  /** It was full, and is not any more. */
  readonly drained: () => void;
}

export class Listener {
  readonly ask: FeedAsk;
  /** The same for all who are told the same. */
  readonly key: string;
  readonly wantsStats: boolean;
  /** All that it asked for up to this position was written; null: nothing was yet, and it is not known where it begins. */
  told: string | null;
  readonly #client: FeedClient;
  readonly #times: FeedTimes;
  readonly #ends: ListenerEnds;
  readonly #endsAt: number;
  #aliveAt: number;
  #fullSince: number | null = null;
  #isGone = false;
  /** Before, `told` may be whatever the client said. */
  #wasTold = false;

  constructor(client: FeedClient, ask: FeedAsk, times: FeedTimes, ends: ListenerEnds) {
    this.ask = ask;
    this.key = keyOf(ask);
    this.wantsStats = asksForStats(ask);
    this.told = ask.after ?? null;
    this.#client = client;
    this.#times = times;
    this.#ends = ends;
    this.#aliveAt = times.now();
    this.#endsAt = this.#aliveAt + between(LIFE_MS, times);
    client.onDrain(() => {
      this.#fullSince = null;
      this.#ends.drained();
    });
    this.write(bufferOf(retryFrame(Math.round(between(RETRY_MS, times)))));
  }

  get isGone(): boolean {
    return this.#isGone;
  }

  get isFull(): boolean {
    return this.#fullSince !== null;
  }

  /** @param frames of what it asked for of all that came up to the position; null: nothing of it */
  tell(frames: Buffer | null, position: string): void {
    if (frames) {
      this.write(frames);
      this.#aliveAt = this.#times.now();
    }
    this.told = position;
    if (this.#wasTold) return;
    this.#wasTold = true;
    this.#client.begin?.(position);
  }

  /** It is to begin anew, after this position. */
  reset(position: string): void {
    const time = new Date().toISOString();
    this.tell(bufferOf(resetFrame({ v: 1, type: 'reset', id: position, time })), position);
  }

  write(chunk: Buffer): void {
    if (this.#isGone) return;
    try {
      if (this.#client.unsent() > MOST_UNSENT) this.#cut();
      else if (!this.#client.write(chunk)) this.#fullSince ??= this.#times.now();
    } catch {
      // It is broken, which concerns nobody else.
      this.#cut();
    }
  }

  /** Every second. @param alive says how far it has been told */
  look(alive: (told: string | null) => Buffer): void {
    const now = this.#times.now();
    if (this.#fullSince !== null) {
      if (now - this.#fullSince >= FULL_MS) this.#cut();
    } else if (now >= this.#endsAt) {
      this.end();
    } else if (now - this.#aliveAt >= ALIVE_MS) {
      this.write(alive(this.#wasTold ? this.told : null));
      this.#aliveAt = now;
    }
  }

  end(): void {
    if (this.left()) this.#client.end();
  }

  /** It went by itself. @returns whether it was there */
  left(isCut = false): boolean {
    if (this.#isGone) return false;
    this.#isGone = true;
    this.#ends.lost(this, isCut);
    return true;
  }

  #cut(): void {
    if (this.left(true)) this.#client.cut();
  }
}

const between = (
  { least, most }: { readonly least: number; readonly most: number },
  { random }: FeedTimes,
): number => least + random() * (most - least);
