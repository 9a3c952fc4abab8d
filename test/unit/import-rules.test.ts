// The rules of who may import whom (.dependency-cruiser.cjs): each is broken in a copy of the tree, and seen to be caught.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, it } from 'node:test';

const ROOT = join(__dirname, '..', '..');
const RULES = '.dependency-cruiser.cjs';

const { forbidden } = createRequire(__filename)(join(ROOT, RULES)) as { forbidden: { name: string }[] };

/** By rule: a file that breaks it, and what is in that file. */
const BREACHES: Readonly<Record<string, readonly [file: string, text: string]>> = {
  'no-cycles': ['engine/runtime/one.ts', `import { other } from './other'; export const one = () => other;`],
  'engine-knows-no-n8n': ['engine/mail/one.ts', `import '../../nodes/host/n8n/log';`],
  'nodes-are-islands': ['nodes/RunOnce/one.ts', `import '../MailLedger/output';`],
  'host-knows-no-node': ['nodes/host/run/one.ts', `import '../../MailLedger/output';`],
  'nodes-host-listen': ['nodes/host/listen/one.ts', `import '../later/one';`],
  'nodes-host-run': ['nodes/host/run/two.ts', `import '../listen/emit';`],
  'nodes-host-console': ['nodes/host/console/one.ts', `import '../run/end';`],
  'nodes-host-outgoing': ['nodes/host/outgoing/one.ts', `import '../run/end';`],
  'nodes-host-store': ['nodes/host/store/one.ts', `import '../run/end';`],
  'nodes-host-trigger': ['nodes/host/trigger/one.ts', `import '../store/store';`],
  'nodes-host-items': ['nodes/host/items/one.ts', `import '../trigger/numbers';`],
  'nodes-host-n8n': ['nodes/host/n8n/one.ts', `import '../items/mail';`],
  'nodes-host-rooms': ['nodes/RunOnce/two.ts', `import '../host/later/one';`],
  'engine-runtime': ['engine/runtime/two.ts', `import '../mail/identity';`],
  'engine-mail': ['engine/mail/two.ts', `import '../ledger/keys';`],
  'engine-ledger': ['engine/ledger/one.ts', `import '../signal/wake';`],
  'engine-signal': ['engine/signal/one.ts', `import '../ledger/keys';`],
  'engine-http': ['engine/http/one.ts', `import '../ledger/keys';`],
  'engine-polled': ['engine/polled/one.ts', `import '../gmail/api/types';`],
  'engine-source': ['engine/source/one.ts', `import '../delivery/runs';`],
  'engine-imap': ['engine/imap/watch/one.ts', `import '../../gmail/api/types';`],
  'engine-gmail': ['engine/gmail/watch/one.ts', `import '../../imap/session/login';`],
  'engine-delivery': ['engine/delivery/one.ts', `import '../source/registry';`],
  'engine-console': ['engine/console/one.ts', `import '../delivery/runs';`],
  'engine-instance': ['engine/instance/one.ts', `import '../later/one';`],
  'engine-feed': ['engine/feed/one.ts', `import '../delivery/runs';`],
  'engine-redis': ['engine/redis/one.ts', `import '../delivery/runs';`],
  'engine-work': ['engine/work/one.ts', `import '../feed/feed-event';`],
  'engine-outbox': ['engine/outbox/one.ts', `import '../delivery/runs';`],
  'adapters-opened-in-one-room': ['nodes/host/store/two.ts', `import '../../../engine/ledger/sqlite/open';`],
  'adapters-apart': ['engine/ledger/sqlite/one.ts', `import '../postgres/pointers';`],
  'ports-know-no-adapter': ['engine/ledger/two.ts', `import './postgres/pointers';`],
  'adapters-share-what-knows-none': ['engine/ledger/common/one.ts', `import '../postgres/pointers';`],
  'page-knows-the-console': ['console/one.ts', `import type { Place } from '../engine/mail/identity';`],
  'page-takes-types-only': ['console/three.ts', `import '../engine/feed/feed-event';`],
  'nobody-knows-the-page': ['engine/mail/six.ts', `import '../../console/two';`],
  'console-views': ['console/views/one.ts', `import '../later/one';`],
  'console-parts': ['console/parts/one.ts', `import '../views/source';`],
  'console-live': ['console/live/one.ts', `import '../parts/icons';`],
  'console-api': ['console/api/one.ts', `import '../live/now';`],
  'console-words': ['console/words/one.ts', `import '../api/ask';`],
  'console-rooms': ['console/four.ts', `import './later/one';`],
  'engine-imap-watch': ['engine/imap/watch/two.ts', `import '../later/one';`],
  'engine-imap-audit': ['engine/imap/audit/one.ts', `import '../watch/pace';`],
  'engine-imap-act': ['engine/imap/act/one.ts', `import '../watch/pace';`],
  'engine-imap-find': ['engine/imap/find/one.ts', `import '../act/actions';`],
  'engine-imap-read': ['engine/imap/read/one.ts', `import '../find/find';`],
  'engine-imap-session': ['engine/imap/session/one.ts', `import '../read/reading';`],
  'engine-imap-rules': ['engine/imap/rules/one.ts', `import '../session/fault';`],
  'engine-imap-rooms': ['engine/instance/two.ts', `import '../imap/later/one';`],
  'engine-gmail-watch': ['engine/gmail/watch/two.ts', `import '../later/one';`],
  'engine-gmail-audit': ['engine/gmail/audit/one.ts', `import '../watch/accounts';`],
  'engine-gmail-act': ['engine/gmail/act/one.ts', `import '../watch/accounts';`],
  'engine-gmail-find': ['engine/gmail/find/one.ts', `import '../act/actions';`],
  'engine-gmail-read': ['engine/gmail/read/one.ts', `import '../find/newest';`],
  'engine-gmail-notify': ['engine/gmail/notify/one.ts', `import '../read/reading';`],
  'engine-gmail-mail': ['engine/gmail/mail/one.ts', `import '../notify/push';`],
  'engine-gmail-api': ['engine/gmail/api/one.ts', `import '../notify/push';`],
  'engine-gmail-rooms': ['engine/instance/three.ts', `import '../gmail/later/one';`],
  'libraries-on-demand': ['engine/mail/three.ts', `import 'libmime';`],
  'imapflow-in-one-file': ['engine/imap/session/two.ts', `void import('imapflow');`],
  'ioredis-in-one-file': ['engine/redis/two.ts', `void import('ioredis');`],
  'mailparser-in-one-file': ['engine/mail/four.ts', `void import('mailparser');`],
  'libmime-in-one-file': ['engine/mail/five.ts', `void import('libmime');`],
  'nodemailer-in-one-file': ['engine/outbox/two.ts', `void import('nodemailer');`],
  'pg-in-one-file': ['engine/ledger/postgres/one.ts', `void import('pg');`],
  'command-knows-no-n8n': ['cli/two.ts', `import '../nodes/host/n8n/log';`],
  'nobody-knows-the-command': ['nodes/RunOnce/three.ts', `import '../../cli/command';`],
  'cli-audit': ['cli/audit/one.ts', `import '../later/one';`],
  'cli-console': ['cli/console/one.ts', `import '../audit/audit';`],
  'cli-check': ['cli/check/one.ts', `import '../console/console';`],
  'cli-collect': ['cli/collect/one.ts', `import '../check/check';`],
  'cli-config': ['cli/config/one.ts', `import '../collect/collect';`],
  'cli-rooms': ['cli/one.ts', `import './later/one';`],
  'ws-in-one-file': ['engine/console/two.ts', `void import('ws');`],
  'yaml-in-one-file': ['cli/three.ts', `void import('yaml');`],
  'zod-in-one-file': ['cli/four.ts', `void import('zod/v4');`],
  'sqlite-in-one-file': ['engine/ledger/sqlite/two.ts', `void import('node:sqlite');`],
};

/** What is imported above, and is not there yet. */
const BESIDE: Readonly<Record<string, string>> = {
  'engine/runtime/other.ts': `import { one } from './one'; export const other = () => one;`,
  'nodes/host/later/one.ts': 'export const one = 1;',
  'engine/imap/later/one.ts': 'export const one = 1;',
  'engine/gmail/later/one.ts': 'export const one = 1;',
  'engine/later/one.ts': 'export const one = 1;',
  'console/two.ts': 'export const two = 2;',
  'cli/later/one.ts': 'export const one = 1;',
  'console/later/one.ts': 'export const one = 1;',
};

interface Violation {
  readonly from: string;
  readonly rule: { readonly name: string };
}

describe('an import that breaks a rule', { timeout: 120_000 }, () => {
  let folder: string;
  let found: readonly Violation[];

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'durable-mail-rules-'));
    for (const part of [
      'engine',
      'nodes',
      'credentials',
      'console',
      'cli',
      'index.ts',
      'package.json',
      'tsconfig.json',
    ]) {
      cpSync(join(ROOT, part), join(folder, part), { recursive: true });
    }
    symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
    // Where the libraries are is seen as it is without the link.
    const rules = `const rules = require(${JSON.stringify(join(ROOT, RULES))});
      module.exports = { ...rules, options: { ...rules.options, preserveSymlinks: true } };`;
    const texts = Object.fromEntries(Object.values(BREACHES));
    for (const [file, text] of Object.entries({ ...texts, ...BESIDE, [RULES]: rules })) {
      mkdirSync(dirname(join(folder, file)), { recursive: true });
      writeFileSync(join(folder, file), `${text}\n`);
    }
    found = await violations(folder);
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  it('is there for each rule', () => {
    assert.deepEqual(Object.keys(BREACHES).sort(), forbidden.map(({ name }) => name).sort());
  });

  for (const [name, [file]] of Object.entries(BREACHES)) {
    it(`is caught: ${name}`, () => {
      const caught = found.filter(({ from }) => from === file).map(({ rule }) => rule.name);
      assert.ok(caught.includes(name), `${file} broke ${caught.join(', ') || 'nothing'}`);
    });
  }

  it('is all that is caught', () => {
    const wrong = new Set([...Object.values(BREACHES).map(([file]) => file), ...Object.keys(BESIDE)]);
    assert.deepEqual(
      found.filter(({ from }) => !wrong.has(from)),
      [],
    );
  });
});

function violations(folder: string): Promise<readonly Violation[]> {
  const script = join(ROOT, 'node_modules', 'dependency-cruiser', 'bin', 'dependency-cruiser.mjs');
  const args = [
    script,
    '--output-type',
    'json',
    'index.ts',
    'nodes',
    'credentials',
    'engine',
    'console',
    'cli',
  ];
  const options = { cwd: folder, maxBuffer: 256 * 1024 * 1024 };
  return new Promise((resolve, reject) => {
    // Its exit code is the number of violations.
    execFile(process.execPath, args, options, (_, stdout, stderr) => {
      try {
        const { summary } = JSON.parse(stdout) as { summary: { violations: Violation[] } };
        resolve(summary.violations);
      } catch {
        reject(new Error(`The rules were not looked at: ${stderr.slice(0, 2_000)}`));
      }
    });
  });
}
