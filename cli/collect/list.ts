// What there is to do, read anew each time: the configuration's file, and the table that it names.
// Invariants: a file or a table that cannot be used now leaves in force what was read of it last; that is said.
import { Mistake } from '../command';
import type { Account } from '../config/account';
import { readConfig } from '../config/config';
import type { Config } from '../config/schema';
import { errorText, type Log } from '../../engine/runtime/log';
import { type AccountsTable, openAccountsTable } from './accounts-table';
import { type ToDoList, toDoList } from './to-do';

export class ReadList {
  readonly #file: string;
  readonly #log: Log;
  readonly #called: () => void;
  #config: Config;
  #accounts: ReadonlyMap<string, Account>;
  #table: { readonly print: string; readonly opened: AccountsTable } | null = null;
  /** As they were read last. */
  #rows: readonly unknown[] | null = null;

  /** @param called the table may have changed */
  constructor(file: string, config: Config, log: Log, called: () => void) {
    this.#file = file;
    this.#config = config;
    this.#accounts = new Map(Object.entries(config.accounts));
    this.#log = log;
    this.#called = called;
  }

  /** As it was read last. */
  get config(): Config {
    return this.#config;
  }

  /** Those of the configuration, and of the table as it was read last, by name. */
  get accounts(): ReadonlyMap<string, Account> {
    return this.#accounts;
  }

  /** Names all that is said of collecting for n8n. */
  get forN8n(): string {
    return JSON.stringify([this.#config.forN8n, [...this.#accounts]]);
  }

  /** @throws Error: the table was never read, and cannot be now */
  async read(): Promise<ToDoList> {
    try {
      this.#config = await readConfig(this.#file);
    } catch (error) {
      if (!(error instanceof Mistake)) throw error;
      this.#log.error(`What was read before stays in force. ${error.message}`);
    }
    let failed: string | null = null;
    try {
      this.#rows = await this.#readRows();
    } catch (error) {
      failed = errorText(error);
    }
    const list = await toDoList(this.#config, this.#rows);
    this.#accounts = list.accounts;
    return failed === null
      ? list
      : { ...list, wrong: [...list.wrong, `${failed}. What was read before stays in force.`], isPart: true };
  }

  async close(): Promise<void> {
    await this.#table?.opened.close();
  }

  async #readRows(): Promise<readonly unknown[] | null> {
    const { accountsFrom } = this.#config;
    const print = JSON.stringify(accountsFrom ?? null);
    if (this.#table && this.#table.print !== print) {
      const { opened } = this.#table;
      this.#table = null;
      await opened.close();
    }
    if (!accountsFrom) return null;
    this.#table ??= { print, opened: await openAccountsTable(accountsFrom.postgres, this.#called) };
    return this.#table.opened.rows();
  }
}
