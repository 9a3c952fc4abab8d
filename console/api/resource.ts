// What the page shows of one address: the newest answer, whether it is being asked for, and why that failed.
// Invariants: an answer that was overtaken by a later question is dropped; what was shown stays shown while it is asked for
// anew and when that fails; it is never asked more often than its pace allows.
import { batch, signal, type ReadonlySignal } from '@preact/signals';
import { later, paced } from './later';
import { Unanswered } from './request';

export class Resource<Data> {
  readonly #ask: (signal: AbortSignal) => Promise<Data>;
  readonly #data = signal<Data | null>(null);
  readonly #error = signal<string | null>(null);
  readonly #isAsked = signal(false);
  #asking: AbortController | null = null;
  /** Calls off what is to be asked soon. */
  #callOff: (() => void) | null = null;
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
    this.#rest();
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
    this.#callOff ??= later(this.#askedAt + paced(paceMs), () => {
      this.#callOff = null;
      // A slow answer is waited for: broken off each time, it would never come.
      if (this.#isAsked.peek()) this.soon(paceMs);
      else void this.load();
    });
  }

  /** What is shown may be old. @param hasHoles else only what has failed may be */
  anew(hasHoles: boolean): void {
    if (hasHoles || this.#error.peek() !== null) void this.load();
  }

  /** Until there is an answer, for what is known already. */
  change(change: (data: Data) => Data): void {
    if (this.#data.value !== null) this.#data.value = change(this.#data.value);
  }

  /** What there was is another's. */
  clear(): void {
    this.#rest();
    this.#asking = null;
    batch(() => {
      this.#data.value = null;
      this.#error.value = null;
      this.#isAsked.value = false;
    });
  }

  /** Nothing is asked any more. */
  #rest(): void {
    this.#callOff?.();
    this.#callOff = null;
    this.#asking?.abort();
  }
}
