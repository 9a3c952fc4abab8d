// The console's tokens: where they come from, how they are kept, and which cannot be used.
import assert from 'node:assert/strict';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { type KeptTokens, keptTokens } from '../../engine/console/kept-tokens';

describe('the tokens of the console', () => {
  let folder: string;
  beforeEach(() => (folder = join(mkdtempSync(join(tmpdir(), 'console-tokens-')), 'durable-mail')));
  afterEach(() => rmSync(join(folder, '..'), { recursive: true }));

  const kept = (set: Readonly<Record<string, string>> = {}): Promise<KeptTokens> =>
    keptTokens({ setting: (name) => set[name], folder });
  const [READ, OPERATE] = ['DURABLE_MAIL_CONSOLE_TOKEN', 'DURABLE_MAIL_CONSOLE_OPERATE_TOKEN'] as const;
  const fileOf = (name: string): string => join(folder, `console-${name}-token`);

  it('are made once, and nobody else reads them', async () => {
    const first = await kept();
    assert.match(first.read, /^[\w-]{43}$/);
    assert.notEqual(first.read, first.operate);
    for (const right of ['read', 'operate'] as const) {
      assert.equal(statSync(fileOf(right)).mode & 0o777, 0o600);
      assert.equal(readFileSync(fileOf(right), 'utf8'), `${first[right]}\n`);
      assert.equal(first.places[right], fileOf(right));
    }
    assert.deepEqual(await kept(), first);
    assert.equal(readdirSync(folder).length, 2);
  });

  it('are the same for all who make them at once', async () => {
    const all = await Promise.all(Array.from({ length: 20 }, () => kept()));
    assert.equal(new Set(all.map(({ read, operate }) => `${read} ${operate}`)).size, 1);
    assert.equal(readdirSync(folder).length, 2);
  });

  it('are closed to others where they were not', async () => {
    await kept();
    chmodSync(fileOf('read'), 0o644);
    await kept();
    assert.equal(statSync(fileOf('read')).mode & 0o777, 0o600);
  });

  it('are what people have set, and nothing is kept then', async () => {
    const set = {
      [READ]: ' a token to read with'.replaceAll(' ', '-'),
      [OPERATE]: 'a-token-to-operate-with\n',
    };
    const { read, operate, places } = await kept(set);
    assert.deepEqual([read, operate], ['-a-token-to-read-with', 'a-token-to-operate-with']);
    assert.deepEqual(places, { read: READ, operate: OPERATE });
    assert.throws(() => readdirSync(folder), /ENOENT/);
  });

  it('sign other sessions as soon as one of them is another', async () => {
    const first = await kept();
    const second = await kept({ [READ]: 'another-token-to-read' });
    assert.equal(first.sessionKey.length, 32);
    assert.notDeepEqual(second.sessionKey, first.sessionKey);
    assert.deepEqual((await kept()).sessionKey, first.sessionKey);
  });

  it('are refused where they protect nothing, without being told', async () => {
    await assert.rejects(kept({ [READ]: 'tooshort' }), ({ message }: Error) => {
      assert.match(message, /DURABLE_MAIL_CONSOLE_TOKEN cannot be used: it needs 16 characters/);
      assert.doesNotMatch(message, /tooshort/);
      return true;
    });
    await assert.rejects(kept({ [READ]: 'with spaces in between' }), /without spaces/);
    const same = 'the-same-token-for-both';
    await assert.rejects(
      kept({ [READ]: same, [OPERATE]: same }),
      /the same token: whoever may read could operate/,
    );
    await kept();
    for (const nothing of ['', '  \n ', '\0'.repeat(40), 'short\n']) {
      writeFileSync(fileOf('operate'), nothing);
      await assert.rejects(kept(), /console-operate-token cannot be used/);
    }
  });

  it('say where they cannot be kept, and what to do', async () => {
    writeFileSync(folder, 'a file');
    await assert.rejects(kept(), /cannot be kept in .*console-read-token.*Set DURABLE_MAIL_CONSOLE_TOKEN/);
  });

  it('say which file cannot be read, and what to do', async () => {
    const says =
      /cannot be kept in .*console-operate-token: \w+: .*Set DURABLE_MAIL_CONSOLE_OPERATE_TOKEN, or let n8n/;
    await kept();
    rmSync(fileOf('operate'));
    mkdirSync(fileOf('operate'));
    await assert.rejects(kept(), says);
    rmSync(fileOf('operate'), { recursive: true });
    symlinkSync(fileOf('operate'), fileOf('operate'));
    await assert.rejects(kept(), says);
  });
});
