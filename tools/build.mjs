// Builds the package into dist, and puts it where an n8n finds it, as an installation from npm would.
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readFile, rename, rm, symlink } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { main, npm, ROOT, run } from './shell.mjs';

/** Builds the package beside dist, and puts it there as a whole: whoever reads it meanwhile finds the one or the other. */
export async function build() {
  const dist = join(ROOT, 'dist');
  const making = await mkdtemp(join(ROOT, 'node_modules', '.dist-'));
  try {
    const made = join(making, 'made');
    await run(process.execPath, [
      join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc'),
      ...['-p', 'tsconfig.build.json', '--outDir', made],
    ]);
    await run(process.execPath, [join(ROOT, 'node_modules', 'gulp', 'bin', 'gulp.js'), '--silent'], {
      env: { ...process.env, DURABLE_MAIL_DIST: made },
    });
    if (existsSync(dist)) await rename(dist, join(making, 'old'));
    await rename(made, dist);
  } finally {
    await rm(making, { recursive: true, force: true });
  }
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
