// Makes the console's page: one document with one inline script and one inline style, so that a policy can name both by
// their digests and nothing is fetched from anywhere; and beside it what draws plots, uPlot as it was published, which the page
// asks for when it needs it.
// Invariant: neither text can end its element early, and the document stays below the size that people are promised.
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { ROOT } from './shell.mjs';

/** Octets, packed as a browser is sent it. */
const MOST_PACKED = 60_000;

/** What stands in them, of others; their licences want to be told. */
const OTHERS = ['preact', '@preact/signals', '@preact/signals-core', 'uplot'];

/**
 * @param {string} folder where `page.html`, `plots.js` and the licences of what is in them are put
 * @returns {Promise<void>}
 */
export async function buildPage(folder) {
  const script = await bundled('main.tsx', 'js');
  const style = await bundled('page.css', 'css');
  if (/<\/script|<!--/i.test(script)) throw new Error("The page's script would end before its end.");
  if (/<\/style/i.test(style)) throw new Error("The page's style would end before its end.");
  // The handler looks for `<meta name="mail-console" content="">`, without the formatter's slash.
  const template = (await readFile(join(ROOT, 'console', 'page.html'), 'utf8')).replaceAll(' />', '>');
  // By functions: in a text, `$&` and its like would mean something.
  const page = template
    .replace(/\s*\/\* style \*\/\s*/, () => style)
    .replace(/\s*\/\* script \*\/\s*/, () => script);
  const packed = gzipSync(page).length;
  if (packed > MOST_PACKED)
    throw new Error(`The console's page has ${packed} octets packed: more than ${MOST_PACKED}.`);
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'page.html'), page);
  const plots = join(ROOT, 'node_modules', 'uplot', 'dist', 'uPlot.iife.min.js');
  await copyFile(plots, join(folder, 'plots.js'));
  await writeFile(join(folder, 'licenses.txt'), await licences());
}

/**
 * @param {string} entry below console/
 * @param {'js' | 'css'} kind
 */
async function bundled(entry, kind) {
  const { build } = await import('esbuild');
  const { outputFiles } = await build({
    absWorkingDir: ROOT,
    entryPoints: [join('console', entry)],
    bundle: true,
    minify: true,
    write: false,
    format: 'iife',
    target: ['es2022', 'chrome110', 'firefox115', 'safari16.4'],
    jsx: 'automatic',
    jsxImportSource: 'preact',
    legalComments: 'none',
    charset: 'utf8',
    logLevel: 'silent',
    tsconfig: join('console', 'tsconfig.json'),
  });
  const text = outputFiles[0]?.text.trim();
  if (!text) throw new Error(`The page's ${kind} is empty.`);
  return text;
}

async function licences() {
  const texts = OTHERS.map(async (name) => {
    const text = await readFile(join(ROOT, 'node_modules', name, 'LICENSE'), 'utf8');
    return `${name}\n\n${text.trim()}\n`;
  });
  return `page.html and plots.js contain parts of these.\n\n${(await Promise.all(texts)).join('\n\n')}`;
}
