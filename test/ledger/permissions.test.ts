// The ledger's file belongs to somebody else: what n8n may use is used, and what it may not is said at once, as rights.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmod, chown, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { openSqliteLedger } from '../../engine/ledger/sqlite/sqlite-ledger';

const N8N = 1000;
const isRoot = process.getuid?.() === 0;
const skip = isRoot ? false : 'only root can make files that are another user’s';

describe('a ledger file of another user', { skip }, () => {
  let folder: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'durable-mail-rights-'));
    await chmod(folder, 0o755);
  });

  after(() => rm(folder, { recursive: true }));

  const openAsN8n = async (file: string): Promise<string> => {
    const script = join(__dirname, '..', 'support', 'open-ledger-as.ts');
    const { stdout } = await promisify(execFile)(process.execPath, [
      '--import',
      'tsx',
      script,
      file,
      String(N8N),
    ]);
    return stdout.trim();
  };

  const made = async (name: string): Promise<{ readonly home: string; readonly file: string }> => {
    const home = join(folder, name);
    const file = join(home, 'ledger.sqlite');
    await mkdir(home);
    await (await openSqliteLedger(file)).close();
    return { home, file };
  };

  it('is used where the group may write it, though n8n may not change its rights', async () => {
    const { home, file } = await made('volume');
    await chmod(home, 0o2775);
    await chown(home, 0, N8N);
    for (const name of await readdir(home)) {
      await chown(join(home, name), 0, N8N);
      await chmod(join(home, name), 0o664);
    }
    assert.equal(await openAsN8n(file), 'ok');
  });

  it('is a matter of rights where the folder is closed', async () => {
    const { home, file } = await made('closed-folder');
    await chmod(home, 0o700);
    assert.match(await openAsN8n(file), /^rights: .*n8n may not use it\. Let the user that n8n runs as/);
  });

  it('is a matter of rights where the file is closed', async () => {
    const { home, file } = await made('closed-file');
    await chown(home, N8N, N8N);
    assert.match(await openAsN8n(file), /^rights: /);
  });

  it('is a matter of rights where the folder takes no new files', async () => {
    const { home, file } = await made('closed-to-new-files');
    await chown(file, N8N, N8N);
    await chmod(home, 0o755);
    assert.match(await openAsN8n(file), /^rights: /);
  });
});
