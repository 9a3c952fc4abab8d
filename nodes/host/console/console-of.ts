// The console over a node's store, with what is built into this package: the page and its second script, and the package's version.
// Invariant: an installation without its page has a console all the same, for whoever asks it by its addresses.
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Console } from '../../../engine/console/context';
import { openConsole } from '../../../engine/instance/console';
import { log } from '../n8n/log';
import type { Store } from '../store/store';
import type { Home } from './console-over';

export const consoleOf = (store: Store, home: Home): Console =>
  openConsole(store, {
    ...{ ...home, log, version: version() },
    ...{ page: built('page.html') ?? NO_PAGE, plots: built('plots.js') ?? '' },
  });

/** Beside this folder's root: of what was built, as of the sources. */
const ROOT = join(__dirname, '..', '..', '..');

const NO_PAGE =
  '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="mail-console" content="">' +
  '<title>Mail Console</title></head><body><p>The page is missing from this installation of n8n-nodes-durable-mail. ' +
  'Install it again.</p></body></html>';

function built(name: string): string | null {
  const file = join(ROOT, 'console', name);
  return existsSync(file) ? readFileSync(file, 'utf8') : null;
}

function version(): string {
  for (const folder of [ROOT, dirname(ROOT)]) {
    const file = join(folder, 'package.json');
    if (!existsSync(file)) continue;
    const { version: found } = JSON.parse(readFileSync(file, 'utf8')) as { version?: unknown };
    if (typeof found === 'string') return found;
  }
  return '';
}
