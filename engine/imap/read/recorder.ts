// Records while the next mails are being read: one batch at a time, in order.
// Invariant: a batch is recorded only if the one before it was; so cursors never pass what is not recorded.
import type { Cursor, Ledger, NewMessage } from '../../ledger/ledger';
import type { SourceHold } from '../../ledger/source-holds';

export interface RecorderPorts {
  readonly ledger: Ledger;
  readonly hold: SourceHold;
  /** Called after each commit with the subscriptions that have new events. */
  readonly recorded: (subscriptionIds: readonly number[]) => void;
}

export class Recorder {
  readonly #ports: RecorderPorts;
  #running: Promise<void> = Promise.resolve();

  constructor(ports: RecorderPorts) {
    this.#ports = ports;
  }

  /** Waits for the batch before, not for this one. @throws what the batch before threw */
  async add(
    messages: readonly NewMessage[],
    cursors: readonly { readonly subscriptionId: number; readonly cursor: Cursor }[],
  ): Promise<void> {
    await this.#running;
    if (messages.length === 0 && cursors.length === 0) return;
    this.#running = this.#record(messages, cursors);
    // Whoever adds or ends hears of it.
    this.#running.catch(() => undefined);
  }

  /** Everything is recorded. @throws LedgerFault */
  async end(): Promise<void> {
    await this.#running;
  }

  async #record(
    messages: readonly NewMessage[],
    cursors: readonly { readonly subscriptionId: number; readonly cursor: Cursor }[],
  ): Promise<void> {
    const { ledger, hold, recorded } = this.#ports;
    const news = await ledger.record({ hold, messages, cursors });
    if (news.length > 0) recorded(news);
  }
}
