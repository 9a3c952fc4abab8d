// The configuration of the command: what is wrong is told with its place, in plain words, and without a secret, whatever is given.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import fc from 'fast-check';
import { Mistake } from '../../cli/command';
import { toDoList } from '../../cli/collect/to-do';
import { type ImapAccount, imapLoginOf } from '../../cli/config/imap-account';
import { parseConfig } from '../../cli/config/config';
import { type GmailAccount, gmailLoginOf } from '../../cli/config/gmail-account';
import { gmailReadingOf, imapReadingOf, subscriptionOf } from '../../cli/config/job';
import { jsonSchema } from '../../cli/config/json-schema';
import { ROOT } from '../../tools/shell.mjs';

const WHOLE = `
accounts:
  ann: { host: imap.example.com, user: ann@example.com, password: { env: ANN_PASSWORD } }
  bob: { host: imap.example.com, user: bob@example.com, password: { file: FOLDER/bob }, secure: false, port: 143 }
jobs:
  orders:
    accounts: [ann, bob]
    mailboxes: { pattern: Orders/* }
    start: { since: 2026-05-20 }
    filters: { from: /@shop\\.example/i, largerThanKb: 10 }
    rules: [UNSEEN, [FROM, ann]]
    retries: [1, 2.5]
    to:
      webhook: { url: "https://hooks.example.com/mail", secret: { env: HOOK_SECRET } }
`;
const SECRET = 'Tr0ub4dor-and-3-staple';
/** Another, which could be the name of a variable. */
const PLAIN = 'correcthorse';

describe('the configuration of durable-mail', () => {
  let folder: string;
  let whole: string;

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'collector-config-'));
    writeFileSync(join(folder, 'bob'), `${SECRET}\n`);
    writeFileSync(join(folder, 'key'), JSON.stringify({ client_email: 'a@b.example', private_key: SECRET }));
    whole = WHOLE.replace('FOLDER', folder);
    process.env['ANN_PASSWORD'] = SECRET;
    process.env['HOOK_SECRET'] =
      `whsec_${Buffer.from('0123456789abcdef0123456789abcdef').toString('base64')}`;
  });
  after(() => {
    rmSync(folder, { recursive: true });
    delete process.env['ANN_PASSWORD'];
    delete process.env['HOOK_SECRET'];
  });

  const refused = async (text: string): Promise<string> => {
    const error = await parseConfig(text, 'mail.yaml').then(
      () => assert.fail('it is taken'),
      (error: unknown) => error,
    );
    assert.ok(error instanceof Mistake, String(error));
    return error.message;
  };

  it('is taken as YAML and as JSON, and comes to a login and a reading', async () => {
    const config = await parseConfig(whole, 'mail.yaml');
    assert.deepEqual(await parseConfig(JSON.stringify(config), 'mail.json'), config);
    const login = await imapLoginOf('bob', config.accounts['bob'] as ImapAccount)();
    assert.deepEqual(
      [login.proof, login.port, login.secure, login.startTls, login.mostConnections],
      [{ password: SECRET }, 143, false, 'required', 3],
    );
    const { accounts, ...job } = config.jobs['orders']!;
    assert.deepEqual(accounts, ['ann', 'bob']);
    const { mailboxes, start, filter, rules } = imapReadingOf(job);
    assert.deepEqual(mailboxes, { kind: 'pattern', pattern: 'Orders/*' });
    assert.deepEqual(start, { kind: 'since', at: Date.parse('2026-05-20T00:00:00Z') });
    assert.deepEqual(filter, { from: '/@shop\\.example/i', largerThan: 10_240 });
    assert.deepEqual(rules, ['UNSEEN', ['FROM', 'ann']]);
    assert.deepEqual(subscriptionOf(job).retryDelaysMs, [1_000, 2_500]);
  });

  const WRONG: readonly (readonly [what: string, from: string | RegExp, to: string, told: RegExp])[] = [
    ['a secret as it is', '{ env: ANN_PASSWORD }', SECRET, /accounts\.ann\.password \(line 3\) is a secret/],
    [
      'a key that is all but right',
      'host:',
      'hosst:',
      /accounts\.ann \(line 3\) has "hosst".*is "host" meant\?/,
    ],
    [
      'a key that nothing is like',
      'user:',
      'xyzzyx: 1, user:',
      /accounts\.ann \(line 3\) has a key that is not known here\. These are: kind, host, /,
    ],
    [
      'a number as a text',
      'port: 143',
      'port: "143"',
      /accounts\.bob\.port \(line 4\) must be a number, and is a text/,
    ],
    ['a port that there is not', 'port: 143', 'port: 70000', /bob\.port \(line 4\) must be at most 65535/],
    [
      'nothing where something is needed',
      'user: ann@example.com,',
      '',
      /accounts\.ann\.user \(line 3\) is missing/,
    ],
    [
      'an account without a login',
      ', password: { env: ANN_PASSWORD }',
      '',
      /accounts\.ann \(line 3\) must have a password or oauth2/,
    ],
    [
      'a variable that is not set',
      'ANN_PASSWORD',
      'NOBODY_HAS_IT',
      /password of the account ann: the environment variable NOBODY_HAS_IT is not set/,
    ],
    [
      'a secret in the place of a variable',
      '{ env: ANN_PASSWORD }',
      '{ env: correcthorse }',
      /the environment variable that is named there is not set/,
    ],
    [
      'a file that is not there',
      '/bob }',
      '/nobody }',
      /password of the account bob: the file .*nobody cannot be read \(ENOENT\)/,
    ],
    [
      'two places of one secret',
      '{ env: ANN_PASSWORD }',
      '{ env: A, file: b }',
      /ann\.password \(line 3\) must name exactly one place/,
    ],
    [
      'an account that is not there',
      '[ann, bob]',
      '[ann, bobby]',
      /jobs\.orders\.accounts \(line 7\) names an account that is not there.*ann, bob/,
    ],
    [
      'a start that is none',
      '{ since: 2026-05-20 }',
      '{ sinse: 2026-05-20 }',
      /orders\.start \(line 9\).*is "since" meant\?/,
    ],
    ['a date that is none', '2026-05-20', '2026-15-40', /start\.since is no date/],
    [
      'a pattern that is none',
      '/@shop\\.example/i',
      '"/(/"',
      /jobs\.orders \(line \d+\) cannot be used: The filter "From"/,
    ],
    ['a rule that is none', 'UNSEEN', 'UNSEN', /"Custom Email Rules"|rule 1/],
    [
      'a URL that is none',
      'https://hooks.example.com/mail',
      'hooks.example.com',
      /to\.webhook\.url: This is no URL/,
    ],
    [
      'a URL with a token',
      'com/mail"',
      `com/mail?token=${SECRET}"`,
      /to\.webhook\.url: "token" in the URL looks like a secret/,
    ],
    [
      'a secret with a colon in the place of a URL',
      'https://hooks.example.com/mail',
      `${SECRET}:more`,
      /to\.webhook\.url: Webhooks go to https: or http: URLs, and this begins otherwise/,
    ],
    [
      'a URL with a parameter that is a secret and ends like the name of one',
      'com/mail"',
      `com/mail?${SECRET}-token"`,
      /to\.webhook\.url: A parameter in the URL looks like a secret/,
    ],
    [
      'a header with its value in its name',
      'HOOK_SECRET }',
      `HOOK_SECRET }, headers: { "Authorization: ${SECRET}": x }`,
      /webhook\.headers \(line \d+\) has a name that must be the name of a header/,
    ],
    [
      'a header that looks like a secret',
      'HOOK_SECRET }',
      `HOOK_SECRET }, headers: { ${SECRET}-token: x }`,
      /to\.webhook\.url: A header looks like a secret/,
    ],
    [
      'a URL with its login in the place of a server',
      'host: imap.example.com, user: ann',
      `host: "imaps://ann:${SECRET}@imap.example.com", user: ann`,
      /accounts\.ann\.host \(line 3\) must be the name or the address of a server/,
    ],
    [
      'a login in the URL of an endpoint for tokens',
      'password: { env: ANN_PASSWORD }',
      `oauth2: { tokenUrl: "https://ann:${SECRET}@x.example", clientId: a, refreshToken: { env: ANN_PASSWORD } }`,
      /accounts\.ann\.oauth2\.tokenUrl \(line 3\) must be the URL of the token endpoint/,
    ],
    [
      'a URL of an endpoint for tokens that is none',
      'password: { env: ANN_PASSWORD }',
      `oauth2: { tokenUrl: "https://%%${SECRET}", clientId: a, refreshToken: { env: ANN_PASSWORD } }`,
      /accounts\.ann\.oauth2\.tokenUrl \(line 3\) must be the URL of the token endpoint/,
    ],
    [
      'a login in the URL of its own port',
      'accounts:',
      `http: { publicUrl: "https://ann:${SECRET}@mail.example.com" }\naccounts:`,
      /http\.publicUrl \(line 2\) must be the URL under which/,
    ],
    [
      'a server to listen at that is none',
      'accounts:',
      `http: { host: "${SECRET} ?" }\naccounts:`,
      /http\.host \(line 2\) must be the name or the address/,
    ],
    [
      'a secret of capitals and digits in the place of a variable',
      '{ env: ANN_PASSWORD }',
      '{ env: JBSWY3DPEHPK3PXP }',
      /the environment variable that is named there is not set/,
    ],
    [
      'an account whose name can be none',
      '[ann, bob]',
      `["${SECRET} ?"]`,
      /jobs\.orders\.accounts \(line 7\) must be the name of an account/,
    ],
    [
      'an address of the own network',
      'hooks.example.com',
      '10.0.0.1',
      /10\.0\.0\.1 is an address that webhooks do not go to/,
    ],
    [
      'a signing secret that is none',
      'HOOK_SECRET',
      'ANN_PASSWORD',
      /to\.webhook\.secret: The signing secret must be/,
    ],
    [
      'content by reference from nowhere',
      'HOOK_SECRET }',
      'HOOK_SECRET }, content: reference',
      /add http\.publicUrl/,
    ],
    ['no destination', /webhook: .*/, '{}', /jobs\.orders\.to \(line \d+\) must have a webhook or a stream/],
    ['a key twice', 'host:', 'host: a, host:', /line 3, column \d+: a key is there twice/],
    ['a text that YAML takes for something else', '{ env: ANN_PASSWORD }', `*${SECRET}`, /in quotes/],
    ['a quote that does not end', '"https', `"${SECRET}\n"https`, /line \d+, column \d+: /],
    ['a tab', '  ann:', '\tann:', /line 3, column 1: /],
    ['no configuration at all', /^[^]*$/, '- 1', /must be a list of keys and values, and is a list/],
    ['nothing', /^[^]*$/, '', /there is nothing to do/],
    [
      'a job for all accounts where there is none',
      /^[^]*$/,
      "jobs: { a: { accounts: '*', to: { webhook: { url: 'https://x.example' } } } }",
      /jobs\.a\.accounts \(line 1\) is for all accounts, and there is none: add accounts, or accountsFrom/,
    ],
    [
      'collecting for n8n from no account',
      /^[^]*$/,
      'forN8n: true',
      /forN8n \(line 1\) is for all accounts, and there is none/,
    ],
  ];
  for (const [what, from, to, told] of WRONG) {
    it(`refuses ${what}, and says where`, async () => {
      const text = whole.replace(from, () => to);
      assert.notEqual(text, whole);
      const message = await refused(text);
      assert.match(message, told);
      assert.ok(!message.includes(SECRET), message);
    });
  }

  it('whatever is given is taken, or refused with a place, and never with a secret', async () => {
    const text = fc.constantFrom(
      SECRET,
      PLAIN,
      `*${SECRET}`,
      `!${SECRET}`,
      `${PLAIN}:more`,
      `${SECRET}://x.example`,
      `https://ann:${SECRET}@x.example/`,
      `https://x.example/?${SECRET}-token=1`,
      `https://%${SECRET}`,
      '',
      'ann',
      'https://x.example',
      '/(/',
    );
    const value = fc.letrec((tie) => ({
      any: fc.oneof(
        { depthSize: 'small' },
        text,
        fc.constantFrom<unknown>(null, true, 0, -1, 993, 1e9, [], {}),
        fc.array(tie('any'), { maxLength: 3 }),
        fc.dictionary(
          fc.constantFrom(
            ...['env', 'file', 'value', 'url', 'ann', '__proto__', 'to', 'webhook'],
            ...[`Authorization: ${SECRET}`, 'Content-Type'],
          ),
          tie('any'),
          { maxKeys: 3 },
        ),
      ),
    })).any;
    const both = `${withGmail()}${whole.slice(whole.indexOf('  orders:'))}`;
    const config = JSON.parse(JSON.stringify(await parseConfig(both, 'mail.yaml'))) as object;
    // Of a rule, and of a filter, what is wrong with it is told by what it says.
    const places = pathsOf(config).filter((path) => !/^jobs orders (rules|filters)/.test(path.join(' ')));
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.constantFrom(...places), value), { minLength: 1, maxLength: 3 }),
        async (edits) => {
          const edited = structuredClone(config);
          for (const [path, to] of edits) put(edited, path, to);
          await takenOrRefused(JSON.stringify(edited));
        },
      ),
      { numRuns: 300 },
    );
    const signs = fc.constantFrom(
      ': ',
      ':',
      '\n',
      '  ',
      '{',
      '}',
      '[',
      '"',
      "'",
      '- ',
      '&a ',
      '*a',
      '<<',
      '#',
      '|',
      '%',
      '---\n',
    );
    const piece = (of: fc.Arbitrary<string>) => fc.array(of).map((all) => all.join(''));
    const inValues = [...whole.matchAll(/(?:password|secret|host|user|env|port|url)(?=:)/g)].flatMap(
      ({ index, 0: { length } }) => [1, 2, 3, 4].map((more) => index + length + more),
    );
    const inserted = (at: number, more: string): string => whole.slice(0, at) + more + whole.slice(at);
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...inValues), piece(fc.oneof(text, signs)), (at, more) =>
        takenOrRefused(inserted(at, more)),
      ),
      { numRuns: 300 },
    );
    await fc.assert(
      fc.asyncProperty(fc.nat(whole.length), piece(signs), (at, more) => takenOrRefused(inserted(at, more))),
      { numRuns: 300 },
    );
  });

  const takenOrRefused = async (text: string): Promise<void> => {
    try {
      await parseConfig(text, 'mail.yaml');
    } catch (error) {
      assert.ok(error instanceof Mistake, `${String((error as Error).stack)}\n${text}`);
      assert.match(error.message, /^mail\.yaml(, line|:)|^The configuration mail\.yaml cannot be used:\n- ./);
      for (const secret of [SECRET, PLAIN])
        assert.ok(!error.message.includes(secret), `${error.message}\n${text}`);
    }
  };

  it('its schema for editors is made of what it is read with', async () => {
    const file = join(ROOT, 'cli', 'config', 'schema.json');
    const made = JSON.parse(JSON.stringify(await jsonSchema())) as unknown;
    if (process.env['MAKE_SCHEMA']) writeFileSync(file, JSON.stringify(made));
    const kept: unknown = JSON.parse(await readFile(file, 'utf8'));
    assert.deepEqual(kept, made, 'MAKE_SCHEMA=1 makes it anew (and npm run format)');
  });

  it('is what the example in docs shows', async () => {
    const example = await readFile(join(ROOT, 'docs', 'collector', 'mail.yaml'), 'utf8');
    const named = new Set([...example.matchAll(/env: (\w+)/g)].map(([, name]) => name!));
    for (const name of named) process.env[name] ??= process.env['HOOK_SECRET']!;
    const { jobs } = await parseConfig(
      example
        .replace('/run/secrets/office-refresh-token', join(folder, 'bob'))
        .replace('/run/secrets/google-key.json', join(folder, 'key')),
      'mail.yaml',
    );
    assert.deepEqual(Object.keys(jobs), ['orders', 'tickets', 'inbox']);
  });

  /** Accounts of both kinds, and a job of Gmail's. */
  const withGmail = (job = ''): string =>
    `${whole.slice(0, whole.indexOf('jobs:'))}
  gil:
    kind: gmail
    user: Gil@example.com
    serviceAccount: { file: ${folder}/key }
    pubsub: { topic: projects/p/topics/t, subscription: projects/p/subscriptions/s }
jobs:
  tickets:
    accounts: gil
    filters: { search: "label:tickets", from: ann }
    to: { webhook: { url: "https://hooks.example.com/tickets" } }
    ${job}
`;

  it('knows Gmail accounts, and what a job says of one', async () => {
    const { accounts, jobs } = await parseConfig(withGmail(), 'mail.yaml');
    const account = accounts['gil'] as GmailAccount;
    assert.equal((await gmailLoginOf('gil', account)()).address, 'gil@example.com');
    const { filter, pollMs, notifications } = gmailReadingOf(jobs['tickets']!, account);
    assert.deepEqual([filter.search, filter.sender, pollMs], ['label:tickets', 'ann', 60_000]);
    assert.deepEqual(notifications, {
      ...{ kind: 'pull', topic: 'projects/p/topics/t', subscription: 'projects/p/subscriptions/s' },
    });
  });

  const GMAIL_WRONG: [what: string, text: () => string, told: RegExp][] = [
    [
      'a kind that there is not',
      () => withGmail().replace('kind: gmail', 'kind: gmial'),
      /accounts\.gil\.kind .*must be imap or gmail/,
    ],
    [
      'a host of a Gmail account',
      () => withGmail().replace('kind: gmail', 'kind: gmail\n    host: imap.gmail.com'),
      /accounts\.gil .*has a key that is not known here\. These are: kind, user, oauth2/,
    ],
    [
      'no login',
      () => withGmail().replace('serviceAccount:', 'pubsubBaseUrl: https://p.example #'),
      /accounts\.gil .*must have oauth2 or a serviceAccount/,
    ],
    [
      'a key that is none',
      () => withGmail().replace('/key }', '/bob }'),
      /serviceAccount of the account gil: it is no JSON: give the file/,
    ],
    [
      'an address that others may listen to',
      () => withGmail().replace('kind: gmail', 'kind: gmail\n    apiBaseUrl: http://api.example'),
      /accounts\.gil\.apiBaseUrl .*must be https:/,
    ],
    [
      'mailboxes',
      () => withGmail('mailboxes: [Orders]'),
      /in the account gil, mailboxes is for IMAP accounts/,
    ],
    ['rules', () => withGmail('rules: [UNSEEN]'), /in the account gil, rules is for IMAP/],
    [
      'filters of IMAP',
      () => withGmail().replace('from: ann', 'hasAttachment: true'),
      /jobs\.tickets .*in the account gil, filters\.hasAttachment is for IMAP accounts; in a Gmail account filters\.search/,
    ],
    [
      'a search of IMAP',
      () => withGmail().replace('accounts: gil', "accounts: '*'"),
      /in the account ann, filters\.search is for Gmail accounts/,
    ],
  ];
  for (const [what, text, told] of GMAIL_WRONG)
    it(`refuses ${what}, where Gmail is read`, async () => assert.match(await refused(text()), told));

  it('takes rows of a table, with secrets as they are, and passes over what cannot be used', async () => {
    const config = await parseConfig(whole.replace('[ann, bob]', '"*"'), 'mail.yaml');
    const account = { host: 'imap.example.com', user: 'c', password: { value: SECRET } };
    const job = { to: { webhook: { url: 'https://hooks.example.com/c' } } };
    const rows = [
      { name: 'carl', account, job },
      { name: 'dora', account: { ...account, password: SECRET } },
      { name: `${SECRET} ?`, account },
      { name: 'carl', account },
      { name: 'ann', account },
      { name: 'off', account, enabled: false },
      null,
      { name: 'erin', account, job: { to: { webhook: { url: `https://x.example/?token=${SECRET}` } } } },
    ];
    const { todo, wrong } = await toDoList(config, rows);
    assert.deepEqual(
      todo.map(({ name, accountName }) => `${name} ${accountName}`),
      ['orders ann', 'orders bob', 'orders carl', 'table/carl carl'],
    );
    const told = [
      /\(dora\).*account\.password is a secret/,
      /^Row 3 of the table cannot be used: name must be a name/,
      /Row 4.*\(carl\).*same name/,
      /\(ann\).*the configuration has/,
      /Row 7/,
      /\(erin\).*token/,
    ];
    assert.equal(wrong.length, told.length, wrong.join('\n'));
    for (const [index, what] of told.entries()) assert.match(wrong[index]!, what);
    assert.ok(!wrong.join().includes(SECRET));
  });

  /** With a table, and streams. */
  const withTable = (more: object = {}): string => {
    process.env['REDIS_URL'] = 'redis://127.0.0.1';
    const config = {
      accountsFrom: { postgres: { url: { env: 'TABLE_URL' }, table: 'accounts' } },
      redis: { url: { env: 'REDIS_URL' } },
      jobs: { all: { accounts: '*', to: { stream: { name: 'mails' } } } },
      ...more,
    };
    return JSON.stringify(config);
  };
  const account = { host: 'imap.example.com', user: 'c', password: { value: SECRET } };

  it('tells names that are neither in it nor in its table, once that was read', async () => {
    const config = await parseConfig(withTable({ forN8n: ['carl', 'clar'] }), 'mail.json');
    assert.deepEqual((await toDoList(config, null)).wrong, []);
    const { wrong } = await toDoList(config, [{ name: 'carl', account }]);
    assert.deepEqual(wrong, [
      'forN8n names the account clar, which is neither in the configuration nor in the table.',
    ]);
  });

  it('passes over a row that says something else of a stream, in whatever order the rows come', async () => {
    const config = await parseConfig(withTable(), 'mail.json');
    const row = (name: string, stream: object): object => ({ name, account, job: { to: { stream } } });
    const rows = [
      row('fred', { name: 'others', group: 'theirs' }),
      row('carl', { name: 'mails', group: 'theirs' }),
      row('dora', { name: 'mails', content: 'none' }),
      row('erin', { name: 'others' }),
    ];
    for (const given of [rows, rows.toReversed()]) {
      const { todo, wrong } = await toDoList(config, given);
      assert.deepEqual(
        todo
          .map(({ name }) => name)
          .filter((name) => name !== 'all')
          .toSorted(),
        ['table/dora', 'table/erin'],
      );
      assert.equal(wrong.length, 2);
      const told = wrong.toSorted((one, other) => Number(/fred/.test(one)) - Number(/fred/.test(other)));
      assert.match(
        told[0]!,
        /\(carl\) cannot be used: job\.to\.stream goes to the same stream as the job all, and says/,
      );
      assert.match(told[1]!, /\(fred\) cannot be used: .*the job table\/erin/);
    }
    const namesOf = ({ todo }: { readonly todo: readonly { readonly name: string }[] }): readonly string[] =>
      todo.map(({ name }) => name).filter((name) => name.startsWith('table/'));
    const before = await toDoList(config, [row('fred', { name: 'others', group: 'theirs' })]);
    const came = await toDoList(config, rows, before.jobs);
    assert.deepEqual(namesOf(came).toSorted(), ['table/dora', 'table/fred'], 'who was there stays');
  });
});

function pathsOf(value: unknown, path: readonly string[] = []): string[][] {
  if (typeof value !== 'object' || value === null) return [[...path]];
  return [[...path], ...Object.entries(value).flatMap(([key, each]) => pathsOf(each, [...path, key]))].filter(
    ({ length }) => length > 0,
  );
}

function put(whole: object, path: readonly string[], value: unknown): void {
  let at = whole as Record<string, unknown>;
  for (const key of path.slice(0, -1)) {
    const next = at[key];
    if (typeof next !== 'object' || next === null) return;
    at = next as Record<string, unknown>;
  }
  at[path.at(-1)!] = value;
}
