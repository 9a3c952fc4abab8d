// Cyrus, the second IMAP server that the tests speak to. Debian lets one machine have one IMAP server, and Dovecot is
// it: so Cyrus' packages are fetched and kept, not installed, and each test unpacks them into a folder of its own.
import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { run, TOOLS } from './shell.mjs';

const PACKAGES = join(TOOLS, 'cyrus-packages');
/** What it is made of; the rest of what it would install is for a machine that is a mail server. */
const NEEDED = /^(cyrus-|lib)/;

/** Whether the packages are here. */
export const hasCyrus = () => existsSync(PACKAGES);

/**
 * Fetches the packages: any user may do that.
 * @param {string} apt where apt-get is
 * @throws Error that says which command failed
 */
export async function fetchCyrus(apt) {
  if (process.getuid?.() === 0) await run(apt, ['update', '-qq']);
  const planned = await run(apt, ['install', '--simulate', '--no-install-recommends', 'cyrus-imapd']);
  const names = [...planned.matchAll(/^Inst (\S+)/gm)].map(([, name]) => name ?? '');
  const needed = new Set(['cyrus-imapd', 'cyrus-common', ...names.filter((name) => NEEDED.test(name))]);
  // Made beside it and renamed at the end: half a download is never taken for a whole one.
  const making = `${PACKAGES}.making`;
  await rm(making, { recursive: true, force: true });
  await mkdir(making, { recursive: true });
  await run(apt, ['download', '-qq', ...needed], { cwd: making });
  await rename(making, PACKAGES);
}

/**
 * Unpacks Cyrus.
 * @param {string} folder
 * @returns {Promise<{ programs: string, libraries: string }>} libraries: for LD_LIBRARY_PATH
 */
export async function unpackCyrus(folder) {
  if (!hasCyrus()) throw new Error('Cyrus is not here. "npm test" fetches it from Debian.');
  for (const name of await readdir(PACKAGES)) {
    await run('dpkg-deb', ['--extract', join(PACKAGES, name), folder]);
  }
  const places = [];
  for (const place of ['lib', join('usr', 'lib')]) {
    const names = await readdir(join(folder, place)).catch(() => []);
    places.push(...names.filter((name) => name.includes('-linux-')).map((name) => join(folder, place, name)));
  }
  return { programs: join(folder, 'usr', 'lib', 'cyrus', 'bin'), libraries: places.join(':') };
}
