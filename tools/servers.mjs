// The programs that the tests run against, from Debian's packages: the real ones that people have.
import { access, constants, rm, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { run, step } from './shell.mjs';

/** @typedef {{ program: string, packages: string[], needs: string, optional?: boolean }} Program */

/** @type {Program[]} */
const PROGRAMS = [
  { program: 'dovecot', packages: ['dovecot-imapd'], needs: 'an IMAP server' },
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

/** @param {string} program */
async function find(program) {
  for (const folder of PATH) {
    const path = join(folder, program);
    const found = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (found) return path;
  }
  return undefined;
}

/**
 * Installs what is missing, where this user may.
 * @throws Error that names what is missing and how to get it
 */
export async function installServers() {
  /** @type {Program[]} */
  const missing = [];
  for (const program of PROGRAMS) if (!(await find(program.program))) missing.push(program);
  if (missing.length === 0) return;
  const packages = missing.flatMap((program) => program.packages);
  const apt = await find('apt-get');
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
 * Debian starts a server when it is installed. The tests start their own, in folders of their own; the machine is
 * not to become a mail server because somebody ran them. (Debian Policy 9.3.3, policy-rc.d)
 * @param {() => Promise<void>} work
 */
async function withoutStartingServices(work) {
  const policy = '/usr/sbin/policy-rc.d';
  // Where there is one, this machine has its own rule.
  const made = await writeFile(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755, flag: 'wx' }).then(
    () => true,
    () => false,
  );
  try {
    await work();
  } finally {
    if (made) await rm(policy);
  }
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
