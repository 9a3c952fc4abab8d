// Everything that can be checked without running the product: format, lint, types, import rules, dead code.
import { delimiter, dirname, join } from 'node:path';
import { installDependencies, installNode } from './install.mjs';
import { main, ROOT, run, step } from './shell.mjs';

/** @type {[string, string, string[]][]} title, script below node_modules, arguments */
const CHECKS = [
  ['Format (prettier)', 'prettier/bin/prettier.cjs', ['--check', '--log-level=warn', '.']],
  ['Lint (eslint)', 'eslint/bin/eslint.js', ['--max-warnings=0', '.']],
  ['Types (tsc)', 'typescript/bin/tsc', ['-p', 'tsconfig.json']],
  ["Types of the console's page (tsc)", 'typescript/bin/tsc', ['-p', 'console/tsconfig.json']],
  [
    'Import rules (dependency-cruiser)',
    'dependency-cruiser/bin/dependency-cruiser.mjs',
    ['index.ts', 'nodes', 'credentials', 'engine', 'console', 'cli'],
  ],
  ['Dead code (knip)', 'knip/bin/knip.js', ['--no-progress']],
];

await main(async () => {
  await installDependencies();
  const node = await installNode();
  const env = { ...process.env, PATH: `${dirname(node)}${delimiter}${process.env['PATH']}` };
  for (const [title, script, args] of CHECKS) {
    await step(title, () => run(node, [join(ROOT, 'node_modules', script), ...args], { env }));
  }
});
