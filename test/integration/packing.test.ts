// `npm pack` in a fresh clone, and what a start of the demo builds: of a copy of this checkout, without what was built in it.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import {
  appendFile,
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { npm, ROOT, run } from '../../tools/shell.mjs';

const SOURCES = ['nodes', 'credentials', 'engine', 'console', 'cli', 'tools', 'demo', 'test', 'docs'];
const FILES = ['index.ts', 'gulpfile.js', 'LICENSE', 'README.md', 'package.json', 'package-lock.json'];
const CONFIGURATIONS = ['tsconfig.json', 'tsconfig.build.json'];

describe('the package', { timeout: 10 * 60_000 }, () => {
  let clone: string;

  before(async () => {
    // Named so that git, the linter and the formatter leave it alone.
    clone = await mkdtemp(join(ROOT, '.demo-packing-'));
    for (const path of [...SOURCES, ...FILES, ...CONFIGURATIONS])
      await cp(join(ROOT, path), join(clone, path), { recursive: true });
  });
  after(() => rm(clone, { recursive: true, force: true }));

  const pack = (): Promise<string> => npm(['pack', '--json', '--loglevel=error'], { cwd: clone });

  const refuses = async (): Promise<void> => {
    await assert.rejects(pack, /cannot be built: what builds it is not installed. Run npm install/);
    assert.deepEqual(
      (await readdir(clone)).filter((name) => name.endsWith('.tgz')),
      [],
    );
  };

  /** As `npm install` leaves it, but for those. */
  const install = async (without: RegExp): Promise<void> => {
    await mkdir(join(clone, 'node_modules'));
    for (const name of await readdir(join(ROOT, 'node_modules'))) {
      // What is hidden is npm's, and what was built.
      if (!name.startsWith('.') && !without.test(name))
        await symlink(join(ROOT, 'node_modules', name), join(clone, 'node_modules', name), 'junction');
    }
  };

  const buildIfChanged = async (): Promise<boolean> => {
    const script = "import('./tools/build.mjs').then(({ buildIfChanged }) => buildIfChanged())";
    return (await run(process.execPath, ['-e', script], { cwd: clone })).includes(
      'Building the package: done',
    );
  };

  it('is not packed where nothing is installed that could build it', async () => {
    await refuses();
    await install(/^(typescript|gulp|@types|tsx)/);
    await refuses();
    await rm(join(clone, 'node_modules'), { recursive: true });
  });

  it('is built when it is packed, and holds all that n8n loads, and nothing else', async () => {
    await install(/^$/);
    const answer = await pack();
    const [packed] = JSON.parse(answer.slice(answer.indexOf('['))) as [
      { filename: string; files: { path: string }[] },
    ];
    const paths = packed.files.map(({ path }) => path);
    const { n8n } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as {
      n8n: { nodes: string[]; credentials: string[] };
    };
    const assets: string[] = [];
    for (const folder of ['nodes', 'credentials'])
      for (const entry of await readdir(join(ROOT, folder), { recursive: true, withFileTypes: true }))
        if (/\.(svg|png|node\.json)$/.test(entry.name))
          assets.push(join('dist', relative(ROOT, entry.parentPath), entry.name));
    assert.ok(assets.length >= 12, 'icons in light and dark, and codex files');
    const thread = 'dist/engine/ledger/sqlite/thread/worker.js';
    const page = ['page.html', 'plots.js', 'licenses.txt'].map((name) => `dist/console/${name}`);
    const schema = 'dist/cli/config/schema.json';
    for (const path of [...n8n.nodes, ...n8n.credentials, ...assets, thread, ...page, schema])
      assert.ok(paths.includes(path), path);
    const others = paths.filter(
      (path) => !page.includes(path) && !/^dist\/(nodes|credentials|engine|cli|index\.)/.test(path),
    );
    assert.deepEqual(others.sort(), ['LICENSE', 'README.md', 'package.json']);
    assert.ok((await stat(join(clone, packed.filename))).size > 100_000);
  });

  it('has a command that plain Node starts, as npx does', async () => {
    const { bin } = JSON.parse(await readFile(join(clone, 'package.json'), 'utf8')) as {
      bin: Record<string, string>;
    };
    for (const script of new Set(Object.values(bin))) {
      assert.match(await readFile(join(clone, script), 'utf8'), /^#!\/usr\/bin\/env node\n/);
      assert.match(
        await run(process.execPath, [script, 'help'], { cwd: clone }),
        /^durable-mail <command>\n[^]*\n {2}collect /,
      );
    }
  });

  it('has a command that needs what npx installs with it, and no n8n', async () => {
    const manifest = JSON.parse(await readFile(join(clone, 'package.json'), 'utf8')) as {
      dependencies: Record<string, string>;
      peerDependencies: Record<string, string>;
      peerDependenciesMeta: Record<string, { optional: boolean }>;
    };
    for (const peer of Object.keys(manifest.peerDependencies))
      assert.equal(manifest.peerDependenciesMeta[peer]?.optional, true, `npx would install ${peer}`);
    // Outside of this checkout, whose libraries would be found otherwise.
    const alone = await mkdtemp(join(tmpdir(), 'durable-mail-alone-'));
    try {
      await cp(join(clone, 'dist'), join(alone, 'dist'), { recursive: true });
      for (const name of Object.keys(manifest.dependencies)) {
        await mkdir(dirname(join(alone, 'node_modules', name)), { recursive: true });
        await symlink(join(ROOT, 'node_modules', name), join(alone, 'node_modules', name), 'junction');
      }
      const command = join(alone, 'dist', 'cli', 'durable-mail.js');
      const said = (args: readonly string[], env: object = {}): Promise<readonly [unknown, string]> =>
        new Promise((resolve) =>
          execFile(
            process.execPath,
            [command, ...args],
            { cwd: alone, env: { PATH: process.env['PATH'], ...env }, timeout: 60_000 },
            (error, stdout, stderr) => resolve([error?.code ?? 0, stdout + stderr]),
          ),
        );
      for (const name of ['collect', 'check', 'audit', 'console'])
        assert.match((await said(['help', name]))[1], new RegExp(`^durable-mail ${name}: `));
      const account = { host: '127.0.0.1', port: 1, user: 'ann', password: { env: 'ANN_PASSWORD' } };
      const webhook = { url: 'http://127.0.0.1:1/', allowOwnNetwork: true };
      const config = { accounts: { ann: account }, jobs: { all: { accounts: '*', to: { webhook } } } };
      await writeFile(join(alone, 'mail.yaml'), JSON.stringify(config));
      const env = { ANN_PASSWORD: 'secret', DURABLE_MAIL_SQLITE_FILE: join(alone, 'ledger.sqlite') };
      const [code, found] = await said(['check', '--config', 'mail.yaml'], env);
      assert.deepEqual([code, /account ann: .*127\.0\.0\.1/.test(found)], [1, true], found);
      const [mistaken, told] = await said(['check', '--config', 'mail.yaml']);
      assert.deepEqual([mistaken, /ANN_PASSWORD is not set/.test(told)], [2, true], told);
    } finally {
      await rm(alone, { recursive: true, force: true });
    }
  });

  it('finds what runs in a thread of its own: the SQLite ledger opens', async () => {
    const script = `
      const { openSqliteLedger } = require('./dist/engine/ledger/sqlite/sqlite-ledger.js');
      openSqliteLedger(process.argv[1])
        .then(async (ledger) => {
          console.log(await ledger.ledgerId(), (await ledger.sources()).length);
          await ledger.close();
        })`;
    const file = join(clone, 'ledger', 'ledger.sqlite');
    assert.match(await run(process.execPath, ['-e', script, file], { cwd: clone }), /^[0-9a-f]{32} 0\n$/);
  });

  it('is built again when a source or the result has changed, by its content, and not otherwise', async () => {
    assert.equal(await buildIfChanged(), false);
    await appendFile(join(clone, 'engine', 'runtime', 'clock.ts'), 'export const CHANGED = true;\n');
    assert.equal(await buildIfChanged(), true);
    const built = join(clone, 'dist', 'engine', 'runtime', 'clock.js');
    assert.match(await readFile(built, 'utf8'), /CHANGED = true/);
    await rm(built);
    assert.equal(await buildIfChanged(), true);
    assert.equal(await buildIfChanged(), false);
  });
});
