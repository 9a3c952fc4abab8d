// Before `npm pack` and `npm publish`: what is shipped is built of the sources as they are now, and is whole, or nothing is
// shipped. npm itself packs an empty package without a word where dist is not there.
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from './build.mjs';
import { main, ROOT } from './shell.mjs';

await main(async () => {
  await build();
  const missing = (await shipped()).filter((path) => !existsSync(join(ROOT, path)));
  if (missing.length > 0) throw new Error(`The package is not whole. It lacks:\n${missing.join('\n')}`);
});

/** What n8n is told to load, the icons and codex files beside it, what runs in a thread of its own, the console's page, and a schema. */
async function shipped() {
  const { main, types, n8n, bin } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'));
  const assets = [];
  for (const folder of ['nodes', 'credentials']) {
    const files = await readdir(join(ROOT, folder), { recursive: true });
    assets.push(
      ...files
        .filter((file) => /\.(svg|png|node\.json)$/.test(file))
        .map((file) => join('dist', folder, file)),
    );
  }
  const thread = 'dist/engine/ledger/sqlite/thread/worker.js';
  const schema = 'dist/cli/config/schema.json';
  const page = ['page.html', 'plots.js', 'licenses.txt'].map((name) => join('dist', 'console', name));
  return [
    main,
    types,
    ...Object.values(bin),
    ...n8n.nodes,
    ...n8n.credentials,
    ...assets,
    thread,
    ...page,
    schema,
  ];
}
