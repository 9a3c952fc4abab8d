// Installs what the demo and the tests need beside Node and npm: this package's dependencies, Node 24, n8n.
// Each is made once, from a lockfile, and found again by the lockfile's digest.
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CommandError, npm, ROOT, step, TOOLS } from './shell.mjs';

const NODE_MAJOR = 24;

/**
 * Not `npm ci`: packages in both trees have optional parts for other machines that not every registry holds, so
 * the lockfiles lack them. `ci` refuses that; `install` takes all that is locked as it is locked.
 */
const INSTALL_LOCKED = ['install', '--no-save', '--ignore-scripts', '--loglevel=error'];

/** @param {string} file */
const digest = async (file) =>
  createHash('sha256')
    .update(await readFile(file))
    .digest('hex')
    .slice(0, 12);

/** This package's own dependencies, as its lockfile says. */
export async function installDependencies() {
  const stamp = join(ROOT, 'node_modules', '.installed');
  const wanted = await digest(join(ROOT, 'package-lock.json'));
  const installed = existsSync(stamp) ? await readFile(stamp, 'utf8') : '';
  if (installed === wanted) return;
  await step("Installing this package's dependencies", async () => {
    await npm([...INSTALL_LOCKED]);
    await writeFile(stamp, wanted);
  });
}

/**
 * A Node that n8n runs on: the running one, or one from the npm registry.
 * @returns {Promise<string>} path of the executable
 */
export async function installNode() {
  if (Number(process.versions.node.split('.')[0]) >= NODE_MAJOR) return process.execPath;
  const title = `Installing Node ${NODE_MAJOR} (this is ${process.version})`;
  const folder = await installLocked(title, 'node', join('demo', 'node'));
  const executable = process.platform === 'win32' ? 'node.exe' : join('bin', 'node');
  for (const name of Object.keys(await optionalDependencies(folder))) {
    const path = join(folder, 'node_modules', name, executable);
    if (existsSync(path)) return path;
  }
  throw new Error(
    `There is no Node ${NODE_MAJOR} for ${process.platform} ${process.arch} on the npm registry. ` +
      `Install Node ${NODE_MAJOR} from https://nodejs.org and run this again.`,
  );
}

/** Of the n8n that the demo shows and the tests run in. */
const N8N = join('demo', 'n8n');

/**
 * @param {string} node a Node that it runs on
 * @param {string} [recipe] the folder of its package.json and lockfile, from the project's
 * @returns {Promise<string>} path of n8n's command-line script
 */
export async function installN8n(node, recipe = N8N) {
  const { dependencies } = JSON.parse(await readFile(join(ROOT, recipe, 'package.json'), 'utf8'));
  const folder = await installLocked(
    `Installing n8n ${dependencies.n8n} (2 GB, about 4 minutes, once)`,
    'n8n',
    recipe,
    node,
    async (folder) => {
      // The one native module that has to be built, or fetched built, for this machine.
      const headers = join(node, '..', '..');
      const env = existsSync(join(headers, 'include', 'node')) ? { npm_config_nodedir: headers } : {};
      try {
        await npm(['rebuild', 'sqlite3', '--loglevel=error'], { cwd: folder, node, env });
      } catch (error) {
        throw new Error(
          `${error instanceof Error ? error.message : error}\n\nn8n's SQLite could not be built. ` +
            'It needs python3, make and g++ (Debian: apt-get install python3 make g++).',
        );
      }
    },
  );
  return join(folder, 'node_modules', 'n8n', 'bin', 'n8n');
}

/** Whether it is there already. @param {string} recipe of an n8n */
export const hasN8n = async (recipe) => existsSync(await folderOf('n8n', recipe));

/** @param {string} name @param {string} recipe */
const folderOf = async (name, recipe) =>
  join(TOOLS, `${name}-${await digest(join(ROOT, recipe, 'package-lock.json'))}`);

/**
 * Installs what a recipe's lockfile says into the tools folder.
 * @param {string} title
 * @param {string} name
 * @param {string} recipe
 * @param {string} [node]
 * @param {(folder: string) => Promise<void>} [finish]
 */
async function installLocked(title, name, recipe, node, finish) {
  const folder = await folderOf(name, recipe);
  if (existsSync(folder)) return folder;
  await step(title, async () => {
    // Made beside it and renamed at the end: half an installation is never taken for a whole one.
    const making = `${folder}.making`;
    await rm(making, { recursive: true, force: true });
    await mkdir(making, { recursive: true });
    for (const file of ['package.json', 'package-lock.json'])
      await copyFile(join(ROOT, recipe, file), join(making, file));
    try {
      await npm([...INSTALL_LOCKED, '--legacy-peer-deps'], { cwd: making, ...(node && { node }) });
    } catch (error) {
      throw error instanceof CommandError
        ? new Error(`${error.message}\n\nIs the npm registry within reach, and is there 3 GB of free disk?`)
        : error;
    }
    await finish?.(making);
    await rename(making, folder);
  });
  return folder;
}

/** @param {string} folder @returns {Promise<Record<string, string>>} */
const optionalDependencies = async (folder) =>
  JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')).optionalDependencies;
