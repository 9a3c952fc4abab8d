// What n8n's own variables say (engine/runtime/environment.ts reads ours, in n8n and outside of it).
import { homedir } from 'node:os';
import { join } from 'node:path';

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
