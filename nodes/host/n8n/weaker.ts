// What is weaker in an n8n that lacks something is said in its log, once a process.
// Invariant: n8n's version stands in messages alone, and decides nothing.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { processWide } from '../../../engine/runtime/process-wide';
import { log } from './log';

/** The oldest n8n that has all of it. */
const OLDEST_IN_FULL = '2.15';

const said = (): Set<string> => processWide('said', () => new Set<string>());

/** Says it in the log, once a process. @param more what goes with it, worked out only then */
export function warnOnce(what: string, more = (): string => ''): void {
  if (isNew(what)) log.warn(`${what}${more()}`);
}

/** The same of what costs nothing that was promised. */
export function noteOnce(what: string): void {
  if (isNew(what)) log.info(what);
}

function isNew(what: string): boolean {
  if (said().has(what)) return false;
  said().add(what);
  return true;
}

/** Says in the log, once a process, what is weaker in an n8n that lacks something. @param what whole sentences */
export const sayWeaker = (what: string): void =>
  warnOnce(what, () => ` Everything works from n8n ${OLDEST_IN_FULL} on${thisN8n()}.`);

/** What to do where nothing durable is left. */
export const updateN8n = (): string => `Update n8n to ${OLDEST_IN_FULL} or newer${thisN8n()}`;

/** The package of n8n that nodes import has n8n's version, or nearly. */
function thisN8n(): string {
  try {
    const entry = require.resolve('n8n-workflow');
    const folder = entry.slice(0, entry.lastIndexOf('n8n-workflow') + 'n8n-workflow'.length);
    const file = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { version?: unknown };
    return typeof file.version === 'string' ? ` (this is ${file.version}, or near it)` : '';
  } catch {
    return '';
  }
}
