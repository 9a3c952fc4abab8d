// What the environment says to the command: what cannot be meant is a mistake that names the variable, told before anything is opened.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { collect } from '../../cli/collect/collect';
import { type Command, Mistake } from '../../cli/command';
import { console as consoleCommand } from '../../cli/console/console';
import { ledgerPlace } from '../../cli/ledger';
import { levelOf } from '../../cli/line-log';
import { silentLog } from '../support/log';

const SHORT = 'a-short-one';

describe('the settings of durable-mail', () => {
  const environment = { ...process.env };
  let folder: string;
  let ledger: string;
  let config: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'durable-mail-settings-'));
    [ledger, config] = [join(folder, 'ledger.sqlite'), join(folder, 'mail.json')];
    const account = { host: 'imap.example.com', user: 'ann@example.com', password: { env: 'ANN_PASSWORD' } };
    const http = { port: 0 };
    await writeFile(config, JSON.stringify({ accounts: { ann: account }, forN8n: true, http }));
    await writeFile(join(folder, 'empty'), '\n');
  });
  beforeEach(() => {
    for (const name of Object.keys(process.env))
      if (name.startsWith('DURABLE_MAIL_')) Reflect.deleteProperty(process.env, name);
    Object.assign(process.env, { DURABLE_MAIL_SQLITE_FILE: ledger, ANN_PASSWORD: 'secret' });
  });
  afterEach(() => {
    for (const name of Object.keys(process.env))
      if (!(name in environment)) Reflect.deleteProperty(process.env, name);
    Object.assign(process.env, environment);
  });
  after(() => rm(folder, { recursive: true, force: true }));

  /** @returns what it says */
  const refused = async (
    command: Command,
    set: Readonly<Record<string, string>>,
    values = {},
  ): Promise<string> => {
    Object.assign(process.env, set);
    // It is to end by itself; where it does not, it is ended.
    const signal = AbortSignal.abort();
    const error = await command
      .run({ values, positionals: [] }, { env: process.env, print: () => undefined, log: silentLog, signal })
      .then(
        () => assert.fail('it was taken'),
        (error: unknown) => error,
      );
    assert.ok(error instanceof Mistake, String(error));
    return error.message;
  };

  const WRONG: readonly (readonly [set: () => Readonly<Record<string, string>>, told: RegExp])[] = [
    [() => ({ DURABLE_MAIL_TAKEOVER_SECONDS: 'abc' }), /DURABLE_MAIL_TAKEOVER_SECONDS is "abc"/],
    [() => ({ DURABLE_MAIL_WEBSOCKET: '1' }), /DURABLE_MAIL_WEBSOCKET is "1"\. Set true or false/],
    [() => ({ DURABLE_MAIL_CONSOLE_SHOW_MAIL: 'yes' }), /SHOW_MAIL is "yes"\. Set true or false/],
    [() => ({ DURABLE_MAIL_CONSOLE_TOKEN: SHORT }), /token in DURABLE_MAIL_CONSOLE_TOKEN cannot be used/],
    [
      () => ({ DURABLE_MAIL_CONSOLE_TOKEN_FILE: join(folder, 'empty') }),
      /DURABLE_MAIL_CONSOLE_TOKEN_FILE names holds nothing/,
    ],
    [() => ({ HOME: join(config, 'no-folder') }), /token cannot be kept in .*no-folder/],
  ];
  for (const [set, told] of WRONG) {
    it(`collect says what is wrong, and has opened nothing: ${told.source}`, async () => {
      const message = await refused(collect, set(), { config });
      assert.match(message, told);
      assert.ok(!message.includes(SHORT), 'a token is told');
      assert.equal(existsSync(ledger), false, 'the ledger was opened');
    });
  }
  for (const [set, told] of WRONG.slice(1)) {
    it(`console says what is wrong: ${told.source}`, async () => {
      // It looks at a ledger that is there.
      process.env['DURABLE_MAIL_SQLITE_FILE'] = config;
      assert.match(await refused(consoleCommand, set()), told);
    });
  }

  for (const [set, told] of [
    [() => ({ DURABLE_MAIL_POSTGRES_URL: '' }), /POSTGRES_URL cannot be used: it is set, but empty\. Give/],
    [
      () => ({ DURABLE_MAIL_POSTGRES_URL: '', DURABLE_MAIL_POSTGRES_URL_FILE: config }),
      /it is set, but empty, and hides DURABLE_MAIL_POSTGRES_URL_FILE\./,
    ],
    [
      () => ({ DURABLE_MAIL_POSTGRES_URL_FILE: join(folder, 'empty') }),
      /the file that DURABLE_MAIL_POSTGRES_URL_FILE names holds nothing/,
    ],
  ] as const)
    it(`no other ledger is worked on than the one that is meant: ${told.source}`, () => {
      Object.assign(process.env, set());
      assert.throws(ledgerPlace, (error) => error instanceof Mistake && told.test(error.message));
    });

  it('a level of the log that there is not is told, and none is info', () => {
    const level = (text?: string): string => levelOf({ DURABLE_MAIL_LOG_LEVEL: text });
    assert.deepEqual([level(), level(''), level('WARN '), level('debug')], ['info', 'info', 'warn', 'debug']);
    assert.throws(
      () => level('warning'),
      (error) =>
        error instanceof Mistake &&
        /LOG_LEVEL is "warning"\. Set one of: debug, info, warn, error\./.test(error.message),
    );
  });
});
