// The programs that the tests run against, from Debian's packages: the real ones that people have.
import { access, constants, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { fetchCyrus, hasCyrus } from './cyrus.mjs';
import { fetchPgbouncer, hasPgbouncer } from './pgbouncer.mjs';
import { fetchPostfix, hasPostfix } from './postfix.mjs';
import { run, step } from './shell.mjs';

/** @typedef {{ program: string, packages: string[], needs: string, optional?: boolean }} Program */

/** @type {Program[]} */
const PROGRAMS = [
  { program: 'dovecot', packages: ['dovecot-imapd'], needs: 'an IMAP server' },
  { program: 'postgres', packages: ['postgresql'], needs: 'a database' },
  { program: 'redis-server', packages: ['redis-server'], needs: "a queue for n8n's workers" },
  { program: 'openssl', packages: ['openssl'], needs: 'certificates of our own' },
  { program: 'chromium', packages: ['chromium'], needs: 'a browser, to look at the editor' },
  // n8n's SQLite is built with these where it cannot be downloaded ready-made.
  ...['g++', 'make', 'python3'].map((program) => ({
    program,
    packages: [program],
    needs: "to build n8n's SQLite",
    optional: true,
  })),
];

// Servers stand in folders that are not always on the path of a user.
const PATH = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin', '/sbin'];
/** Debian's PostgreSQL stands in no folder of the path, but in one of its version. */
const POSTGRES_VERSIONS = '/usr/lib/postgresql';

/**
 * @param {string} program
 * @returns {Promise<string | undefined>} where it is
 */
export async function findProgram(program) {
  for (const folder of [...(await postgresFolders()), ...PATH]) {
    const path = join(folder, program);
    const found = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (found) return path;
  }
  return undefined;
}

/** The newest version first. */
async function postgresFolders() {
  const versions = await readdir(POSTGRES_VERSIONS).catch(() => []);
  return versions
    .sort((a, b) => Number(b) - Number(a))
    .map((version) => join(POSTGRES_VERSIONS, version, 'bin'));
}

/**
 * Installs what is missing, where this user may.
 * @throws Error that names what is missing and how to get it
 */
export async function installServers() {
  await installPrograms();
  const apt = await findProgram('apt-get');
  if (!apt) return;
  for (const { name, isHere, fetch } of UNPACKED) {
    if (isHere()) continue;
    const fetching = step(`Fetching ${name} from Debian`, () => fetch(apt));
    // Who may not install may lack the list of packages, too. The tests with it say that they are left out.
    await fetching.catch((error) => {
      if (process.getuid?.() === 0) throw error;
      console.log(`  Left out, then: the tests with it.\n${error.message}`);
    });
  }
}

/** Those that are not installed. */
const UNPACKED = [
  { name: 'Cyrus, the second IMAP server', isHere: hasCyrus, fetch: fetchCyrus },
  { name: 'PgBouncer, which stands before a Postgres', isHere: hasPgbouncer, fetch: fetchPgbouncer },
  { name: 'Postfix, a mail server', isHere: hasPostfix, fetch: fetchPostfix },
];

async function installPrograms() {
  /** @type {Program[]} */
  const missing = [];
  for (const program of PROGRAMS) if (!(await findProgram(program.program))) missing.push(program);
  if (missing.length === 0) return;
  const packages = missing.flatMap((program) => program.packages);
  const apt = await findProgram('apt-get');
  if (!apt || process.getuid?.() !== 0) {
    const needed = missing.filter(({ optional }) => !optional);
    if (needed.length > 0) throw new Error(explain(needed));
    return;
  }
  await step(`Installing ${packages.join(', ')} from Debian`, () =>
    withoutStartingServices(() => aptInstall(apt, packages)),
  );
}

/**
 * @param {string} apt
 * @param {string[]} packages
 */
async function aptInstall(apt, packages) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  await run(apt, ['update', '-qq'], { env });
  await run(apt, ['install', '-y', '-qq', '--no-install-recommends', ...packages], { env });
}

/**
 * Debian starts a server when it is installed, and makes PostgreSQL an empty database to start. The tests start
 * their own, in folders of their own; the machine is not to become a mail server because somebody ran them.
 * (Debian Policy 9.3.3, policy-rc.d; createcluster.conf of postgresql-common)
 * @param {() => Promise<void>} work
 */
async function withoutStartingServices(work) {
  const rules = [
    await ownRule('/usr/sbin/policy-rc.d', '#!/bin/sh\nexit 101\n', 0o755),
    await ownRule(
      '/etc/postgresql-common/createcluster.d/durable-mail-tests.conf',
      'create_main_cluster = false\n',
      0o644,
    ),
  ];
  try {
    await work();
  } finally {
    for (const rule of rules) if (rule) await rm(rule);
  }
}

/**
 * A rule for the time of an installation.
 * @param {string} path
 * @param {string} text
 * @param {number} mode
 * @returns {Promise<string | null>} the file to remove; null: there is one, and this machine has its own rule
 */
async function ownRule(path, text, mode) {
  await mkdir(dirname(path), { recursive: true });
  return writeFile(path, text, { mode, flag: 'wx' }).then(
    () => path,
    () => null,
  );
}

/** @param {Program[]} missing */
const explain = (missing) =>
  [
    'Some tests need programs that are not on this machine:',
    ...missing.map(({ program, needs }) => `  - ${program} (${needs})`),
    'They are installed by themselves where this runs as root on Debian or Ubuntu. Here, do it by hand:',
    `  sudo apt-get install ${missing.flatMap(({ packages }) => packages).join(' ')}`,
    'or leave those tests out: npm test -- --without-servers',
  ].join('\n');
