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
    this.events.set(event, { state: 'PENDING', attempt: 0, failures: 0, at: this.#tick, untold: false });
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
    if (success) event.state = 'DONE';
    else this.#failed(event, 'DEAD');
    return event.state;
  }

  /** @returns whether it could be replayed */
  replay(id: string): boolean {
    const event = this.events.get(id);
    if (!event || !['DONE', 'DEAD', 'UNKNOWN'].includes(event.state)) return false;
    Object.assign(event, { state: 'PENDING', failures: 0, at: this.#tick, untold: false });
    return true;
  }

  takeEnded(): string[] {
    const ended = [...this.events].filter(([, { untold }]) => untold);
    for (const [, event] of ended) event.untold = false;
    return ended.map(([id]) => id);
  }

  #failed(event: ModelEvent, atMostOnce: 'DEAD' | 'UNKNOWN'): void {
    event.failures++;
    if (this.#atMostOnce) event.state = atMostOnce;
    else event.state = event.failures > RETRIES ? 'DEAD' : 'RETRY';
    event.untold = event.state !== 'RETRY';
    event.at = this.#tick + 1;
  }
}
