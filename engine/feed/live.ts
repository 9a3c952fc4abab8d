// What becomes so, told as it does: one reader for all who listen live.
// Invariants: it looks at most every GATHER_MS, more rarely where telling all who listen takes long,
// and while nothing wakes it every POLL_MS. It is at one position, which moves in the moment in which it is known who is
// told of what came before. Who comes near is taken in where its position is among those of the page; one that is not there
// was passed before it came near, and is behind again. So each is told everything after its own position, once.
import { backoffDelay } from '../runtime/backoff';
import { Bell } from '../runtime/bell';
import { errorText, type Log } from '../runtime/log';
import type { Changes } from '../ledger/changes';
import { type Audience, tell, toEach } from './audience';
import type { FeedTimes } from './client';
import { aliveFrame, bufferOf } from './frames';
import type { Listener } from './listener';
import { type MailsOf, type Worded, worded } from './wording';

const GATHER_MS = 50;
const POLL_MS = 250;
/**
 * So many times as long as it took to tell all of them nobody is told more: telling takes no more than a thirteenth of a core, and
 * all of the feed, with the reads and with what the connections take beside it, less than a seventh.
 */
const REST = 12;
/** Changes of one look: what comes faster is told later. */
const PAGE = 500;
export const AFTER_FAULT = { firstMs: 500, mostMs: 10_000 };

export interface LivePorts {
  readonly ledger: Pick<Changes, 'changes' | 'changePositions'>;
  readonly mailsOf: MailsOf | null;
  readonly audience: Audience;
  readonly log: Log;
  readonly times: FeedTimes;
  /** Something was told. */
  readonly hadNews: () => void;
  /** Somebody is behind. */
  readonly isBehind: () => void;
}

export class Live {
  readonly #ports: LivePorts;
  readonly #signal: AbortSignal;
  readonly #bell: Bell<'look'>;
  #position: string | null = null;
  /** The last look found something. */
  #isBusy = false;
  #tellingMs = 0;

  constructor(ports: LivePorts, signal: AbortSignal) {
    this.#ports = ports;
    this.#signal = signal;
    this.#bell = new Bell(ports.times.pause);
  }

  /** There may be something new; a hint. */
  wake(): void {
    this.#bell.ring('look');
  }

  /** What becomes so from now on is told to it. */
  admit(listener: Listener): void {
    const { audience, hadNews } = this.#ports;
    if (this.#position === null) {
      audience.move(listener, 'waiting');
      return;
    }
    audience.move(listener, 'live');
    listener.tell(bufferOf(aliveFrame(this.#position)), this.#position);
    if (listener.wantsStats) hadNews();
  }

  /** Until the signal aborts. Never rejects. */
  async run(): Promise<void> {
    const { times, log } = this.#ports;
    for (let failures = 0; !this.#signal.aborted;) {
      this.#bell.take('look');
      this.#tellingMs = 0;
      try {
        await this.#look();
        if (failures > 0) log.info('The live feed can read the mail ledger again, and goes on where it was');
        failures = 0;
      } catch (error) {
        this.#isBusy = false;
        if (++failures === 1)
          log.warn(`The live feed cannot read the mail ledger, and tries again: ${errorText(error)}`);
        await times.pause(backoffDelay(failures, AFTER_FAULT, times.random), this.#signal);
        continue;
      }
      const rest = Math.min(Math.max(GATHER_MS, REST * this.#tellingMs), POLL_MS);
      await times.pause(rest, this.#signal);
      if (!this.#isBusy) await this.#bell.wait(POLL_MS - rest, ['look'], this.#signal);
    }
  }

  async #look(): Promise<void> {
    const { ledger, mailsOf, audience } = this.#ports;
    if (this.#position === null) await this.#begin();
    else if (!this.#isBusy && audience.near.size === 0) {
      const { newest } = await ledger.changePositions();
      if (newest === this.#position) return;
    }
    if (this.#isOver()) return;
    const page = await ledger.changes(this.#position!, PAGE);
    if (page === 'reset') {
      await this.#reset();
      return;
    }
    const words = await worded(page.changes, mailsOf);
    if (!this.#isOver()) await this.#tell(words, page.position);
  }

  /** It may have become so during any wait. */
  #isOver(): boolean {
    return this.#signal.aborted;
  }

  async #begin(): Promise<void> {
    const { newest } = await this.#ports.ledger.changePositions();
    // Those who wait by now are another reader's.
    if (this.#signal.aborted) return;
    this.#position = newest;
    for (const listener of [...this.#ports.audience.waiting]) this.admit(listener);
  }

  async #tell(page: readonly Worded[], position: string): Promise<void> {
    const { audience, hadNews } = this.#ports;
    const live = [...audience.live];
    const joining = this.#takeIn(page);
    this.#position = position;
    this.#isBusy = page.length > 0;
    if (this.#isBusy) hadNews();
    this.#tellingMs = await tell(page, position, live);
    for (const [from, listeners] of joining) await tell(page.slice(from), position, listeners);
  }

  /** @returns those who are near, by how much of the page they have been told */
  #takeIn(page: readonly Worded[]): ReadonlyMap<number, readonly Listener[]> {
    const { audience, hadNews, isBehind } = this.#ports;
    const joining = new Map<number, Listener[]>();
    if (audience.near.size === 0) return joining;
    const places = new Map(page.map(({ event }, place) => [event.id, place + 1]));
    places.set(this.#position!, 0);
    for (const listener of [...audience.near]) {
      const from = places.get(listener.told!);
      audience.move(listener, from === undefined ? 'behind' : 'live');
      if (from === undefined) {
        isBehind();
        continue;
      }
      joining.set(from, [...(joining.get(from) ?? []), listener]);
      if (listener.wantsStats) hadNews();
    }
    return joining;
  }

  /** Nobody can be told what came meanwhile. Who is near will find out where it stands. */
  async #reset(): Promise<void> {
    const { ledger, audience, hadNews, isBehind } = this.#ports;
    const { newest } = await ledger.changePositions();
    if (this.#signal.aborted) return;
    for (const listener of [...audience.near]) audience.move(listener, 'behind');
    this.#position = newest;
    hadNews();
    isBehind();
    await toEach([...audience.live], (listener) => listener.reset(newest));
  }
}
