// Whatever the console is asked, however odd, it answers alike over SQLite and over Postgres, and never that something of its own
// broke.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { openPostgresLedger } from '../../engine/ledger/postgres/postgres-ledger';
import { settingsFromUrl } from '../../engine/ledger/postgres/settings';
import type { BatchAnswer } from '../../engine/console/api';
import { deadMails, listening } from '../support/console-mails';
import { openConsole, type OpenConsole, OPERATE, type Received } from '../support/console';
import { queued, tried } from '../support/outbox-entries';
import { PostgresServer } from '../support/postgres';

const ODD: readonly string[] = [
  ...[
    '',
    ' ',
    '0',
    '-0',
    '-1',
    '1',
    '1.0',
    '1e3',
    '0x1',
    '+1',
    '١',
    'NaN',
    'Infinity',
    'null',
    'true',
    '[]',
    '{}',
  ],
  ...[
    '2147483647',
    '2147483648',
    '4294967296',
    '9007199254740991',
    '9007199254740992',
    '9223372036854775807',
  ],
  ...['9223372036854775808', '9999999999999999', '99999999999999999', '1000000', '1000001'],
  ...['__proto__', 'constructor', 'toString', 'DEAD', 'dead', ' DEAD ,dead', 'DEAD,', ',', 'DONE,DEAD', 'ſ'],
  ...[
    "'",
    '"',
    '\\',
    '%',
    '%25',
    '%2',
    '%E4',
    '%00',
    '%2500',
    '%ud800',
    '_',
    '*',
    '?',
    '[',
    ']',
    '[a-z]',
    '[^a]',
  ],
  ...[
    '^',
    '$',
    '.',
    '|',
    '(',
    ')',
    '(?i)b',
    '{1}',
    '+',
    '-',
    '--',
    ';',
    '$1',
    ':name',
    '?1',
    '\u0000',
    'a\u0000',
  ],
  ...[
    'a:b:c',
    ':',
    '::',
    ':::',
    '%3A::',
    'm:ä"%3A:',
    'ai:urgent',
    'ai:urgent:',
    '::high',
    'ai%00::',
    '%E0%A4%A::',
  ],
  ...[
    'É',
    'é',
    'E\u0301',
    'Ö',
    'ö',
    'Я',
    'я',
    'ẞ',
    'ß',
    'SS',
    'İ',
    'ı',
    'Σ',
    'ς',
    'Å',
    'K',
    'ﬀ',
    'ǅ',
    '😀',
    '\ud83d',
  ],
  ...[
    '\n',
    '\r\n',
    '\t',
    '\u2028',
    '\u200b',
    '\ufeff',
    '\u202e',
    '\u007f',
    '\ufffd',
    '\u{e0041}',
    'a'.repeat(200),
  ],
  ...['ä'.repeat(200), '😀'.repeat(100), 'a'.repeat(201), '['.repeat(200), '\\'.repeat(200), '*'.repeat(200)],
  ...['2026-01-31', '2026-01-31T08:00:00Z', '2026-01-31T08:00:00.123456789Z', '0000-01-01', '9999-12-31'],
  ...[
    '2026-01-31T24:00:00Z',
    '2026-01-31T08:00:00+99:99',
    '2026-02-30',
    '-000001-01-01',
    '+275760-09-13',
    'now',
  ],
  ...['2026-01-31T23:59:60Z', '2026-01-31T08:00Z', '0000-01-01T00:00:00+23:59', '9999-12-31T23:59:59-23:59'],
];

const OF_MAILS = [
  ...['state', 'workflow', 'source', 'sender', 'subject', 'failures', 'annotation', 'since', 'until'],
  ...['limit', 'after', '__proto__', 'constructor', 'STATE', 'state[]', ''],
];

const OF_OUTBOX = [
  ...['state', 'kind', 'workflow', 'event', 'recipient', 'subject', 'lane', 'messageId', 'since', 'until'],
  ...['limit', 'after', '__proto__', 'constructor', 'STATE', ''],
];

/** What differs from ledger to ledger, and what time does to an answer. */
const told = ({ status, text }: Received): unknown => [
  status,
  JSON.parse(
    text
      .replace(/"uid":\d+,"messageId":"<\d+@test>"/g, '"uid":0,"messageId":""')
      .replace(/"key":"key-\d+"/g, '"key":"<key>"')
      .replace(/"messageId":"<\d+@shop\.example\.com>"/g, '"messageId":""')
      .replace(/[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}/g, '<id>')
      .replace(/"idempotencyKey":"\w+"/g, '"idempotencyKey":"<key>"')
      .replace(/[+-]?\d{4,6}-\d\d-\d\dT[\d:.]+Z/g, '<time>'),
  ) as unknown,
];

describe('the console over SQLite and over Postgres', { timeout: 300_000 }, () => {
  let server: PostgresServer;
  let consoles: readonly [OpenConsole, OpenConsole];

  before(async () => {
    server = await PostgresServer.start({ fsync: false });
    const postgres = await openPostgresLedger(settingsFromUrl(await server.createDatabase()));
    consoles = [await openConsole(), await openConsole({ ledger: postgres })];
    for (const { ledger } of consoles) {
      const to = await listening(ledger);
      for (const [sender, subject] of [
        ['bob@mail.example', 'Hello'],
        ['éva@öko.example', 'Größe [1] 50% *?_ \\ ^$'],
        ['яна@почта.example', 'Заказ'],
        ['i\u0307rem@σας.example', '😀\n"a\'b"'],
        ['kaſe@x', 'É e\u0301 ẞ ß'],
      ] as const)
        await deadMails(ledger, to, 1, { sender, subject });
      for (const [recipient, subject] of [
        ['bob@mail.example', 'Hello'],
        ['éva@öko.example, яна@почта.example', 'Größe [1] 50% *?_ \\ ^$'],
        ['https://hooks.example/a?b=%25', null],
        ['i\u0307rem@σας.example', '😀\n"a\'b"'],
      ] as const) {
        const [entry] = await queued(ledger, 1, { recipient, subject });
        await tried(ledger, [entry!.id], { became: 'FAILED', error: 'É e\u0301\0 broke', answer: '550 ä' });
      }
      await ledger.saveTemplate('Größe', { subject: '{{a}}', text: '{{ä}}', html: '<b>{{a}}</b>' }, 'test');
      const { events } = await ledger.events({}, { limit: 2 });
      const note = { category: 'urgent', priority: 'high', summary: 'ä', data: { n: [1] } };
      await ledger.annotate([
        ...events.map(({ id }) => ({ event: id, name: 'ai', annotation: { name: 'ai', ...note } })),
        { event: events[0]!.id, name: 'm', annotation: { name: 'm', ...note, category: 'ä":' } },
      ]);
    }
  });
  after(async () => {
    for (const one of consoles) await one.close();
    await server.dispose();
  });

  const alike = async (what: string, ask: (open: OpenConsole) => Promise<Received>): Promise<Received> => {
    const [one, other] = (await Promise.all(consoles.map(ask))) as [Received, Received];
    assert.ok(one.status < 500 && other.status < 500, `${what}: ${one.text} ${other.text}`);
    assert.deepEqual(told(other), told(one), what);
    return one;
  };

  const reads = (path: string): Promise<Received> =>
    alike(path, (open) => open.send(path, { headers: OPERATE }));

  it('answers alike, whatever stands in an address', async () => {
    const texts = ODD.map((value) => Buffer.from(value).toString());
    const times = { from: '2026-01-31T00:00:00Z', until: '2026-01-31T08:00:00Z' };
    const paths = texts.flatMap((text) => [
      ...OF_MAILS.map((name) => `/api/mails?${encodeURIComponent(name)}=${encodeURIComponent(text)}`),
      ...OF_MAILS.map((name) => `/api/count?${encodeURIComponent(name)}=${encodeURIComponent(text)}`),
      `/api/statistics?workflow=${encodeURIComponent(text)}`,
      `/api/mails/${encodeURIComponent(text)}`,
      ...OF_OUTBOX.flatMap((name) => [
        `/api/outbox?${encodeURIComponent(name)}=${encodeURIComponent(text)}`,
        `/api/outbox/found?${encodeURIComponent(name)}=${encodeURIComponent(text)}`,
      ]),
      `/api/outbox/${encodeURIComponent(text)}`,
      `/api/template?name=${encodeURIComponent(text)}`,
      ...['/api/outbox/count', '/api/templates', '/api/endpoints'].map(
        (path) => `${path}?name=${encodeURIComponent(text)}`,
      ),
      ...['source', 'workflow', 'step', 'from', 'until'].map(
        (name) => `/api/series?${new URLSearchParams({ ...times, [name]: text }).toString()}`,
      ),
    ]);
    for (const year of ['0000', '0001', '9999'])
      paths.push(`/api/series?from=${year}-12-31&until=${year}-12-31T23:59:59Z&workflow=w1`);
    let answered = 0;
    for (let from = 0; from < paths.length; from += 16) {
      const asks = paths.slice(from, from + 16);
      const answer = await alike(asks.join(' '), (open) => open.post('/api/batch', { asks }));
      for (const [i, { status, body }] of answer.json<BatchAnswer>().answers.entries()) {
        assert.ok(status < 500, `${asks[i]}: ${JSON.stringify(body)}`);
        if (status === 200) answered++;
      }
    }
    assert.ok(answered > 500, `${answered} were answered`);
    for (const raw of [
      ...['%', '%zz=1', 'sender=%', 'sender=%C3', 'sender=%ED%A0%80', 'sender=a&sender=b', 'sender=&sender='],
      ...[
        '&&&',
        '=',
        'state=DEAD&state=DEAD',
        'sender=a+b',
        'sender=%F0%9F%98',
        'annotation=%25E4::',
        '?',
        '#',
      ],
      ...['annotation=%25ED%25A0%2580::', 'since=2026-01-31T08:00:00+00:00', 'state=DEAD%2CDEAD%2Cdead'],
    ])
      await reads(`/api/mails?${raw}`);
    for (const path of [
      '/api/mails/',
      '/api/mails/%',
      '/api//mails',
      '/api/mails/..%2f',
      '/%',
      '//',
      '/api/mails/%00',
      '/api/outbox/',
      '/api/outbox/%',
      '/api/outbox//count',
      '/api/outbox/count/',
      '/api/outbox/%00',
      '/api/templates/',
      '/api/template?name=Gr%C3%B6%C3%9Fe',
      '/api/outbox?limit=2',
      '/api/outbox/count',
      '/api/templates',
      '/api/endpoints',
    ])
      await reads(path);
  });

  it('answers alike, whatever is sent', async () => {
    const values: readonly unknown[] = [
      ...[
        null,
        true,
        0,
        -1,
        1.5,
        2 ** 31,
        2 ** 53,
        1e300,
        '',
        'nothing',
        '\0',
        '\ud800',
        [],
        [[]],
        [null],
        {},
        { a: 1 },
      ],
      ...[['DEAD'], '__proto__', 'a'.repeat(300), { toString: 1 }, { length: 1 }],
      JSON.parse('{"__proto__": {"state": "DEAD"}}'),
    ];
    const ids = ['00000000-0000-4000-8000-000000000000'];
    const bodies: (readonly [path: string, body: unknown])[] = values.flatMap((value) => [
      ...[
        ...['/api/act', '/api/look', '/api/jobs/stop', '/api/batch', '/api/outbox/act'],
        ...['/api/templates/save', '/api/templates/remove', '/api/templates/preview'],
        ...['/api/endpoints/takeBack', '/api/endpoints/remove'],
      ].map((path) => [path, value] as const),
      ['/api/look', { source: value }],
      ['/api/jobs/stop', { job: value }],
      ['/api/batch', { asks: value }],
      ['/api/batch', { asks: [value, '/api/mails?limit=1', `/api/mails?sender=${JSON.stringify(value)}`] }],
      ['/api/act', { action: value, ids }],
      ['/api/act', { action: 'markDone', ids: value }],
      ['/api/act', { action: 'markDone', ids: [value] }],
      ['/api/act', { action: 'markDone', ids, state: value }],
      ['/api/act', { action: 'markDone', filter: value, count: 0 }],
      ['/api/act', { action: 'markDone', filter: { sender: 'nobody' }, count: value }],
      ['/api/outbox/act', { action: value, ids }],
      ['/api/outbox/act', { action: 'cancel', ids: value }],
      ['/api/outbox/act', { action: 'cancel', ids: [value] }],
      ['/api/outbox/act', { action: 'cancel', filter: value, count: 0 }],
      ['/api/outbox/act', { action: 'cancel', filter: { recipient: 'nobody' }, count: value }],
      ...OF_OUTBOX.map(
        (name) =>
          [
            '/api/outbox/act',
            { action: 'cancel', filter: { recipient: 'nobody', [name]: value }, count: 0 },
          ] as const,
      ),
      ['/api/templates/save', { name: value, subject: 's', text: 't' }],
      ...['subject', 'text', 'html', 'more'].map(
        (name) => ['/api/templates/save', { name: 'x', subject: 's', text: 't', [name]: value }] as const,
      ),
      ['/api/templates/remove', { name: value }],
      ['/api/templates/preview', { name: value, values: {} }],
      ['/api/templates/preview', { name: 'Größe', values: value }],
      ['/api/templates/preview', { name: 'Größe', values: { a: value, ä: value } }],
      ['/api/templates/preview', { subject: value, text: value, html: value, values: {} }],
      ['/api/endpoints/takeBack', { name: value }],
      ['/api/endpoints/remove', { name: value }],
      ...OF_MAILS.map(
        (name) =>
          [
            '/api/act',
            { action: 'markDone', filter: { sender: 'nobody', [name]: value }, count: 0 },
          ] as const,
      ),
    ]);
    for (const [path, body] of bodies)
      await alike(`${path} ${JSON.stringify(body)}`, async (open) => {
        const answer = await open.post(path, body);
        // At most a few at once.
        if (answer.status === 200 && answer.text.includes('"job"')) {
          const { job } = answer.json<{ job: { id: string } }>();
          await open.post('/api/jobs/stop', { job: job.id });
          return { ...answer, text: '"a job"' };
        }
        return answer;
      });
    for (const raw of [
      ...['', '{', 'null', '[]', '"x"', '{"action":"replay","action":"forget","ids":[]}', '{}x', '\ufeff{}'],
      ...['{"a":1e999}', '{"source":1e999}', '{"source":-0}', `${'{"a":'.repeat(200)}1${'}'.repeat(200)}`],
    ])
      await alike(raw, (open) =>
        open.send('/api/look', {
          ...{ method: 'POST', headers: { ...OPERATE, 'content-type': 'application/json' }, body: raw },
        }),
      );
    for (const { errors } of consoles) assert.deepEqual(errors, []);
    for (const { ledger } of consoles) assert.equal((await ledger.statistics({})).DEAD, 5);
    for (const { ledger } of consoles) assert.equal((await ledger.countEntries()).failed, 4);
  });
});
