// Runs other programs for the project's own scripts, and shows a person that something is going on.
import { spawn } from 'node:child_process';
import { dirname, delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..');

/**
 * Where what is too large for node_modules goes: Node 24 and n8n. Safe to delete; it is made again.
 * DURABLE_MAIL_TOOLS names another folder, so that several checkouts can share one.
 */
export const TOOLS = process.env['DURABLE_MAIL_TOOLS'] || join(ROOT, '.tools');

/** NODE_COMPILE_CACHE of what is started again and again: n8n, and the tests. Safe to delete, too. */
export const COMPILED = join(TOOLS, 'compiled');

/**
 * Runs a program to its end.
 * @param {string} program
 * @param {readonly string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv, show?: boolean }} [options] show: its output is shown as it
 *   comes; otherwise it is part of the error, if there is one
 * @returns {Promise<string>} its standard output, unless shown
 */
export function run(program, args, { cwd = ROOT, env = process.env, show = false } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd, env, stdio: show ? 'inherit' : ['ignore', 'pipe', 'pipe'] });
    let output = '';
    let errors = '';
    child.stdout?.on('data', (data) => (output += data));
    child.stderr?.on('data', (data) => (errors += data));
    child.once('error', reject);
    child.once('close', (code, signal) => {
      if (code === 0) return resolve(output);
      const tail = `${output}${errors}`.trim().split('\n').slice(-25).join('\n');
      reject(
        new CommandError(`${program} ${args.join(' ')} ended with ${signal ?? code}\n${tail}`, code ?? 1),
      );
    });
  });
}

export class CommandError extends Error {
  /**
   * @param {string} message
   * @param {number} code
   */
  constructor(message, code) {
    super(message);
    this.code = code;
  }
}

/**
 * Runs npm under the given Node.
 * @param {readonly string[]} args
 * @param {{ cwd?: string, node?: string, env?: NodeJS.ProcessEnv }} [options]
 */
export function npm(args, { cwd = ROOT, node = process.execPath, env = {} } = {}) {
  const quiet = { ...process.env, npm_config_audit: 'false', npm_config_fund: 'false', ...env };
  const PATH = `${dirname(node)}${delimiter}${process.env['PATH']}`;
  const cli = process.env['npm_execpath'];
  return cli && /npm-cli\.c?js$/.test(cli)
    ? run(node, [cli, ...args], { cwd, env: { ...quiet, PATH } })
    : run('npm', args, { cwd, env: { ...quiet, PATH } });
}

/**
 * Tells what is being done, and for how long, until it is done.
 * @template T
 * @param {string} title
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function step(title, work) {
  const began = Date.now();
  const seconds = () => `${Math.round((Date.now() - began) / 1000)} s`;
  const terminal = process.stdout.isTTY;
  process.stdout.write(terminal ? `  ${title} …` : `  ${title} …\n`);
  const ticking = setInterval(
    () => process.stdout.write(terminal ? `\r  ${title} … ${seconds()}` : `    … ${seconds()}\n`),
    terminal ? 1_000 : 30_000,
  );
  try {
    const result = await work();
    process.stdout.write(
      terminal ? `\r  ${title}: done in ${seconds()}\n` : `  ${title}: done in ${seconds()}\n`,
    );
    return result;
  } catch (error) {
    process.stdout.write(`\n  ${title}: failed after ${seconds()}\n`);
    throw error;
  } finally {
    clearInterval(ticking);
  }
}

/**
 * Runs a script's main function; a failure ends it with the message, not with a stack.
 * @param {() => Promise<unknown>} work
 */
export async function main(work) {
  try {
    await work();
  } catch (error) {
    console.error(`\n${error instanceof Error ? error.message : error}`);
    process.exitCode = error instanceof CommandError ? error.code : 1;
  }
}
