// When a person is told that a trigger is not listening, whatever step of its beginning failed, or stands still.
// Invariants: once an outage, and once more where it first seemed to pass by itself and then needs a person; what had listened
// for a while and fails again is a new outage.
import { monotonicNow } from '../../../engine/runtime/time';

/** Who listened for so long had no outage left. */
const STABLE_MS = 60_000;

/** A try that failed, and how it is to be seen. */
export interface FailedTry {
  /** A person has to mend it. */
  readonly needsPerson: boolean;
  /** It is told when it has lasted longer, ms; null: never. */
  readonly afterMs: number | null;
  /** A person looks at it now: the first failure is told. */
  readonly isAwaited: boolean;
}

export class NotListening {
  readonly #now: () => number;
  #failures = 0;
  /** Monotonic: of the first failure. */
  #since = 0;
  /** Monotonic; undefined: it does not listen. */
  #listensSince: number | undefined;
  #told: 'nothing' | 'that it lasts' | 'what to mend' = 'nothing';

  constructor(now: () => number = monotonicNow) {
    this.#now = now;
  }

  /** In a row. */
  get failures(): number {
    return this.#failures;
  }

  listens(): void {
    this.#listensSince = this.#now();
  }

  /** It listens no more, and nothing has failed. */
  over(): void {
    this.#failures = 0;
    this.#told = 'nothing';
    this.#listensSince = undefined;
  }

  /** @returns whether it is told */
  failed({ needsPerson, afterMs, isAwaited }: FailedTry): boolean {
    const now = this.#now();
    if (this.#listensSince !== undefined && now - this.#listensSince >= STABLE_MS) this.over();
    this.#listensSince = undefined;
    if (this.#failures++ === 0) this.#since = now;
    const lasts = afterMs !== null && now - this.#since > afterMs;
    const isFirst = isAwaited && this.#failures === 1;
    return this.#tells(needsPerson, lasts || isFirst);
  }

  /** A step of its beginning has lasted so long that people are to know. @returns whether it is told */
  stands(): boolean {
    return this.#tells(false, true);
  }

  #tells(needsPerson: boolean, isDue: boolean): boolean {
    if (this.#told === 'what to mend') return false;
    if (!needsPerson && (!isDue || this.#told !== 'nothing')) return false;
    this.#told = needsPerson ? 'what to mend' : 'that it lasts';
    return true;
  }
}
