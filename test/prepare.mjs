// What every n8n of the tests begins with, made before the first of them starts: the package as it is installed, anew for
// each run; and n8n's databases as they are after its first start, kept beside n8n for all later runs.
import { existsSync } from 'node:fs';
import { mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { installInto } from '../tools/build.mjs';
import { findProgram } from '../tools/servers.mjs';
import { COMPILED, ROOT, run, step } from '../tools/shell.mjs';

/** To be raised when what is kept has to be made anew: test/support/prepare.ts, or what it uses, makes something else. */
const VERSION = 1;

/**
 * @typedef {object} Prepared for the tests, to be disposed of when they have ended
 * @property {Record<string, string>} environment
 * @property {() => Promise<void>} dispose
 */

/**
 * @param {string} node a Node that n8n runs on
 * @param {string} n8n path of n8n's command-line script
 * @returns {Promise<Prepared>}
 */
export async function prepareN8n(node, n8n) {
  const { environment, dispose } = await installPackage(n8n);
  try {
    // The folder that n8n was installed into: node_modules/n8n/bin/n8n stands in it.
    const kept = `${join(dirname(n8n), '..', '..', '..')}-prepared-${VERSION}-postgres-${await postgresVersion()}`;
    environment.DURABLE_MAIL_N8N_PREPARED = kept;
    await makePrepared(node, environment);
    return { environment, dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}

/**
 * The package for this n8n, whose databases are not made: for a file of tests or two.
 * @param {string} n8n path of its command-line script
 */
export async function installPackage(n8n) {
  const installed = await mkdtemp(join(tmpdir(), 'durable-mail-package-'));
  const dispose = () => rm(installed, { recursive: true, force: true });
  try {
    await installInto(installed, n8n);
  } catch (error) {
    await dispose();
    throw error;
  }
  const environment = {
    DURABLE_MAIL_N8N: n8n,
    DURABLE_MAIL_N8N_PACKAGES: join(installed, '.n8n', 'nodes'),
    DURABLE_MAIL_N8N_PREPARED: '',
    NODE_COMPILE_CACHE: COMPILED,
  };
  return { environment, dispose };
}

/**
 * @param {string} node
 * @param {{ DURABLE_MAIL_N8N_PREPARED: string }} environment
 */
async function makePrepared(node, environment) {
  const { DURABLE_MAIL_N8N_PREPARED: folder } = environment;
  if (existsSync(folder)) return;
  await step("Making n8n's databases (once)", async () => {
    // Made beside it and renamed at the end: half of it is never taken for all of it.
    const making = await mkdtemp(`${folder}.making-`);
    try {
      await run(node, ['--import', 'tsx', join(ROOT, 'test', 'support', 'prepare.ts'), making], {
        // There is nothing prepared yet that it could begin with.
        env: { ...process.env, ...environment, DURABLE_MAIL_N8N_PREPARED: '' },
      });
      await rename(making, folder).catch((error) => {
        // Another checkout that shares the tools may have been quicker.
        if (!existsSync(folder)) throw error;
      });
    } finally {
      await rm(making, { recursive: true, force: true });
    }
  });
}

/** PostgreSQL reads no data of another version. */
async function postgresVersion() {
  const postgres = await findProgram('postgres');
  const version = postgres && /^postgres \(PostgreSQL\) (\d+)/.exec(await run(postgres, ['--version']))?.[1];
  if (!version) throw new Error('PostgreSQL does not tell its version');
  return version;
}
