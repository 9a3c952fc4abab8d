// Postfix, the mail server that the tests send to. Debian lets one machine have one, which may be another: so it is not installed.
import { join } from 'node:path';
import { fetchPackages, hasPackages, unpack } from './unpacked.mjs';

const POSTFIX = { name: 'postfix', main: 'postfix', needed: ['postfix'], others: /^lib/ };

/** Whether the packages are here. */
export const hasPostfix = () => hasPackages(POSTFIX);

/** @param {string} apt where apt-get is */
export const fetchPostfix = (apt) => fetchPackages(POSTFIX, apt);

/**
 * Unpacks Postfix.
 * @param {string} folder
 * @returns {Promise<{ daemons: string, commands: string, own: string, libraries: string }>} own: where its own libraries are
 */
export async function unpackPostfix(folder) {
  const libraries = await unpack(POSTFIX, folder);
  const own = join(folder, 'usr', 'lib', 'postfix');
  return { daemons: join(own, 'sbin'), commands: join(folder, 'usr', 'sbin'), own, libraries };
}
