// The feed: from the ledger's changes to whoever listens. It reads while anybody does, and rests when nobody does.
// Invariants: `join` and what it returns never wait and never throw; what one listener does concerns no other, and not the
// engine; after `close` nobody listens.
import type { Log } from '../runtime/log';
import { monotonicNow, pause } from '../runtime/time';
import type { Changes } from '../ledger/changes';
import type { Looks } from '../ledger/inspection';
import type { Wake } from '../signal/wake';
import { Audience } from './audience';
import { CatchingUp } from './catching-up';
import type { FeedAsk, FeedClient, FeedTimes } from './client';
import { aliveFrame, bufferOf } from './frames';
import { Listener, type ListenerEnds } from './listener';
import { Live } from './live';
import { Statistics } from './statistics';
import type { MailsOf } from './wording';

const LOOK_MS = 1_000;

export interface FeedPorts {
  readonly ledger: Pick<Changes, 'changes' | 'changePositions'> & Pick<Looks, 'statistics'>;
  /** A position before which all is older than this (ms since 1970); where nothing is, the oldest there is. */
  readonly changeAt: (at: number) => Promise<string>;
  /** Sender and subject of these events' mails, to be told with them; null: they are not shown. */
  readonly mailsOf: MailsOf | null;
  readonly wake: Pick<Wake, 'listenToAll'>;
  readonly log: Log;
  readonly times?: FeedTimes;
}

/** While somebody listens. */
interface Running {
  readonly live: Live;
  readonly catchingUp: CatchingUp;
  readonly end: () => void;
}

export class Feed {
  readonly #ports: FeedPorts;
  readonly #times: FeedTimes;
  readonly #audience = new Audience();
  #running: Running | null = null;
  #isClosed = false;
  #cut = 0;
  readonly #ends: ListenerEnds = {
    lost: (listener, isCut) => this.#lost(listener, isCut),
    drained: () => this.#running?.catchingUp.wake(),
  };

  constructor(ports: FeedPorts) {
    this.#ports = ports;
    this.#times = ports.times ?? { now: monotonicNow, pause, random: Math.random };
  }

  /** How many listen. */
  get clients(): number {
    return this.#audience.size;
  }

  /** How many were cut, since they did not read. */
  get cut(): number {
    return this.#cut;
  }

  /**
   * Tells the client what it asks for, until it goes, is cut or ended: each is ended after 10 to 15 minutes, and comes again.
   * @returns to be called when it has gone
   */
  join(client: FeedClient, ask: FeedAsk): () => void {
    if (this.#isClosed) {
      client.end();
      return () => undefined;
    }
    const listener = new Listener(client, ask, this.#times, this.#ends);
    const { live, catchingUp } = (this.#running ??= this.#run());
    if (ask.after === undefined && ask.since === undefined) {
      live.admit(listener);
    } else {
      this.#audience.move(listener, 'behind');
      catchingUp.wake();
    }
    return () => void listener.left();
  }

  close(): void {
    this.#isClosed = true;
    for (const listener of this.#audience.all()) listener.end();
  }

  #lost(listener: Listener, isCut: boolean): void {
    this.#audience.leave(listener);
    if (isCut) this.#cut++;
    if (this.#audience.size > 0) return;
    this.#running?.end();
    this.#running = null;
  }

  #run(): Running {
    const over = new AbortController();
    const [audience, times] = [this.#audience, this.#times];
    const { ledger, changeAt, mailsOf, log, wake } = this.#ports;
    const statistics = new Statistics({ ledger, audience, log, times }, over.signal);
    const shared = { ledger, mailsOf, audience, log, times };
    const live: Live = new Live(
      { ...shared, hadNews: () => statistics.hadNews(), isBehind: () => catchingUp.wake() },
      over.signal,
    );
    const catchingUp = new CatchingUp({ ...shared, changeAt, isNear: () => live.wake() }, over.signal);
    const deafen = wake.listenToAll(() => live.wake());
    for (const one of [live, catchingUp, statistics]) void one.run();
    void this.#look(over.signal);
    return {
      live,
      catchingUp,
      end: () => {
        over.abort();
        deafen();
      },
    };
  }

  async #look(signal: AbortSignal): Promise<void> {
    for (;;) {
      await this.#times.pause(LOOK_MS, signal);
      if (signal.aborted) return;
      const frames = new Map<string | null, Buffer>();
      const alive = (told: string | null): Buffer => {
        const frame = frames.get(told) ?? bufferOf(aliveFrame(told));
        frames.set(told, frame);
        return frame;
      };
      for (const listener of this.#audience.all()) listener.look(alive);
    }
  }
}
