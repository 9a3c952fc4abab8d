// What an event's life should be, step by step: the states of docs/architecture.md as a pure function of what happens.
// It knows nothing of databases; life.ts holds the ledger against it.
// Time is counted in ticks: a retry is due after one, a lease lapses after two.

interface ModelEvent {
  state: string;
  attempt: number;
  failures: number;
  /** The tick at which it is due, or its lease lapses. */
  at: number;
  /** It ended without success, and nobody was told. */
  untold: boolean;
  /** What is to be done with its mail, by how it ended; whether that was begun. */
  readonly actions: Map<string, { begun: boolean }>;
}

export const RETRIES = 2;

export class LifeModel {
  readonly events = new Map<string, ModelEvent>();
  readonly #atMostOnce: boolean;
  #tick = 0;

  constructor(atMostOnce: boolean) {
    this.#atMostOnce = atMostOnce;
  }

  recorded(event: string): void {
    const fresh = { state: 'PENDING', attempt: 0, failures: 0, at: this.#tick, untold: false };
    this.events.set(event, { ...fresh, actions: new Map() });
  }

  elapse(ticks: number): void {
    this.#tick += ticks;
  }

  /** Lapses what ran out, then says what has to be offered, and under which attempts. */
  offer(): Map<string, number> {
    const offered = new Map<string, number>();
    for (const event of this.events.values()) {
      if (event.state === 'RUNNING' && event.at <= this.#tick) this.#failed(event, 'UNKNOWN');
    }
    for (const [id, event] of this.events) {
      if (!['PENDING', 'RETRY', 'QUEUED'].includes(event.state) || event.at > this.#tick) continue;
      event.state = 'QUEUED';
      event.attempt++;
      event.at = this.#tick + 2;
      offered.set(id, event.attempt);
    }
    return offered;
  }

  /** @returns whether the run wins it */
  claim(id: string, attempt: number): boolean {
    const event = this.events.get(id)!;
    if (event.state !== 'QUEUED' || event.attempt !== attempt) return false;
    event.state = 'RUNNING';
    event.at = this.#tick + 2;
    return true;
  }

  /** Its offer ended unclaimed, and is hurried. @returns whether it was still handed out */
  release(id: string, attempt: number): boolean {
    const event = this.events.get(id)!;
    if (event.state !== 'QUEUED' || event.attempt !== attempt) return false;
    event.state = event.failures > 0 ? 'RETRY' : 'PENDING';
    event.at = this.#tick;
    return true;
  }

  /** A person runs it again. @returns its new attempt; null: somebody runs it, or it is done */
  takeByHand(id: string): number | null {
    const event = this.events.get(id)!;
    if (!['PENDING', 'QUEUED', 'RETRY', 'DEAD', 'UNKNOWN'].includes(event.state)) return null;
    Object.assign(event, { state: 'RUNNING', attempt: event.attempt + 1, at: this.#tick + 2, untold: false });
    for (const [ending, { begun }] of event.actions) if (!begun) event.actions.delete(ending);
    return event.attempt;
  }

  /** @returns whether it is still in the state, under the attempt */
  renew(id: string, attempt: number, state: 'QUEUED' | 'RUNNING'): boolean {
    const event = this.events.get(id)!;
    if (event.state !== state || event.attempt !== attempt) return false;
    event.at = this.#tick + 2;
    return true;
  }

  /** @returns the new state; null: it was not the holder's any more */
  settle(id: string, attempt: number, success: boolean): string | null {
    const event = this.events.get(id)!;
    if (event.state !== 'RUNNING' || event.attempt !== attempt) return null;
    if (success) this.#ended(event, 'DONE');
    else this.#failed(event, 'DEAD');
    return event.state;
  }

  /** @returns whether it could be replayed */
  replay(id: string): boolean {
    const event = this.events.get(id);
    if (!event || !['DONE', 'DEAD', 'UNKNOWN'].includes(event.state)) return false;
    Object.assign(event, { state: 'PENDING', failures: 0, at: this.#tick, untold: false });
    for (const [ending, { begun }] of event.actions) if (!begun) event.actions.delete(ending);
    return true;
  }

  /** What is to be done with mails, each as `event ending`. */
  waiting(): string[] {
    return [...this.events].flatMap(([id, { actions }]) =>
      [...actions.keys()].map((ending) => `${id} ${ending}`),
    );
  }

  /** All that was not begun is begun. @returns how much */
  beginActions(): number {
    const fresh = [...this.events.values()].flatMap(({ actions }) =>
      [...actions.values()].filter(({ begun }) => !begun),
    );
    for (const action of fresh) action.begun = true;
    return fresh.length;
  }

  /** All that was begun is done. */
  finishErrands(): void {
    for (const { actions } of this.events.values()) {
      for (const [ending, { begun }] of actions) if (begun) actions.delete(ending);
    }
  }

  takeEnded(): string[] {
    const ended = [...this.events].filter(([, { untold }]) => untold);
    for (const [, event] of ended) event.untold = false;
    return ended.map(([id]) => id);
  }

  #failed(event: ModelEvent, atMostOnce: 'DEAD' | 'UNKNOWN'): void {
    event.failures++;
    const last = this.#atMostOnce ? atMostOnce : event.failures > RETRIES ? 'DEAD' : 'RETRY';
    this.#ended(event, last);
    event.untold = last !== 'RETRY';
    event.at = this.#tick + 1;
  }

  #ended(event: ModelEvent, state: string): void {
    event.state = state;
    if (['DONE', 'DEAD'].includes(state) && !event.actions.has(state))
      event.actions.set(state, { begun: false });
  }
}

/** Who reads a source, and under which fence. */
export class HoldModel {
  #holder: number | null = null;
  #until = 0;
  #tick = 0;
  fence = 0;

  elapse(ticks: number): void {
    this.#tick += ticks;
  }

  /** @returns whether the process gets it */
  take(process: number): boolean {
    if (this.#holder !== null && this.#holder !== process && this.#until > this.#tick) return false;
    if (this.#holder !== process) this.fence++;
    this.#holder = process;
    this.#until = this.#tick + 2;
    return true;
  }

  /** @returns whether it is still held */
  renew(fence: number): boolean {
    if (this.#holder === null || this.fence !== fence) return false;
    this.#until = this.#tick + 2;
    return true;
  }

  release(fence: number): void {
    if (this.fence === fence) this.#holder = null;
  }
}
