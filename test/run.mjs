// `npm test`: sets up whatever the tests need, then runs them all, or those whose path holds a given word.
//
//   npm test                          everything
//   npm test -- --without-servers     what needs no Dovecot, n8n or browser
//   npm test -- e2e/delivery          only files whose path holds this
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from '../tools/build.mjs';
import { hasN8n, installDependencies, installN8n, installNode } from '../tools/install.mjs';
import { installServers } from '../tools/servers.mjs';
import { COMPILED, main, ROOT, run, step } from '../tools/shell.mjs';
import { installPackage, prepareN8n } from './prepare.mjs';

/** Folders of test/. */
const WITHOUT_SERVERS = ['unit', 'ledger'];
const WITH_SERVERS = ['integration', 'e2e'];

/** The oldest n8n that is supported in full, and the file that runs in it. */
const OLDEST = join('test', 'n8n-versions', '2.15.1');
const IN_OLDEST = join('test', 'e2e', 'whole-path-oldest.test.ts');

await main(async () => {
  const args = process.argv.slice(2);
  const withoutServers = args.includes('--without-servers');
  const words = args.filter((arg) => !arg.startsWith('--'));

  console.log('Setting up the tests');
  await installDependencies();
  const node = await installNode();
  const n8n = withoutServers ? null : await installServers().then(() => installN8n(node));
  await step('Building the package', build);

  const folders = withoutServers ? WITHOUT_SERVERS : [...WITHOUT_SERVERS, ...WITH_SERVERS];
  const files = await testFiles(folders, words);
  if (files.length === 0) throw new Error(`No test file matches: ${words.join(' ')}`);
  if (withoutServers)
    console.log(`Left out, as asked: the tests in test/${WITH_SERVERS.join(' and test/')}.`);
  const prepared = n8n ? await prepareN8n(node, n8n) : null;
  const isThere = await hasN8n(OLDEST);
  const oldest = files.includes(IN_OLDEST) ? prepareOldest(node) : null;
  // It is waited for below; until then its failure is nobody's.
  oldest?.catch(() => undefined);
  try {
    // On a new machine the oldest n8n is installed while the other files run.
    const first = isThere ? files : files.filter((file) => file !== IN_OLDEST);
    const environment = { ...prepared?.environment, ...(isThere && (await oldest)?.environment) };
    let good = await passes(node, first, environment);
    if (oldest && !isThere) {
      const environment = { ...prepared?.environment, ...(await oldest).environment };
      good = (await passes(node, [IN_OLDEST], environment)) && good;
    }
    if (!good) throw new Error('Some tests failed; they are named above.');
  } finally {
    await prepared?.dispose();
    await oldest?.then(
      ({ dispose }) => dispose(),
      () => undefined,
    );
  }
});

/**
 * @param {string} node
 * @param {readonly string[]} files
 * @param {Record<string, string>} environment
 */
async function passes(node, files, environment) {
  if (files.length === 0) return true;
  return run(node, [join('test', 'runner', 'main.mjs'), ...files], {
    env: { ...process.env, NODE_COMPILE_CACHE: COMPILED, ...environment },
    show: true,
  }).then(
    () => true,
    () => false,
  );
}

/** For test/support/oldest-n8n.ts. @param {string} node */
async function prepareOldest(node) {
  const { environment, dispose } = await installPackage(await installN8n(node, OLDEST));
  return {
    environment: {
      DURABLE_MAIL_OLDEST_N8N: environment.DURABLE_MAIL_N8N,
      DURABLE_MAIL_OLDEST_N8N_PACKAGES: environment.DURABLE_MAIL_N8N_PACKAGES,
    },
    dispose,
  };
}

/**
 * @param {readonly string[]} folders
 * @param {readonly string[]} words
 */
async function testFiles(folders, words) {
  const files = [];
  for (const folder of folders) {
    const entries = await readdir(join(ROOT, 'test', folder), { recursive: true });
    files.push(
      ...entries.filter((name) => name.endsWith('.test.ts')).map((name) => join('test', folder, name)),
    );
  }
  return files.filter((file) => words.length === 0 || words.some((word) => file.includes(word)));
}
