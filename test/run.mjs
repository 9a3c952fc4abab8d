// `npm test`: sets up whatever the tests need, then runs them all, or those whose path holds a given word.
//
//   npm test                          everything
//   npm test -- --without-servers     what needs no Dovecot, n8n or browser
//   npm test -- e2e/delivery          only files whose path holds this
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { installDependencies, installN8n, installNode } from '../tools/install.mjs';
import { installServers } from '../tools/servers.mjs';
import { main, ROOT, run, step } from '../tools/shell.mjs';

/** Folders of test/, in the order they run: what fails fast comes first. */
const WITHOUT_SERVERS = ['unit', 'ledger'];
const WITH_SERVERS = ['integration', 'e2e'];

const DEMO = join('test', 'e2e', 'demo.test.ts');
const END_TO_END = join('test', 'e2e');
const WAITING = ['imap-faults', 'gmail-quota'].map((name) => join('test', 'integration', `${name}.test.ts`));

/**
 * One after the other, each with so many files at once. The end-to-end tests wait most of their time, for a server
 * to start or a lease to run out, and so do those of the faults, for deadlines, and of the quota, for minutes to pass; that
 * of the demo builds the package, under the feet of whoever runs beside it.
 * @type {{ takes: (file: string) => boolean, atOnce: number }[]}
 */
const STAGES = [
  { takes: (file) => !waits(file) && file !== DEMO, atOnce: 1 },
  { takes: (file) => waits(file) && file !== DEMO, atOnce: 2 },
  { takes: (file) => file === DEMO, atOnce: 1 },
];

/** @param {string} file */
function waits(file) {
  return file.startsWith(END_TO_END) || WAITING.includes(file);
}

await main(async () => {
  const args = process.argv.slice(2);
  const withoutServers = args.includes('--without-servers');
  const words = args.filter((arg) => !arg.startsWith('--'));

  console.log('Setting up the tests');
  await installDependencies();
  const node = await installNode();
  /** @type {NodeJS.ProcessEnv} */
  const env = { ...process.env };
  if (!withoutServers) {
    await installServers();
    env['DURABLE_MAIL_N8N'] = await installN8n(node);
  }
  const { build } = await import('../tools/build.mjs');
  await step('Building the package', build);

  const folders = withoutServers ? WITHOUT_SERVERS : [...WITHOUT_SERVERS, ...WITH_SERVERS];
  const files = await testFiles(folders, words);
  if (files.length === 0) throw new Error(`No test file matches: ${words.join(' ')}`);
  if (withoutServers)
    console.log(`Left out, as asked: the tests in test/${WITH_SERVERS.join(' and test/')}.`);
  let failed = false;
  for (const { takes, atOnce } of STAGES) {
    const taken = files.filter(takes);
    if (taken.length === 0) continue;
    const options = ['--import', 'tsx', '--test', `--test-concurrency=${atOnce}`, '--test-force-exit'];
    await run(node, [...options, ...taken], { env, show: true }).catch(() => (failed = true));
  }
  if (failed) throw new Error('Some tests failed; they are named above.');
});

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
