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
  const folder = await installLocked(`Installing Node ${NODE_MAJOR} (this is ${process.version})`, 'node');
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

/**
 * n8n, in the version of demo/n8n.
 * @param {string} node a Node that it runs on
 * @returns {Promise<string>} path of its command-line script
 */
export async function installN8n(node) {
  const folder = await installLocked(
    'Installing n8n (2 GB, about 4 minutes, once)',
    'n8n',
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

/**
 * Installs demo/<name> from its lockfile into the tools folder.
 * @param {string} title
 * @param {string} name
 * @param {string} [node]
 * @param {(folder: string) => Promise<void>} [finish]
 */
async function installLocked(title, name, node, finish) {
  const recipe = join(ROOT, 'demo', name);
  const folder = join(TOOLS, `${name}-${await digest(join(recipe, 'package-lock.json'))}`);
  if (existsSync(folder)) return folder;
  await step(title, async () => {
    // Made beside it and renamed at the end: half an installation is never taken for a whole one.
    const making = `${folder}.making`;
    await rm(making, { recursive: true, force: true });
    await mkdir(making, { recursive: true });
    for (const file of ['package.json', 'package-lock.json'])
      await copyFile(join(recipe, file), join(making, file));
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
