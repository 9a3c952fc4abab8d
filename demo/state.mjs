// What the demo keeps between two starts: one folder that git ignores, with a file of its own ports and
// passwords, the demo mailbox, and n8n's user folder. Delete the folder to begin anew.
import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ROOT } from '../tools/shell.mjs';

/** DURABLE_MAIL_DEMO names another folder, so that a test has one of its own. */
const FOLDER = process.env['DURABLE_MAIL_DEMO'] || join(ROOT, '.demo');

export const PLACES = {
  n8n: join(FOLDER, 'n8n'),
  mailbox: join(FOLDER, 'mailbox'),
  log: join(FOLDER, 'n8n.log'),
};

const FILE = join(FOLDER, 'state.json');

export const MAIL_USER = 'demo';
export const OWNER_EMAIL = 'demo@example.com';

/**
 * @typedef {object} DemoState
 * @property {string} ownerPassword
 * @property {string} mailPassword
 * @property {number} uidValidity
 * @property {number} mailPort
 * @property {number} n8nPort
 * @property {number} [consolePort]
 * @property {string} [consoleToken]
 * @property {number} [controlPort] where the demo that runs can be asked: demo/control.mjs
 * @property {string} [credentialId]
 * @property {string} [workflowId]
 */

/** @returns {Promise<DemoState | undefined>} undefined: the demo was never started */
export async function readState() {
  const text = await readFile(FILE, 'utf8').catch(() => undefined);
  return text === undefined ? undefined : JSON.parse(text);
}

/** The token with which one may act in the Mail Console. */
export const newConsoleToken = () => randomBytes(18).toString('base64url');

/** @returns {DemoState} */
export const newState = () => ({
  // n8n asks for a capital letter and a digit.
  ownerPassword: `Demo-${randomBytes(6).toString('hex')}1`,
  mailPassword: randomBytes(12).toString('hex'),
  uidValidity: Math.floor(Date.now() / 1000),
  mailPort: 1143,
  n8nPort: 5678,
});

/** @param {DemoState} state */
export async function writeState(state) {
  await mkdir(FOLDER, { recursive: true, mode: 0o700 });
  await writeFile(FILE, `${JSON.stringify(state, null, 2)}\n`, { mode: 0o600 });
}
