// Records while the next mails are being read: one batch at a time, in order.
// Invariant: a batch is recorded only if the one before it was; so cursors never pass what is not recorded.
import { bytesOf } from '../../ledger/content';
import type { Ledger } from '../../ledger/ledger';
import type { NewMessage } from '../../ledger/recording';
import type { Cursor } from '../../ledger/subscriptions';
import type { SourceHold } from '../../ledger/source-holds';
import type { Log } from '../../runtime/log';
import { noteBounces } from '../../source/bounces';

export interface RecorderPorts {
  readonly ledger: Ledger;
  readonly hold: SourceHold;
  readonly log: Log;
  /** Called after each commit with the subscriptions that have new events. */
  readonly recorded: (subscriptionIds: readonly number[]) => void;
}

/** So much waits at most while a batch is being recorded: the ledger's disk has moments, and what is read goes on meanwhile. */
const MOST_WAITING = 3;
const MOST_WAITING_BYTES = 4 * 1024 * 1024;

interface Batch {
  /** Octets of content. */
  readonly bytes: number;
  readonly recorded: Promise<void>;
}

export class Recorder {
  readonly #ports: RecorderPorts;
  /** What is being recorded, and what waits for it, in order. */
  readonly #batches: Batch[] = [];
  /** The last batch; rejects from the first on that was not recorded. */
  #last: Promise<void> = Promise.resolve();
  #isBroken = false;

  constructor(ports: RecorderPorts) {
    this.#ports = ports;
  }

  /** Waits until it may wait for its turn, not for its end. @throws what one of the batches before threw */
  async add(
    messages: readonly NewMessage[],
    cursors: readonly { readonly subscriptionId: number; readonly cursor: Cursor }[],
  ): Promise<void> {
    const bytes = messages.reduce((sum, { content }) => sum + (content ? bytesOf(content) : 0), 0);
    while (this.#isFull(bytes)) await this.#batches[0]!.recorded;
    if (this.#isBroken) return this.#last;
    if (messages.length === 0 && cursors.length === 0) return;
    const recorded = this.#last.then(() => this.#record(messages, cursors));
    const batch = { bytes, recorded };
    this.#last = recorded;
    this.#batches.push(batch);
    // Whoever adds or ends hears of it.
    recorded.catch(() => (this.#isBroken = true)).finally(() => this.#batches.shift());
  }

  /** Everything is recorded. @throws LedgerFault */
  async end(): Promise<void> {
    await this.#last;
  }

  #isFull(more: number): boolean {
    const bytes = this.#batches.reduce((sum, batch) => sum + batch.bytes, 0);
    return this.#batches.length >= MOST_WAITING || (bytes > 0 && bytes + more > MOST_WAITING_BYTES);
  }

  async #record(
    messages: readonly NewMessage[],
    cursors: readonly { readonly subscriptionId: number; readonly cursor: Cursor }[],
  ): Promise<void> {
    const { ledger, hold, log, recorded } = this.#ports;
    await noteBounces(ledger, messages, log);
    const news = await ledger.record({ hold, messages, cursors });
    if (news.length > 0) recorded(news);
  }
}
