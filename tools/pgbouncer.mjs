// PgBouncer, which stands between many clients and a Postgres. Debian starts it when it is installed: so it is not installed.
import { join } from 'node:path';
import { fetchPackages, hasPackages, unpack } from './unpacked.mjs';

const PGBOUNCER = { name: 'pgbouncer', main: 'pgbouncer', needed: ['pgbouncer'], others: /^lib/ };

/** Whether the packages are here. */
export const hasPgbouncer = () => hasPackages(PGBOUNCER);

/** @param {string} apt where apt-get is */
export const fetchPgbouncer = (apt) => fetchPackages(PGBOUNCER, apt);

/**
 * Unpacks PgBouncer.
 * @param {string} folder
 * @returns {Promise<{ program: string, libraries: string }>} libraries: for LD_LIBRARY_PATH
 */
export async function unpackPgbouncer(folder) {
  const libraries = await unpack(PGBOUNCER, folder);
  return { program: join(folder, 'usr', 'sbin', 'pgbouncer'), libraries };
}
