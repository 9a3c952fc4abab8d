// Wake-ups among the processes that share a ledger: what a worker settles, or a person changes in any process,
// wakes the dispatcher in the process that has it. A hint like any other: it may be lost.
// Invariant: nothing is sent that this process can deliver itself, but where the channel tells all (for the feeds of others).
import { randomUUID } from 'node:crypto';
import { errorText, type Log } from '../runtime/log';
import { ProcessWake, type Wake } from './wake';

/** Carries short texts to all processes, this one included; some may be lost. */
export interface Channel {
  send(text: string): Promise<void>;
  /**
   * Hands over what is sent from now on, until the returned function is called.
   * @param isFeed only somebody who listens to all waits for it: a channel for which that costs too much hands over nothing
   */
  receive(take: (text: string) => void, isFeed?: boolean): () => void;
  /** It carries also what the sender's process hears itself, for whoever listens to all elsewhere. */
  readonly tellsAll?: boolean;
}

/** Well below what a message may hold (Postgres: 8000 bytes). */
const MOST_IDS = 400;

export class SharedWake implements Wake {
  readonly #here = new ProcessWake();
  readonly #origin = randomUUID();
  readonly #channel: Channel;
  readonly #log: Log;
  readonly #toSend = new Set<number>();
  #listeners = 0;
  #listenersToAll = 0;
  #receiving: { readonly isFeed: boolean; readonly stop: () => void } | null = null;

  constructor(channel: Channel, log: Log) {
    this.#channel = channel;
    this.#log = log;
  }

  notify(subscriptionIds: Iterable<number>): void {
    const ids = [...new Set(subscriptionIds)];
    this.#here.notify(ids);
    const elsewhere = this.#channel.tellsAll ? ids : ids.filter((id) => !this.#here.hears(id));
    if (elsewhere.length === 0) return;
    // What comes together goes together.
    if (this.#toSend.size === 0) setImmediate(() => void this.#send());
    for (const id of elsewhere) this.#toSend.add(id);
  }

  listen(subscriptionId: number, listener: () => void): () => void {
    const silence = this.#here.listen(subscriptionId, listener);
    this.#listeners++;
    this.#tune();
    return () => {
      silence();
      this.#listeners--;
      this.#tune();
    };
  }

  listenToAll(listener: () => void): () => void {
    const silence = this.#here.listenToAll(listener);
    this.#listenersToAll++;
    this.#tune();
    return () => {
      silence();
      this.#listenersToAll--;
      this.#tune();
    };
  }

  /** The channel is received while anybody here waits. */
  #tune(): void {
    const isWanted = this.#listeners > 0 || this.#listenersToAll > 0;
    const isFeed = this.#listeners === 0;
    if (this.#receiving && isWanted && this.#receiving.isFeed === isFeed) return;
    this.#receiving?.stop();
    const take = (text: string): void => this.#receive(text);
    this.#receiving = isWanted ? { isFeed, stop: this.#channel.receive(take, isFeed) } : null;
  }

  async #send(): Promise<void> {
    const ids = [...this.#toSend];
    this.#toSend.clear();
    try {
      for (let at = 0; at < ids.length; at += MOST_IDS) {
        await this.#channel.send(`${this.#origin} ${ids.slice(at, at + MOST_IDS).join(' ')}`);
      }
    } catch (error) {
      this.#log.debug(`Other processes were not woken; they look by themselves: ${errorText(error)}`);
    }
  }

  #receive(text: string): void {
    const [origin, ...ids] = text.split(' ');
    if (origin !== this.#origin) this.#here.notify(ids.map(Number));
  }
}
