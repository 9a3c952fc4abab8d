// What the environment says of this n8n, also where it says little.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';

const MODULE = join(__dirname, '..', '..', 'nodes', 'host', 'n8n', 'environment.ts');
const OURS = join(__dirname, '..', '..', 'engine', 'runtime', 'environment.ts');

/** A process of its own, by what it prints. @param first runs before the question, in it */
const ask = (environment: Record<string, string>, question: string, first = ''): string =>
  execFileSync(
    process.execPath,
    [
      '--import',
      'tsx',
      '-e',
      `const it = { ...require(${JSON.stringify(MODULE)}), ...require(${JSON.stringify(OURS)}) }; ${first} console.log(${question})`,
    ],
    { encoding: 'utf8', env: { PATH: process.env['PATH'] ?? '', ...environment }, cwd: process.cwd() },
  ).trim();

describe('the environment', () => {
  it("names n8n's user folder, as n8n takes it", () => {
    assert.equal(ask({ N8N_USER_FOLDER: '/data' }, 'it.userFolder()'), '/data/.n8n');
    assert.equal(ask({ HOME: '/home/ann' }, 'it.userFolder()'), '/home/ann/.n8n');
  });

  it(
    'may name no home, and the system no user, as in some containers: the folder is where n8n runs',
    { skip: process.getuid?.() !== 0 && 'only root may become nobody' },
    () => {
      const nobody = 'delete process.env.HOME; process.setgid(54321); process.setuid(54321);';
      assert.equal(ask({ HOME: '/root' }, 'it.userFolder()', nobody), join(process.cwd(), '.n8n'));
    },
  );

  it('names a value, or the file that holds it', () => {
    const file = join(mkdtempSync(join(tmpdir(), 'durable-mail-secret-')), 'url');
    writeFileSync(file, 'postgres://from-the-file\n');
    const asked = 'it.readEnvironment("URL_OF_IT")';
    assert.equal(ask({ URL_OF_IT_FILE: file }, asked), 'postgres://from-the-file');
    assert.equal(ask({ URL_OF_IT_FILE: file, URL_OF_IT: 'postgres://itself' }, asked), 'postgres://itself');
    assert.throws(() => ask({ URL_OF_IT_FILE: '/nowhere' }, asked), /URL_OF_IT_FILE names cannot be read/);
  });
});
