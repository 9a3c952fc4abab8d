// The rows of the table of accounts, as they were read last; and the connection to it, as long as it is named so.
// Invariants: a table that is slow to answer, or does not, holds up nothing else: what was read of it last counts, and when it has
// answered that is said; one look at a time; what is left behind by a change of its name, or of its URL, is closed.
import { createHash } from 'node:crypto';
import { errorText, type Log } from '../../engine/runtime/log';
import { pause } from '../../engine/runtime/time';
import { type AccountsTable, type FromPostgres, openAccountsTable, tableUrl } from './accounts-table';

/** Whoever reads the list waits for so long. */
const PATIENCE_MS = 2_000;

interface Look {
  readonly print: string;
  readonly done: Promise<{ readonly rows: readonly unknown[] } | { readonly failed: string }>;
  /** It has kept somebody waiting, and says when it is done. */
  isLate: boolean;
  /** The table may have changed since it began. */
  isOld: boolean;
}

export class ReadTable {
  readonly #log: Log;
  readonly #called: () => void;
  readonly #open: typeof openAccountsTable;
  #table: { readonly print: string; readonly opened: AccountsTable } | null = null;
  #look: Look | null = null;
  #rows: readonly unknown[] | null = null;
  /** Why the look before failed, until one does not, or it is another table. */
  #failed: { readonly print: string; readonly why: string } | null = null;
  #isAwaited = false;

  /** @param called the table may have changed, or has answered at last */
  constructor(log: Log, called: () => void, open = openAccountsTable) {
    this.#log = log;
    this.#called = called;
    this.#open = open;
  }

  /** As they were read last; null: they never were, or no table is named. */
  get rows(): readonly unknown[] | null {
    return this.#rows;
  }

  /**
   * Looks, and waits a moment for what there is; once the signal has aborted it does neither.
   * @param from undefined: no table is named @returns why it cannot be read now, or null
   */
  async read(from: FromPostgres | undefined, signal: AbortSignal): Promise<string | null> {
    if (!from) {
      this.#rows = null;
      await this.close();
      return null;
    }
    const isOver = (): boolean => signal.aborted;
    if (isOver()) return null;
    let print: string;
    try {
      print = createHash('sha256')
        .update(JSON.stringify([from, tableUrl(from)]))
        .digest('hex');
    } catch (error) {
      return errorText(error);
    }
    const look = this.#look?.print === print ? this.#look : this.#begin(from, print);
    const looked = await Promise.race([look.done, pause(PATIENCE_MS, signal)]);
    if (!looked) {
      if (!isOver()) this.#isLate(look);
      return this.#failed?.print === print ? this.#failed.why : null;
    }
    if (this.#look === look) this.#look = null;
    if (look.isOld) this.#called();
    this.#failed = 'failed' in looked ? { print, why: looked.failed } : null;
    if ('rows' in looked) this.#rows = looked.rows;
    return this.#failed?.why ?? null;
  }

  async close(): Promise<void> {
    this.#look = null;
    const table = this.#table;
    this.#table = null;
    await table?.opened.close();
  }

  #begin(from: FromPostgres, print: string): Look {
    const isWanted = (): boolean => this.#look === look;
    const done = this.#rowsOf(from, print, isWanted).then(
      (rows) => ({ rows }),
      (error: unknown) => ({ failed: errorText(error) }),
    );
    const look: Look = { print, done, isLate: false, isOld: false };
    this.#look = look;
    return look;
  }

  #isLate(look: Look): void {
    if (look.isLate) {
      look.isOld = true;
      return;
    }
    look.isLate = true;
    void look.done.then(() => this.#look === look && this.#called());
    if (this.#rows === null && !this.#isAwaited)
      this.#log.info('[sources] the table of accounts has not answered yet: its accounts begin when it has');
    this.#isAwaited = true;
  }

  #changed(): void {
    if (this.#look) this.#look.isOld = true;
    this.#called();
  }

  async #rowsOf(from: FromPostgres, print: string, isWanted: () => boolean): Promise<readonly unknown[]> {
    if (this.#table && this.#table.print !== print) {
      const { opened } = this.#table;
      this.#table = null;
      await opened.close();
    }
    if (!this.#table) {
      const opened = await this.#open(from, () => this.#changed());
      if (!isWanted()) {
        await opened.close();
        return [];
      }
      this.#table = { print, opened };
    }
    return this.#table.opened.rows();
  }
}
