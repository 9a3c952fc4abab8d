// How a watched account is doing, as people see it in the ledger.
// Invariant: failing to store it stops no mail; what people know already is not stored again but about once a minute.
import type { Ledger, SourceReport } from '../ledger/ledger';
import type { SourceHold } from '../ledger/source-holds';
import type { ConnectionState, SourceState } from '../ledger/states';
import { errorText, type Log } from '../runtime/log';
import { monotonicNow } from '../runtime/time';
import type { GmailSyncEnd } from '../gmail/read/job';

/** About as often as an account is asked by default. */
const SAY_AGAIN_MS = 50_000;

export class Standing {
  readonly #name: string;
  readonly #hold: () => SourceHold | null;
  readonly #ledger: Pick<Ledger, 'reportSource'>;
  readonly #log: Log;
  #state: SourceState = 'pending';
  #connection: ConnectionState = 'connecting';
  /** What was last stored of an account that was read, and when (monotonic). */
  #said = '';
  #saidAt = -Infinity;

  constructor(name: string, hold: () => SourceHold | null, ledger: Pick<Ledger, 'reportSource'>, log: Log) {
    this.#name = name;
    this.#hold = hold;
    this.#ledger = ledger;
    this.#log = log;
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
      this.#log.warn(`The state of the ${this.#name} could not be stored: ${errorText(error)}`);
    }
  }

  /** @param isNews somebody waits to see it */
  async wasRead(
    { older, recovered }: GmailSyncEnd,
    connection: ConnectionState,
    isNews: boolean,
  ): Promise<void> {
    const state = older ? 'syncing' : 'idle';
    const backfill = older && { read: older.read, left: older.left };
    const said = JSON.stringify([connection, state, backfill]);
    const now = monotonicNow();
    if (!isNews && recovered === null && said === this.#said && now - this.#saidAt < SAY_AGAIN_MS) return;
    await this.is(state, connection, {
      synced: true,
      backfill,
      ...(recovered !== null && { recovered }),
    });
    this.#said = said;
    this.#saidAt = now;
  }

  /** @param until when Google sends notifications, ms since 1970; null: it does not */
  async notifiedUntil(until: number | null): Promise<void> {
    await this.is(this.#state, this.#connection, { notifiedUntil: until });
  }
}
