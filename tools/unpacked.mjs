// Servers that the tests run from Debian's packages without installing them: they are fetched and kept, and each test unpacks them
// into a folder of its own.
import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { run, TOOLS } from './shell.mjs';

/**
 * @typedef {object} Unpacked
 * @property {string} name of the folder in which its packages are kept
 * @property {string} main the package that is asked for
 * @property {readonly string[]} needed packages that it is made of, installed here or not
 * @property {RegExp} others what it needs besides, of what is not installed here
 */

/** @param {Unpacked} server */
const placeOf = ({ name }) => join(TOOLS, `${name}-packages`);

/**
 * Whether the packages are here.
 * @param {Unpacked} server
 */
export const hasPackages = (server) => existsSync(placeOf(server));

/**
 * Fetches the packages: any user may do that.
 * @param {Unpacked} server
 * @param {string} apt where apt-get is
 * @throws Error that says which command failed
 */
export async function fetchPackages(server, apt) {
  if (process.getuid?.() === 0) await run(apt, ['update', '-qq']);
  const planned = await run(apt, ['install', '--simulate', '--no-install-recommends', server.main]);
  const names = [...planned.matchAll(/^Inst (\S+)/gm)].map(([, name]) => name ?? '');
  const needed = new Set([...server.needed, ...names.filter((name) => server.others.test(name))]);
  // Made beside it and renamed at the end: half a download is never taken for a whole one.
  const making = `${placeOf(server)}.making`;
  await rm(making, { recursive: true, force: true });
  await mkdir(making, { recursive: true });
  await run(apt, ['download', '-qq', ...needed], { cwd: making });
  await rename(making, placeOf(server));
}

/**
 * @param {Unpacked} server
 * @param {string} folder where its packages are unpacked
 * @returns {Promise<string>} where its libraries are, for LD_LIBRARY_PATH
 */
export async function unpack(server, folder) {
  if (!hasPackages(server))
    throw new Error(`The packages of ${server.name} are not here. "npm test" fetches them from Debian.`);
  for (const name of await readdir(placeOf(server))) {
    await run('dpkg-deb', ['--extract', join(placeOf(server), name), folder]);
  }
  const places = [];
  for (const place of ['lib', join('usr', 'lib')]) {
    const names = await readdir(join(folder, place)).catch(() => []);
    places.push(...names.filter((name) => name.includes('-linux-')).map((name) => join(folder, place, name)));
  }
  return places.join(':');
}
