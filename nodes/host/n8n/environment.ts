// What the environment says, read as n8n reads its own.
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { errorText } from '../../../engine/runtime/log';

/**
 * The variable, or the content of the file that the same name with _FILE names (a Docker secret), without the space
 * around it. @throws Error: that file cannot be read
 */
export function readEnvironment(name: string): string | undefined {
  if (process.env[name] !== undefined) return process.env[name];
  const file = process.env[`${name}_FILE`];
  if (!file) return undefined;
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    throw unreadable(name, error);
  }
}

const unreadable = (name: string, error: unknown): Error =>
  new Error(`The file that ${name}_FILE names cannot be read: ${errorText(error)}`);

/** n8n's user folder. A user whom the system does not know, as in some containers, has none: n8n takes this one then. */
export const userFolder = (): string => join(process.env['N8N_USER_FOLDER'] || home(), '.n8n');

/** Where a browser finds n8n's editor, as n8n itself works it out; without a slash at its end. */
export function editorUrl(): string {
  const { N8N_EDITOR_BASE_URL: editor, WEBHOOK_URL: webhooks } = process.env;
  const { N8N_PROTOCOL: protocol, N8N_HOST: host, N8N_PORT: port, N8N_PATH: path } = process.env;
  const url =
    editor || webhooks || `${protocol || 'http'}://${host || 'localhost'}:${port || 5678}${path || '/'}`;
  return url.replace(/\/+$/, '');
}

function home(): string {
  try {
    return homedir();
  } catch {
    return process.cwd();
  }
}
