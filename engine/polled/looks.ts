// When an account is to be read next: by its poll, sooner after a notice, and again soon where more is to be expected.
// Modes: `fresh`, where what came meanwhile is not known (somebody joined, another process had the account, a round
// failed), so that it is due at once; `followed`, once it was read to its end.
// Invariant: a notice is answered for by a look that began after it.
import { monotonicNow } from '../runtime/time';
import type { RoundEnd } from './kind';
import type { PolledTimes } from './pace';

/** A look that has begun. */
export interface Begun {
  /** Nobody announced anything: what it finds was missed. */
  readonly isPoll: boolean;
  /** It came to its end. @param areEarly notices found nothing, and may have been faster than what they announce */
  ended(end: Pick<RoundEnd, 'older' | 'againInMs' | 'news'>, areEarly: boolean): void;
}

export class Looks {
  readonly #times: PolledTimes;
  /** Not all accounts of a process in one instant; never sooner than chosen, so that an idle minute costs one poll. */
  readonly #jitter = 1 + Math.random() / 20;
  #mode: 'fresh' | 'followed' = 'fresh';
  /** Monotonic, as all of these: when it was last read to its end, and when it was last begun to be. */
  #readAt = -Infinity;
  #lookedAt = -Infinity;
  /** When it is to be read again, whatever the poll says. */
  #againAt = -Infinity;
  /** When the notices that came since are to be answered. */
  #noticeAt = Infinity;
  /** News was announced: more of it may come that is not. */
  #tailAt = Infinity;

  constructor(times: PolledTimes) {
    this.#times = times;
  }

  get isFresh(): boolean {
    return this.#mode === 'fresh';
  }

  /** What came meanwhile is not known. */
  refresh(): void {
    this.#mode = 'fresh';
  }

  noticed(): void {
    const at = Math.max(monotonicNow(), this.#lookedAt + this.#times.leastLookMs);
    this.#noticeAt = Math.min(this.#noticeAt, at);
  }

  /** A person wants it read: at once, unless it was just begun to be. */
  asked(): void {
    const at = Math.max(monotonicNow(), this.#lookedAt + this.#times.leastLookMs);
    this.#againAt = Math.min(this.#againAt, at);
  }

  /** Until it is to be read, ms; 0 or less: now. */
  dueInMs(pollMs: number): number {
    if (this.isFresh) return 0;
    const at = Math.min(this.#readAt + pollMs * this.#jitter, this.#againAt, this.#noticeAt);
    return at - monotonicNow();
  }

  begin(): Begun {
    this.#lookedAt = monotonicNow();
    const noticed = this.#noticeAt <= this.#lookedAt;
    if (noticed) this.#noticeAt = Infinity;
    return {
      isPoll: !this.isFresh && !noticed && this.#againAt > monotonicNow(),
      ended: (end, areEarly) => this.#ended(end, noticed, areEarly),
    };
  }

  #ended(end: Pick<RoundEnd, 'older' | 'againInMs' | 'news'>, noticed: boolean, areEarly: boolean): void {
    this.#mode = 'followed';
    const now = monotonicNow();
    this.#readAt = now;
    const wasTail = this.#tailAt <= this.#lookedAt;
    if (end.news && (noticed || wasTail)) this.#tailAt = now + this.#times.tailMs;
    else if (wasTail) this.#tailAt = Infinity;
    const isEarly = (noticed && !end.news) || areEarly;
    const earlyMs = isEarly ? this.#times.earlyMs : Infinity;
    this.#againAt = now + Math.min(earlyMs, this.#tailAt - now, this.#moreInMs(end));
  }

  /** When there is more to be read than the next poll would bring, ms. */
  #moreInMs({ older, againInMs }: Pick<RoundEnd, 'older' | 'againInMs'>): number {
    // What could not be read holds up the older mails, too.
    if (older?.waits) return againInMs ?? this.#times.olderMs;
    return older ? 0 : (againInMs ?? Infinity);
  }
}
