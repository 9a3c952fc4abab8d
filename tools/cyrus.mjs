// Cyrus, the second IMAP server that the tests speak to. Debian lets one machine have one IMAP server, and Dovecot is
// it: so Cyrus is not installed.
import { join } from 'node:path';
import { fetchPackages, hasPackages, unpack } from './unpacked.mjs';

/** The rest of what it would install is for a machine that is a mail server. */
const CYRUS = {
  ...{ name: 'cyrus', main: 'cyrus-imapd', needed: ['cyrus-imapd', 'cyrus-common'] },
  others: /^(cyrus-|lib)/,
};

/** Whether the packages are here. */
export const hasCyrus = () => hasPackages(CYRUS);

/** @param {string} apt where apt-get is */
export const fetchCyrus = (apt) => fetchPackages(CYRUS, apt);

/**
 * Unpacks Cyrus.
 * @param {string} folder
 * @returns {Promise<{ programs: string, libraries: string }>} libraries: for LD_LIBRARY_PATH
 */
export async function unpackCyrus(folder) {
  const libraries = await unpack(CYRUS, folder);
  return { programs: join(folder, 'usr', 'lib', 'cyrus', 'bin'), libraries };
}
