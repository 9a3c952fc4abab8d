// `npm run test:n8n -- 2.15.1 2.20.12`: the whole path of a mail in each of these versions of n8n. One that has no recipe in
// test/n8n-versions gets one: a lockfile made anew, to be kept or to be deleted.
import { existsSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from '../tools/build.mjs';
import { installDependencies, installN8n, installNode } from '../tools/install.mjs';
import { installServers } from '../tools/servers.mjs';
import { main, npm, ROOT, run, step } from '../tools/shell.mjs';
import { installPackage } from './prepare.mjs';

const RECIPES = join('test', 'n8n-versions');
const FILE = join('test', 'e2e', 'whole-path.test.ts');

await main(async () => {
  const versions = process.argv.slice(2);
  if (versions.length === 0)
    throw new Error('Which versions of n8n? For example: npm run test:n8n -- 2.15.1 2.20.12');
  await installDependencies();
  const node = await installNode();
  await installServers();
  await step('Building the package', build);
  const failed = [];
  for (const version of versions) {
    console.log(`\nn8n ${version}`);
    try {
      const { environment, dispose } = await installPackage(
        await installN8n(node, await recipe(version, node)),
      );
      const mayLack = isInFull(version) ? {} : { DURABLE_MAIL_N8N_MAY_LACK: 'something' };
      await run(node, [join('test', 'runner', 'main.mjs'), FILE], {
        env: { ...process.env, ...environment, ...mayLack },
        show: true,
      }).finally(dispose);
    } catch (error) {
      failed.push(version);
      console.error(error instanceof Error ? error.message : error);
    }
  }
  if (failed.length > 0) throw new Error(`Not right in n8n ${failed.join(', ')}.`);
});

/** @param {string} version @param {string} node @returns {Promise<string>} its folder */
async function recipe(version, node) {
  const folder = join(RECIPES, version);
  const files = ['package.json', 'package-lock.json'];
  if (existsSync(join(ROOT, folder, 'package-lock.json'))) return folder;
  const making = await mkdtemp(join(tmpdir(), 'durable-mail-recipe-'));
  try {
    await step(`Making a lockfile of n8n ${version}`, async () => {
      const content = {
        name: 'durable-mail-n8n',
        private: true,
        dependencies: { n8n: version, ...besides(version) },
        overrides: overrides(version),
      };
      await writeFile(join(making, 'package.json'), `${JSON.stringify(content, null, 2)}\n`);
      const args = [
        'install',
        '--package-lock-only',
        '--ignore-scripts',
        '--legacy-peer-deps',
        '--loglevel=error',
      ];
      await npm(args, { cwd: making, node });
    });
    await mkdir(join(ROOT, folder), { recursive: true });
    for (const file of files) await copyFile(join(making, file), join(ROOT, folder, file));
  } finally {
    await rm(making, { recursive: true, force: true });
  }
  return folder;
}

/** What is not on the npm registry, or is not any more what it was when that n8n was made. @param {string} version */
function overrides(version) {
  const langgraph = { '@langchain/langgraph': '1.0.2', '@langchain/langgraph-checkpoint': '1.0.0' };
  return {
    xlsx: '0.18.5',
    linkedom: '0.18.12',
    ...(order(version) < order('2.20') && langgraph),
  };
}

/** What has to lie at the top, since packages that do not ask for it need it there. @param {string} version */
function besides(version) {
  return order(version) < order('2.20') ? { '@opentelemetry/core': '2.6.0' } : {};
}

/** @param {string} version */
function isInFull(version) {
  return order(version) >= order('2.15');
}

/** @param {string} version */
function order(version) {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major * 1_000 + minor;
}
