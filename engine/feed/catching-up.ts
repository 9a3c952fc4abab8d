// Those who go on after a position of their own are told what came since, until they have all there was.
// Invariants: one page is read at a time, for whoever has waited longest and is not full: so nobody takes more than a page of
// memory, and nobody holds up another. Who stands at the same place and asks the same is told with it.
import type { Changes } from '../ledger/changes';
import { backoffDelay } from '../runtime/backoff';
import { Bell } from '../runtime/bell';
import { errorText, type Log } from '../runtime/log';
import { filterOf } from './asked';
import { type Audience, tell } from './audience';
import type { FeedTimes } from './client';
import type { Listener } from './listener';
import { AFTER_FAULT } from './live';
import { type MailsOf, worded } from './wording';

/** Changes that are looked at; some 60 KB, which a slow line takes before its client counts as full for too long. */
const PAGE = 250;
const REST_MS = 60_000;

export interface CatchingUpPorts {
  readonly ledger: Pick<Changes, 'changes' | 'changePositions'>;
  /** A position before which all is older than this. */
  readonly changeAt: (at: number) => Promise<string>;
  readonly mailsOf: MailsOf | null;
  readonly audience: Audience;
  readonly log: Log;
  readonly times: FeedTimes;
  /** Somebody is near. */
  readonly isNear: () => void;
}

export class CatchingUp {
  readonly #ports: CatchingUpPorts;
  readonly #signal: AbortSignal;
  readonly #bell: Bell<'behind'>;

  constructor(ports: CatchingUpPorts, signal: AbortSignal) {
    this.#ports = ports;
    this.#signal = signal;
    this.#bell = new Bell(ports.times.pause);
  }

  /** Somebody is behind, or is not full any more. */
  wake(): void {
    this.#bell.ring('behind');
  }

  /** Until the signal aborts. Never rejects. */
  async run(): Promise<void> {
    const { times, log, audience } = this.#ports;
    for (let failures = 0; !this.#signal.aborted;) {
      this.#bell.take('behind');
      const next = firstToRead(audience.behind);
      if (!next) {
        await this.#bell.wait(REST_MS, ['behind'], this.#signal);
        continue;
      }
      try {
        await this.#goOn(next);
        failures = 0;
      } catch (error) {
        if (++failures === 1)
          log.warn(`Clients of the live feed cannot go on where they were yet: ${errorText(error)}`);
        await times.pause(backoffDelay(failures, AFTER_FAULT, times.random), this.#signal);
      }
    }
  }

  async #goOn(listener: Listener): Promise<void> {
    const { ledger, mailsOf, audience, isNear } = this.#ports;
    const { told: after, ask, key } = listener;
    if (after === null) {
      await this.#begin(listener);
      return;
    }
    const page = await ledger.changes(after, PAGE, filterOf(ask));
    if (page === 'reset') {
      // Its state is asked for anew: what became so before counts no more.
      listener.reset((await ledger.changePositions()).newest);
      audience.move(listener, 'behind');
      return;
    }
    const words = await worded(page.changes, mailsOf);
    if (this.#signal.aborted) return;
    const same = [...audience.behind].filter(
      (other) => other.told === after && other.key === key && !other.isFull,
    );
    await tell(words, page.position, same);
    for (const one of same) audience.move(one, page.more ? 'behind' : 'near');
    if (!page.more) isNear();
  }

  /** At a time. Where that is before all that is kept there may have been more: it is told so, and all that is kept. */
  async #begin(listener: Listener): Promise<void> {
    const { ledger, changeAt, audience } = this.#ports;
    const position = await changeAt(listener.ask.since!);
    const { oldest } = await ledger.changePositions();
    if (position === oldest) listener.reset(oldest);
    else listener.told = position;
    audience.move(listener, 'behind');
  }
}

function firstToRead(listeners: Iterable<Listener>): Listener | null {
  for (const listener of listeners) if (!listener.isFull) return listener;
  return null;
}
