// What the page shows of one address: the newest answer, whether it is being asked for, and why that failed.
// Invariants: an answer that was overtaken by a later question is dropped; what was shown stays shown while it is asked for
// anew and when that fails; it is never asked more often than its pace allows.
import { batch, signal, type ReadonlySignal } from '@preact/signals';
import { Unanswered } from './ask';
import { settings } from './settings';

/** A hit costs 200 times as much there. */
const SLOWER_BUNDLED = 15;

const LEAST_WAIT_MS = 100;

export class Resource<Data> {
  readonly #ask: (signal: AbortSignal) => Promise<Data>;
  readonly #data = signal<Data | null>(null);
  readonly #error = signal<string | null>(null);
  readonly #isAsked = signal(false);
  #asking: AbortController | null = null;
  #timer: number | undefined;
  #askedAt = Number.NEGATIVE_INFINITY;

  constructor(ask: (signal: AbortSignal) => Promise<Data>) {
    this.#ask = ask;
  }

  /** null: there is no answer yet. */
  get data(): ReadonlySignal<Data | null> {
    return this.#data;
  }

  get error(): ReadonlySignal<string | null> {
    return this.#error;
  }

  get isAsked(): ReadonlySignal<boolean> {
    return this.#isAsked;
  }

  /** Now. It does not throw: what fails is in `error`. */
  async load(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#asking?.abort();
    const asking = new AbortController();
    this.#asking = asking;
    this.#askedAt = performance.now();
    this.#isAsked.value = true;
    try {
      const data = await this.#ask(asking.signal);
      if (!asking.signal.aborted) batch(() => ((this.#data.value = data), (this.#error.value = null)));
    } catch (error) {
      if (!asking.signal.aborted)
        this.#error.value = error instanceof Unanswered ? error.message : String(error);
    } finally {
      if (this.#asking === asking) this.#isAsked.value = false;
    }
  }

  /** Soon, once for all who say so meanwhile. @param paceMs not sooner than so long after it was asked for last */
  soon(paceMs: number): void {
    if (this.#timer !== undefined) return;
    const pace = settings.bundled ? paceMs * SLOWER_BUNDLED : paceMs;
    const wait = Math.max(LEAST_WAIT_MS, this.#askedAt + pace - performance.now());
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      // A slow answer is waited for: broken off each time, it would never come.
      if (this.#isAsked.peek()) this.soon(paceMs);
      else void this.load();
    }, wait);
  }

  /** Until there is an answer, for what is known already. */
  change(change: (data: Data) => Data): void {
    if (this.#data.value !== null) this.#data.value = change(this.#data.value);
  }

  /** What there was is another's. */
  clear(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#asking?.abort();
    this.#asking = null;
    batch(() => {
      this.#data.value = null;
      this.#error.value = null;
      this.#isAsked.value = false;
    });
  }
}
