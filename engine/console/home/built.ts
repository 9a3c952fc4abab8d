// What is built into this package for the console: the page and its second script, and the package's version.
// Invariant: an installation without its page has a console all the same, for whoever asks it by its addresses.
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { ConsoleContext } from '../context';

export const built = (): Pick<ConsoleContext, 'page' | 'plots' | 'version'> => ({
  page: read('page.html') ?? NO_PAGE,
  plots: read('plots.js') ?? '',
  version: version(),
});

/** Beside this folder's root: of what was built, as of the sources. */
const ROOT = join(__dirname, '..', '..', '..');

const NO_PAGE =
  '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="mail-console" content="">' +
  '<title>Mail Console</title></head><body><p>The page is missing from this installation of n8n-nodes-durable-mail. ' +
  'Install it again.</p></body></html>';

function read(name: string): string | null {
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
