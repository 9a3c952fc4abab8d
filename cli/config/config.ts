// The configuration of the command, read and checked as a whole.
// Invariants: it can be used, or every mistake in it is told, each with its place; unknown keys are refused, so that what is
// misspelt is not passed over; no secret is in what is told.
import { readFileSync } from 'node:fs';
import { redisFromUrl } from '../../engine/redis/settings';
import { Mistake } from '../command';
import { checkAccount } from './account';
import { checkJob, checkJobIn } from './check-job';
import { httpTokens } from './http-tokens';
import { type ConfigDocument, readDocument } from './document';
import { at, shownPath, type WrongPlace, wrongPlaces } from './mistakes';
import { type Config, schemas } from './schema';
import { readSecret } from './secret';
import { inTwoWays, KnownStreams } from './stream';

const MOST_TOLD = 20;
const NO_ACCOUNT = 'is for all accounts, and there is none: add accounts, or accountsFrom';

/** @throws Mistake that tells all that is wrong, line by line */
export async function readConfig(file: string): Promise<Config> {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const { code = 'it is no file' } = error as NodeJS.ErrnoException;
    throw new Mistake(`The configuration ${file} cannot be read (${code}). Name it with --config FILE.`);
  }
  return parseConfig(text, file);
}

/** @param file for people @throws Mistake */
export async function parseConfig(text: string, file: string): Promise<Config> {
  const document = await readDocument(text.replace(/^\uFEFF/, ''), file);
  const parsed = (await schemas()).config.safeParse(document.value ?? {});
  const wrong = parsed.success
    ? wrongTogether(parsed.data)
    : wrongPlaces(parsed.error.issues, document.value);
  if (wrong.length > 0 || !parsed.success) throw new Mistake(told(wrong, document, file));
  return parsed.data;
}

/** What only a look at all of it shows. */
function wrongTogether(config: Config): readonly WrongPlace[] {
  const { accounts, jobs, accountsFrom, forN8n } = config;
  const wrong: WrongPlace[] = [];
  const names = Object.keys(accounts);
  const hasNone = names.length === 0 && !accountsFrom;
  const nameless = (path: readonly PropertyKey[], name: string): void => {
    if (name === '*' && hasNone) wrong.push({ path, what: NO_ACCOUNT });
    if (name === '*' || Object.hasOwn(accounts, name)) return;
    // Those of a table are not known yet: they are named by its rows.
    if (accountsFrom) return;
    wrong.push({
      path,
      what: `names an account that is not there. ${names.length > 0 ? `These are: ${names.slice(0, 20).join(', ')}` : 'There is none'}`,
    });
  };
  const isIdle = Object.keys(jobs).length === 0 && !accountsFrom && !forN8n;
  if (isIdle)
    wrong.push({ path: [], what: 'there is nothing to do: neither jobs, nor accountsFrom, nor forN8n' });
  for (const [name, account] of Object.entries(accounts))
    attempt(wrong, ['accounts', name], () => checkAccount(name, account));
  for (const [name, job] of Object.entries(jobs)) {
    const named = [job.accounts].flat();
    for (const account of named) nameless(['jobs', name, 'accounts'], account);
    attempt(wrong, ['jobs', name], () => checkJob(job, config));
    for (const account of named.includes('*') ? Object.keys(accounts) : new Set(named))
      if (Object.hasOwn(accounts, account))
        attempt(wrong, ['jobs', name], () => checkIn(account, () => checkJobIn(job, accounts[account]!)));
  }
  if (config.redis) attempt(wrong, ['redis', 'url'], () => redisFromUrl(readSecret(config.redis!.url)));
  if (config.http) attempt(wrong, ['http'], () => httpTokens(config.http!));
  for (const [name, other] of streamsInTwoWays(jobs))
    wrong.push({ path: ['jobs', name, 'to', 'stream'], what: inTwoWays(other) });
  for (const name of forN8n === true ? ['*'] : forN8n || []) nameless(['forN8n'], name);
  return wrong;
}

/** @returns each job that says something else of its stream than a job before it, and that one */
function streamsInTwoWays(jobs: Config['jobs']): readonly (readonly [string, string])[] {
  const known = new KnownStreams();
  return Object.entries(jobs).flatMap(([name, { to }]) => {
    const other = known.otherThan(name, to.stream);
    return other === null ? [] : [[name, other] as const];
  });
}

function checkIn(account: string, check: () => void): void {
  try {
    check();
  } catch (error) {
    throw new Error(`in the account ${account}, ${(error as Error).message}`, { cause: error });
  }
}

function attempt(wrong: WrongPlace[], path: readonly PropertyKey[], check: () => void): void {
  try {
    check();
  } catch (error) {
    wrong.push({ path, what: `cannot be used: ${(error as Error).message}` });
  }
}

function told(wrong: readonly WrongPlace[], document: ConfigDocument, file: string): string {
  const lines = wrong.slice(0, MOST_TOLD).map(({ path, what, key }) => {
    const precise = key === undefined ? path : [...path, key];
    const line = document.lineOf(at(document.value, precise) === undefined ? precise.slice(0, -1) : precise);
    const place = [shownPath(path), line === null ? '' : `(line ${line})`].filter(Boolean).join(' ');
    return `- ${place}${place && ' '}${what}`;
  });
  const more = wrong.length > MOST_TOLD ? [`- and ${wrong.length - MOST_TOLD} more`] : [];
  return [`The configuration ${file} cannot be used:`, ...lines, ...more].join('\n');
}
