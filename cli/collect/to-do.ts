// What there is to do: each job with the accounts that it has, from the configuration and from the table, as one list that is
// compared with what is being done.
// Invariants: a name means one account, and one job; a row that cannot be used is told, and concerns no other.
import { createHash } from 'node:crypto';
import { type Account, checkAccount } from '../config/account';
import { checkJob, checkJobIn } from '../config/check-job';
import type { Job } from '../config/job';
import { shownPath, wrongPlaces } from '../config/mistakes';
import { type Config, type Row, schemas } from '../config/schema';
import { NAME } from '../config/words';

export interface JobToDo {
  readonly name: string;
  readonly job: Job;
}

/** One account of one job: what is subscribed and watched. */
export interface ToDo extends JobToDo {
  /** As the configuration or the table names it. */
  readonly accountName: string;
  readonly account: Account;
  /** Another one: it is to be begun anew. */
  readonly print: string;
}

/** For people. */
export const saidOf = ({ name, accountName }: ToDo): string => `Job ${name}, account ${accountName}`;

export interface ToDoList {
  readonly todo: readonly ToDo[];
  /** All that can be used, whether a job has them or not, by name. */
  readonly accounts: ReadonlyMap<string, Account>;
  /** Also those that have no account now, by name. */
  readonly jobs: ReadonlyMap<string, Job>;
  /** For people: what of it cannot be done, and why. */
  readonly wrong: readonly string[];
  /** Some of it could not be read: it is read again soon. */
  readonly isPart?: boolean;
}

/** @param rows of the table; null: there is none, or it cannot be read now */
export async function toDoList(config: Config, rows: readonly unknown[] | null): Promise<ToDoList> {
  const wrong: string[] = [];
  const read = await readRows(config, rows ?? [], wrong);
  const accounts = new Map(Object.entries(config.accounts));
  for (const { name, account } of read) accounts.set(name, account);
  const jobs = new Map<string, Job>();
  const todo: ToDo[] = [];
  const add = (one: ToDo): void => {
    try {
      checkJobIn(one.job, one.account);
      todo.push(one);
    } catch (error) {
      wrong.push(
        `The job ${one.name} is not done in the account ${one.accountName}: ${(error as Error).message}.`,
      );
    }
  };
  for (const [name, { accounts: wanted, ...job }] of Object.entries(config.jobs)) {
    jobs.set(name, job);
    for (const accountName of accountsOf(wanted, [...accounts.keys()])) {
      const account = accounts.get(accountName);
      if (account) add(one(name, job, accountName, account));
      else if (rows)
        wrong.push(
          `The job ${name} names the account ${accountName}, which is neither in the configuration nor in the table.`,
        );
    }
  }
  // Beside the jobs of the configuration, whose names have no slash.
  for (const { name, account, job } of read) {
    if (!job) continue;
    jobs.set(`table/${name}`, job);
    add(one(`table/${name}`, job, name, account));
  }
  return { todo, accounts, jobs, wrong };
}

const accountsOf = (wanted: string | readonly string[], all: readonly string[]): readonly string[] => {
  const names = [wanted].flat() as readonly string[];
  return names.includes('*') ? all : [...new Set(names)];
};

function one(name: string, job: Job, accountName: string, account: Account): ToDo {
  const print = createHash('sha256')
    .update(JSON.stringify([job, account]))
    .digest('hex');
  return { name, job, accountName, account, print };
}

async function readRows(config: Config, rows: readonly unknown[], wrong: string[]): Promise<readonly Row[]> {
  const { row: schema } = await schemas();
  const read = new Map<string, Row>();
  for (const [index, row] of rows.entries()) {
    const shown = `Row ${index + 1} of the table${nameOf(row)}`;
    const parsed = schema.safeParse(row);
    if (!parsed.success) {
      const mistakes = wrongPlaces(parsed.error.issues, row).map(({ path, what }) =>
        `${shownPath(path)} ${what}`.trim(),
      );
      wrong.push(`${shown} cannot be used: ${mistakes.join('; ')}.`);
      continue;
    }
    if (parsed.data.enabled === false) continue;
    const { name, account, job } = parsed.data;
    try {
      if (read.has(name)) throw new Error('another row has the same name');
      if (Object.hasOwn(config.accounts, name))
        throw new Error('the configuration has an account of the same name');
      checkAccount(name, account);
      if (job) checkJob(job, config);
      read.set(name, parsed.data);
    } catch (error) {
      wrong.push(`${shown} cannot be used: ${(error as Error).message}.`);
    }
  }
  return [...read.values()];
}

/** What can be no name may be anything, and its number says which row it is. */
function nameOf(row: unknown): string {
  const name = (row as { readonly name?: unknown } | null)?.name;
  return typeof name === 'string' && NAME.test(name) ? ` (${name})` : '';
}
