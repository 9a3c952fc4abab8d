// What there is to do, read anew each time: the configuration's file, and the table that it names.
// Invariants: a file or a table that cannot be used now leaves in force what was read of it last; that is said.
import { Mistake } from '../command';
import type { Account } from '../config/account';
import { readConfig } from '../config/config';
import type { Job } from '../config/job';
import type { Config } from '../config/schema';
import type { Log } from '../../engine/runtime/log';
import { ReadTable } from './read-table';
import { TABLE_JOB, type ToDoList, toDoList } from './to-do';

export class ReadList {
  readonly #file: string;
  readonly #log: Log;
  readonly #table: ReadTable;
  #config: Config;
  #accounts: ReadonlyMap<string, Account>;
  #jobs: ReadonlyMap<string, Job> = new Map();

  /** @param table of the accounts that are not in the file */
  constructor(file: string, config: Config, log: Log, table: ReadTable) {
    this.#file = file;
    this.#config = config;
    this.#accounts = new Map(Object.entries(config.accounts));
    this.#log = log;
    this.#table = table;
  }

  /** As it was read last. */
  get config(): Config {
    return this.#config;
  }

  /** Those of the configuration, and of the table as it was read last, by name. */
  get accounts(): ReadonlyMap<string, Account> {
    return this.#accounts;
  }

  /** As it was read last, whether an account has it now or not. @throws Error: it may be in the table, which was not read yet */
  jobOf(name: string): Job | undefined {
    if (name.startsWith(TABLE_JOB) && this.#config.accountsFrom && this.#table.rows === null)
      throw new Error(`The job ${name} is not known yet: the table of accounts has not been read.`);
    return this.#jobs.get(name);
  }

  /** Names all that is said of collecting for n8n. */
  get forN8n(): string {
    return JSON.stringify([this.#config.forN8n, [...this.#accounts]]);
  }

  /** @throws Error: it cannot be read now */
  async read(signal: AbortSignal): Promise<ToDoList> {
    try {
      this.#config = await readConfig(this.#file);
    } catch (error) {
      if (!(error instanceof Mistake)) throw error;
      this.#log.error(`What was read before stays in force. ${error.message}`);
    }
    const failed = await this.#table.read(this.#config.accountsFrom?.postgres, signal);
    const list = await toDoList(this.#config, this.#table.rows, this.#jobs);
    this.#accounts = list.accounts;
    this.#jobs = list.jobs;
    return failed === null
      ? list
      : { ...list, wrong: [...list.wrong, `${failed}. What was read before stays in force.`], isPart: true };
  }

  close(): Promise<void> {
    return this.#table.close();
  }
}
