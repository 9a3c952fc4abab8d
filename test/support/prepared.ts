// What an n8n of the tests begins with (test/prepare.mjs): a user folder as n8n's first start leaves it, the package, and
// a PostgreSQL cluster with n8n's tables. Whoever takes it gets a copy, but for the package, which nobody changes.
import { existsSync } from 'node:fs';
import { cp, mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../../tools/shell.mjs';

const { DURABLE_MAIL_N8N_PREPARED: PREPARED = '', DURABLE_MAIL_N8N_PACKAGES: PACKAGES = '' } = process.env;

const HOME = '.n8n';
const CLUSTER = 'postgres';

/** Of every instance: what is stored in the prepared databases is encrypted with it. */
export const ENCRYPTION_KEY = 'the key of the tests';

/** Of every instance. */
export const OWNER = { email: 'owner@example.com', password: 'Aa1-the-owner-of-the-tests' };

/** Whether the tests' n8n begins with what is prepared. */
export const arePrepared = (): boolean => has(HOME);

/** Fills a new user folder of n8n. */
export async function fillUserFolder(folder: string): Promise<void> {
  if (has(HOME)) await cp(join(PREPARED, HOME), join(folder, HOME), { recursive: true });
  else await mkdir(join(folder, HOME));
  await symlink(PACKAGES, join(folder, HOME, 'nodes'), 'junction');
}

/** Keeps the user folder of an n8n that has stopped. @param prepared the folder of what is prepared */
export async function keepUserFolder(folder: string, prepared: string): Promise<void> {
  const home = join(folder, HOME);
  const packages = join(home, 'nodes');
  await cp(home, join(prepared, HOME), { recursive: true, filter: (path) => path !== packages });
}

/** Copies the cluster. @returns whether there is one */
export async function copyCluster(to: string): Promise<boolean> {
  if (!has(CLUSTER)) return false;
  await copyOwned(join(PREPARED, CLUSTER), to);
  return true;
}

/** Keeps the cluster of a PostgreSQL that has stopped. @param prepared the folder of what is prepared */
export function keepCluster(data: string, prepared: string): Promise<void> {
  return copyOwned(data, join(prepared, CLUSTER));
}

const has = (what: string): boolean => PREPARED !== '' && existsSync(join(PREPARED, what));

/** With the owners of the files, which `fs.cp` does not keep: PostgreSQL runs as a user without rights. */
async function copyOwned(from: string, to: string): Promise<void> {
  await run('cp', ['-a', from, to]);
}
