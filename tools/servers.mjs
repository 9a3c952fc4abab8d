// The servers that the tests run against, from Debian's packages: the real ones that people have.
import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { run, step } from './shell.mjs';

/** @type {{ program: string, packages: string[], needs: string }[]} */
const SERVERS = [
  { program: 'dovecot', packages: ['dovecot-imapd'], needs: 'an IMAP server' },
  { program: 'chromium', packages: ['chromium'], needs: 'a browser, to look at the editor' },
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
  /** @type {typeof SERVERS} */
  const missing = [];
  for (const server of SERVERS) if (!(await find(server.program))) missing.push(server);
  if (missing.length === 0) return;
  const packages = missing.flatMap((server) => server.packages);
  const apt = await find('apt-get');
  if (!apt || process.getuid?.() !== 0) throw new Error(explain(missing, packages));
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  await step(`Installing ${packages.join(', ')} from Debian`, async () => {
    await run(apt, ['update', '-qq'], { env });
    // A package that would start its server is kept from it: the tests start their own, in folders of their own.
    await run(
      apt,
      [
        'install',
        '-y',
        '-qq',
        '--no-install-recommends',
        '-o',
        'DPkg::Options::=--force-confdef',
        ...packages,
      ],
      {
        env: { ...env, RUNLEVEL: '1' },
      },
    );
  });
}

/**
 * @param {typeof SERVERS} missing
 * @param {string[]} packages
 */
const explain = (missing, packages) =>
  [
    'Some tests need programs that are not on this machine:',
    ...missing.map(({ program, needs }) => `  - ${program} (${needs})`),
    'They are installed by themselves where this runs as root on Debian or Ubuntu. Here, do it by hand:',
    `  sudo apt-get install ${packages.join(' ')}`,
    'or leave those tests out: npm test -- --without-servers',
  ].join('\n');
