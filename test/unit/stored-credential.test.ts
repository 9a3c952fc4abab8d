// A credential that is read where no node runs: an expression in what is used of it is never taken for what it says.
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { storedCredentialOf } from '../../nodes/host/outgoing/stored-credential';

/** Of n8n, what a stored credential is read with: the row has it as JSON. */
const MODULES: Readonly<Record<string, string>> = {
  '@n8n/db': 'exports.CredentialsRepository = class {};',
  '@n8n/di': `exports.Container = {
    get: () => ({ findOneBy: async ({ id }) => ({ type: 'httpHeaderAuth', data: id }) }),
    set: () => undefined,
  };`,
  'n8n-core': `exports.Credentials = class {
    constructor(details, type, data) { this.data = data; }
    getData() { return JSON.parse(this.data); }
  };`,
};

const stored = (data: object): ReturnType<typeof storedCredentialOf> =>
  storedCredentialOf({ id: JSON.stringify(data), name: 'API', type: 'httpHeaderAuth' });

describe('A stored credential', () => {
  const main = require.main!;
  const { filename } = main;
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'stored-'));
    for (const [name, text] of Object.entries(MODULES)) {
      const file = join(folder, 'node_modules', name, 'index.js');
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, text);
    }
    // n8n's modules are found from where its process began.
    main.filename = join(folder, 'n8n.js');
  });
  after(async () => {
    main.filename = filename;
    await rm(folder, { recursive: true });
  });

  const DATA = { name: 'X-Api-Key', value: 'secret' };

  it('is what n8n has, whatever stands in what is not used of it', async () => {
    for (const data of [DATA, { ...DATA, allowedHttpRequestDomains: 'none' }, { ...DATA, note: '={{ 1 }}' }])
      assert.deepEqual(await stored(data), data);
  });

  it('is not to be had where an expression says what it is, or where it may be sent', async () => {
    for (const field of ['value', 'allowedHttpRequestDomains', 'allowedDomains'])
      assert.equal(await stored({ ...DATA, [field]: '={{ $vars.its }}' }), null, field);
  });
});
