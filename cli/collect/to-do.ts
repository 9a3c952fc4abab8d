// What there is to do: each job with the accounts that it has, from the configuration and from the table, as one list that is
// compared with what is being done.
// Invariants: a name means one account, and one job; a row that cannot be used is told, and concerns no other.
import { createHash } from 'node:crypto';
import { type Account, checkAccount } from '../config/account';
import { checkJob, checkJobIn } from '../config/check-job';
import type { Job } from '../config/job';
import { shownPath, wrongPlaces } from '../config/mistakes';
import { type Config, type Row, schemas } from '../config/schema';
import { inTwoWays, KnownStreams, type Stream, streamPrint } from '../config/stream';
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

/** The jobs of rows begin with it; those of the configuration have no slash. */
export const TABLE_JOB = 'table/';

/**
 * @param rows of the table; null: there is none, or it cannot be read now
 * @param before the jobs of the list before: a row that comes takes nothing from one that was there
 */
export async function toDoList(
  config: Config,
  rows: readonly unknown[] | null,
  before: ReadonlyMap<string, Job> = new Map(),
): Promise<ToDoList> {
  const wrong: string[] = [];
  const read = await readRows(config, rows ?? [], before, wrong);
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
      else if (rows) wrong.push(nowhere(`The job ${name}`, accountName));
    }
  }
  const { forN8n } = config;
  if (rows && Array.isArray(forN8n))
    for (const name of forN8n) if (!accounts.has(name)) wrong.push(nowhere('forN8n', name));
  for (const { name, account, job } of read) {
    if (!job) continue;
    jobs.set(TABLE_JOB + name, job);
    add(one(TABLE_JOB + name, job, name, account));
  }
  return { todo, accounts, jobs, wrong };
}

const nowhere = (who: string, account: string): string =>
  `${who} names the account ${account}, which is neither in the configuration nor in the table.`;

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

async function readRows(
  config: Config,
  rows: readonly unknown[],
  before: ReadonlyMap<string, Job>,
  wrong: string[],
): Promise<readonly Row[]> {
  const { row: schema } = await schemas();
  const read = new Map<string, Row>();
  const shownOf = new Map<string, string>();
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
      shownOf.set(name, shown);
    } catch (error) {
      wrong.push(`${shown} cannot be used: ${(error as Error).message}.`);
    }
  }
  for (const [name, other] of otherStreams(config, [...read.values()], before)) {
    read.delete(name);
    wrong.push(`${shownOf.get(name)} cannot be used: job.to.stream ${inTwoWays(other)}.`);
  }
  return [...read.values()];
}

/**
 * Rows whose streams are spoken of otherwise. Those that said the same before come first, then they come in the order of their names:
 * a database has its own order each time.
 */
function otherStreams(
  config: Config,
  rows: readonly Row[],
  before: ReadonlyMap<string, Job>,
): readonly (readonly [string, string])[] {
  const said = (stream: Stream | undefined): string | null => (stream ? streamPrint(stream) : null);
  const isNew = ({ name, job }: Row): boolean =>
    said(job?.to.stream) !== said(before.get(TABLE_JOB + name)?.to.stream);
  const known = new KnownStreams();
  for (const [name, { to }] of Object.entries(config.jobs)) known.otherThan(name, to.stream);
  const sorted = rows.toSorted(
    (one, other) => Number(isNew(one)) - Number(isNew(other)) || (one.name < other.name ? -1 : 1),
  );
  return sorted.flatMap(({ name, job }) => {
    const other = known.otherThan(TABLE_JOB + name, job?.to.stream);
    return other === null ? [] : [[name, other] as const];
  });
}

/** What can be no name may be anything, and its number says which row it is. */
function nameOf(row: unknown): string {
  const name = (row as { readonly name?: unknown } | null)?.name;
  return typeof name === 'string' && NAME.test(name) ? ` (${name})` : '';
}
