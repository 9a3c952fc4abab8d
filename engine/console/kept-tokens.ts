// Where the two tokens come from: what people have set, or a file beside the ledger, made when it is first needed.
// Invariants: a file is whole or is not there, and only its owner reads it; a token that was made is never made again; no
// token stands in an error or a log.
import { createHash, randomBytes } from 'node:crypto';
import { chmod, link, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errorText } from '../runtime/log';
import type { Right } from './api';
import { isSame, type Tokens } from './rights';

/** What may be set, also with `_FILE` after its name; and the file's name where it is not. */
const KEPT: Readonly<Record<Right, { readonly variable: string; readonly file: string }>> = {
  read: { variable: 'DURABLE_MAIL_CONSOLE_TOKEN', file: 'console-read-token' },
  operate: { variable: 'DURABLE_MAIL_CONSOLE_OPERATE_TOKEN', file: 'console-operate-token' },
};

/** Whoever guesses has to be kept from it: there is no other bar. */
const LEAST_LENGTH = 16;

export interface KeptTokens extends Tokens {
  /** Where each of them is, for people: a variable's name, or a file. */
  readonly places: Readonly<Record<Right, string>>;
  /** Files that others could read until now. */
  readonly wereOpen: readonly string[];
  /** Signs sessions. Who has only the first token cannot know it, and it changes with each of them. */
  readonly sessionKey: Buffer;
}

interface Sources {
  /** What is set under a name, or in the file that the name with `_FILE` names. */
  readonly setting: (name: string) => string | undefined;
  /** Beside the ledger. Made if it is not there. */
  readonly folder: string;
  /** What makes a token where there is none, for people; left out: n8n. */
  readonly maker?: string;
}

/** @throws Error that says which token cannot be used, and what to do */
export async function keptTokens(sources: Sources): Promise<KeptTokens> {
  const read = await tokenOf('read', sources);
  const operate = await tokenOf('operate', sources);
  if (isSame(read.token, operate.token)) {
    throw new Error(
      `${read.place} and ${operate.place} hold the same token: whoever may read could operate. Set two that differ.`,
    );
  }
  return {
    read: read.token,
    operate: operate.token,
    places: { read: read.place, operate: operate.place },
    wereOpen: [read, operate].flatMap(({ place, wasOpen }) => (wasOpen ? place : [])),
    sessionKey: createHash('sha256')
      .update(JSON.stringify(['mail console session', read.token, operate.token]))
      .digest(),
  };
}

interface Placed {
  readonly token: string;
  readonly place: string;
  /** Others could read it. */
  readonly wasOpen: boolean;
}

type Kept = Omit<Placed, 'place'>;

async function tokenOf(right: Right, { setting, folder, maker = 'n8n' }: Sources): Promise<Placed> {
  const { variable, file } = KEPT[right];
  const set = setting(variable)?.trim();
  if (set) return usable({ token: set, wasOpen: false }, variable);
  const path = join(folder, file);
  try {
    return usable((await kept(path)) ?? (await made(folder, path)), path);
  } catch (error) {
    if (error instanceof Unusable) throw error;
    throw new Error(
      `The console's token cannot be kept in ${path}: ${errorText(error)}. Set ${variable}, or let ${maker} write there.`,
      { cause: error },
    );
  }
}

async function kept(path: string): Promise<Kept | null> {
  try {
    const token = (await readFile(path, 'utf8')).trim();
    // Another may have read it before; whoever does so from now on may not.
    const wasOpen = ((await stat(path)).mode & 0o077) !== 0;
    if (wasOpen) await chmod(path, 0o600);
    return { token, wasOpen };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/** Of several processes that make one at once, all use what the first has put there. */
async function made(folder: string, path: string): Promise<Kept> {
  await mkdir(folder, { recursive: true });
  const aside = `${path}.${randomBytes(6).toString('hex')}`;
  const token = randomBytes(32).toString('base64url');
  const own = { token, wasOpen: false };
  await writeFile(aside, `${token}\n`, { mode: 0o600, flag: 'wx', flush: true });
  try {
    await link(aside, path);
    return own;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    return (await kept(path)) ?? own;
  } finally {
    await rm(aside, { force: true });
  }
}

class Unusable extends Error {}

function usable({ token, wasOpen }: Kept, place: string): Placed {
  if (token.length < LEAST_LENGTH || /[^\x21-\x7e]/.test(token)) {
    throw new Unusable(
      `The console's token in ${place} cannot be used: it needs ${LEAST_LENGTH} characters or more, without spaces, of ` +
        'those that a keyboard has. `openssl rand -base64 32` makes one.',
    );
  }
  return { token, place, wasOpen };
}
