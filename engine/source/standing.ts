// How a watched source is doing, as people see it in the ledger.
// Invariant: failing to store it stops no mail; what people know already is not stored again but about once a minute.
import type { Ledger } from '../ledger/ledger';
import type { SourceReport } from '../ledger/sources';
import type { SourceHold } from '../ledger/source-holds';
import type { Backfill, ConnectionState, SourceState } from '../ledger/states';
import { errorText, type Log } from '../runtime/log';
import { monotonicNow } from '../runtime/time';

/** About as often as a source is read unasked by default. */
const SAY_AGAIN_MS = 50_000;

/** What reading a source to its end came to. */
export interface WasRead {
  /** Older mail that is still to be read; null: none. */
  readonly older: Backfill | null;
  /** What is wrong all the same, in words for people; null: nothing. */
  readonly error?: string | null;
  /** How many mails a recovery has just found; null: there was none. */
  readonly recovered?: number | null;
}

export class Standing {
  readonly #called: string;
  readonly #hold: () => SourceHold | null;
  readonly #ledger: Pick<Ledger, 'reportSource'>;
  readonly #log: Log;
  #state: SourceState = 'pending';
  #connection: ConnectionState = 'connecting';
  /** What was last stored of a source that was read, and when (monotonic). */
  #said = '';
  #saidAt = -Infinity;

  /** @param called the source, for people, inside a sentence */
  constructor(called: string, hold: () => SourceHold | null, ledger: Pick<Ledger, 'reportSource'>, log: Log) {
    this.#called = called;
    this.#hold = hold;
    this.#ledger = ledger;
    this.#log = log;
  }

  /** Another process has it, or had it: what was said last is not what stands there. */
  forget(): void {
    this.#said = '';
  }

  async is(
    state: SourceState,
    connection: ConnectionState,
    more: Omit<SourceReport, 'state' | 'connection'> = {},
  ): Promise<void> {
    this.#state = state;
    this.#connection = connection;
    this.#said = '';
    const hold = this.#hold();
    if (!hold) return;
    try {
      await this.#ledger.reportSource(hold, { state, connection, ...more });
    } catch (error) {
      this.#log.warn(`The state of ${this.#called} could not be stored: ${errorText(error)}`);
    }
  }

  /** @param isNews somebody waits to see it */
  async wasRead(
    { older, error = null, recovered = null }: WasRead,
    connection: ConnectionState,
    isNews: boolean,
  ): Promise<void> {
    const state = older ? 'syncing' : error === null ? 'idle' : 'retry_scheduled';
    const backfill = older && { read: older.read, left: older.left };
    const said = JSON.stringify([connection, state, backfill, error]);
    const now = monotonicNow();
    if (!isNews && recovered === null && said === this.#said && now - this.#saidAt < SAY_AGAIN_MS) return;
    await this.is(state, connection, {
      ...{ synced: true, backfill },
      ...(error !== null && { error }),
      ...(recovered !== null && { recovered }),
    });
    this.#said = said;
    this.#saidAt = now;
  }

  /** @param until when the source's server sends notifications, ms since 1970; null: it does not */
  async notifiedUntil(until: number | null): Promise<void> {
    await this.is(this.#state, this.#connection, { notifiedUntil: until });
  }
}
