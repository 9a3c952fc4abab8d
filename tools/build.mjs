// Builds the package into dist, and puts it where an n8n finds it, as an installation from npm would.
// Invariant: what is left as it is, because nothing changed, is what would be made: sources and result are compared by their
// digests.
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { digestOf, kept } from './digest.mjs';
import { buildPage } from './page.mjs';
import { main, npm, ROOT, run, step } from './shell.mjs';

/** All that dist is made of and by; the lockfile stands for the compiler. */
const SOURCES = [
  ...['index.ts', 'nodes', 'credentials', 'engine', 'console', 'cli'],
  ...['package.json', 'package-lock.json', 'tsconfig.json', 'tsconfig.build.json', 'gulpfile.js'],
  ...['tools/build.mjs', 'tools/page.mjs'],
];

/** Of what, and as what, dist was built last. */
const BUILT = join(ROOT, 'node_modules', '.built');

const TSC = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
const GULP = join(ROOT, 'node_modules', 'gulp', 'bin', 'gulp.js');
const ESBUILD = join(ROOT, 'node_modules', 'esbuild', 'package.json');

/** Builds the package beside dist, and puts it there as a whole: whoever reads it meanwhile finds the one or the other. */
export async function build() {
  if (![TSC, GULP, ESBUILD].every(existsSync)) {
    throw new Error(
      'The package cannot be built: what builds it is not installed. Run npm install, with the development dependencies.',
    );
  }
  const dist = join(ROOT, 'dist');
  const sources = await digestOf(ROOT, SOURCES);
  const making = await mkdtemp(join(ROOT, 'node_modules', '.dist-'));
  try {
    const made = join(making, 'made');
    await run(process.execPath, [TSC, '-p', 'tsconfig.build.json', '--outDir', made]);
    await run(process.execPath, [GULP, '--silent'], {
      env: { ...process.env, DURABLE_MAIL_DIST: made },
    });
    await buildPage(join(made, 'console'));
    if (existsSync(dist)) await rename(dist, join(making, 'old'));
    await rename(made, dist);
    await writeFile(join(making, 'built'), `${sources} ${await digestOf(ROOT, ['dist'])}`);
    // Put there, not written over: another checkout may share the file.
    await rename(join(making, 'built'), BUILT);
  } finally {
    await rm(making, { recursive: true, force: true });
  }
}

/** Builds the package, unless dist is what was built of these sources. */
export async function buildIfChanged() {
  const built = `${await digestOf(ROOT, SOURCES)} ${await digestOf(ROOT, ['dist'])}`;
  if (built !== (await kept(BUILT))) await step('Building the package', build);
}

/**
 * Puts the built package into an n8n's user folder, unless it is there.
 * @param {string} userFolder N8N_USER_FOLDER
 * @param {string} n8n path of n8n's command-line script
 */
export async function installIfChanged(userFolder, n8n) {
  const { name } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'));
  const nodes = join(userFolder, '.n8n', 'nodes');
  const stamp = join(nodes, '.durable-mail-installed');
  const dist = await digestOf(ROOT, ['dist']);
  const wanted = [n8n, await digestOf(ROOT, ['package.json', 'package-lock.json']), dist].join(' ');
  const isThere = (await digestOf(join(nodes, 'node_modules', name), ['dist'])) === dist;
  if (isThere && (await kept(stamp)) === wanted) return;
  await rm(stamp, { force: true });
  await installInto(userFolder, n8n);
  await writeFile(stamp, wanted);
}

/**
 * Puts the built package into an n8n's user folder: the files that `npm pack` would ship, with the runtime
 * dependencies of the lockfile, which n8n finds by scanning the folder.
 * @param {string} userFolder N8N_USER_FOLDER
 * @param {string} n8n path of n8n's command-line script
 */
export async function installInto(userFolder, n8n) {
  const { name } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'));
  const modules = join(userFolder, '.n8n', 'nodes', 'node_modules');
  const target = join(modules, name);
  await rm(target, { recursive: true, force: true });
  await mkdir(target, { recursive: true });
  // n8n's own copy of this, whatever lies in the folders above: a user folder in this checkout would find ours,
  // whose log nobody reads.
  const peer = join(modules, 'n8n-workflow');
  await rm(peer, { force: true });
  await symlink(join(dirname(n8n), '..', '..', 'n8n-workflow'), peer, 'junction');
  const [packed] = JSON.parse(
    await npm(['pack', '--dry-run', '--json', '--ignore-scripts', '--loglevel=error']),
  );
  for (const { path } of packed.files) await cp(join(ROOT, path), join(target, path));
  const dependencies = await npm(['ls', '--omit=dev', '--omit=peer', '--all', '--parseable']);
  for (const folder of dependencies.trim().split('\n').slice(1)) {
    const path = relative(ROOT, folder);
    await cp(folder, join(target, path), {
      recursive: true,
      // A dependency's own dependencies are listed by themselves.
      filter: (source) => source === folder || !relative(folder, source).startsWith('node_modules'),
    });
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) void main(build);
