// What the console answers over HTTP: mails, sources, sums, the feed, health and figures.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type {
  BatchAnswer,
  HealthAnswer,
  MailAnswer,
  MailsAnswer,
  Me,
  SeriesAnswer,
  SourcesAnswer,
  StatisticsAnswer,
  TriggersAnswer,
} from '../../engine/console/api';
import { health } from '../../engine/console/health';
import { tellSource } from '../../engine/console/told';
import type { SourceHealth } from '../../engine/ledger/inspection';
import { LedgerFault } from '../../engine/ledger/fault';
import { deadMails, listening } from '../support/console-mails';
import { held } from '../ledger/held';
import { assertGuarded, consoleOfEach, type OpenConsole, READ, refusedWith } from '../support/console';
import { until } from '../support/until';

/** Names that every object has, and what has no text. */
const NO_PATHS: readonly unknown[] = [
  ...['constructor', 'toString', '__proto__', 'hasOwnProperty', ''],
  { toString: 1, valueOf: 1 },
  JSON.parse(`${'['.repeat(90)}${']'.repeat(90)}`),
];

const XSS = '</script><img src=x onerror="alert(1)"> & "quoted" \u2028';

describe('what the console answers', { timeout: 120_000 }, () => {
  let open: OpenConsole;

  const begin = consoleOfEach((opened) => (open = opened));

  describe('what is asked of mails', () => {
    it('is told as JSON that nothing takes for a page, whatever stands in it', async () => {
      const to = await listening(open.ledger, 'w1', { account: `ann${XSS}@mail.example`, mailbox: XSS });
      await deadMails(open.ledger, to, 1, { sender: `${XSS}@x`, subject: XSS, error: XSS });
      await open.ledger.reportSource(
        { sourceId: to.sourceId, fence: 1 },
        { state: 'retry_scheduled', connection: 'backing_off', error: XSS },
      );
      const list = await open.send('/api/mails', { headers: READ });
      assert.equal(list.headers['content-type'], 'application/json; charset=utf-8');
      assertGuarded(list);
      const [mail] = list.json<MailsAnswer>().mails;
      assert.equal(mail!.subject, XSS);
      assert.equal(mail!.lastError, XSS);
      assert.equal(mail!.state, 'DEAD');
      assert.match(mail!.recordedAt, /^\d{4}-\d\d-\d\dT.*Z$/);
      const one = await open.get<MailAnswer>(`/api/mails/${mail!.id.toUpperCase()}`);
      assert.equal(one.mail.subject, XSS);
      const [attempt] = one.life.tries;
      assert.equal(attempt!.error, XSS);
      assert.equal(attempt!.state, 'DEAD');
      assert.match(attempt!.endedAt, /Z$/);
      assert.deepEqual([one.life.deeds, one.life.actions], [[], []]);
      const [source] = (await open.get<SourcesAnswer>('/api/sources')).sources;
      assert.equal(source!.mailbox, XSS);
      assert.ok(source!.says.includes(XSS.trim()));
      for (const path of ['/api/mails', '/api/sources', '/healthz', '/metrics']) {
        const answer = await open.send(path, { headers: READ });
        assert.doesNotMatch(answer.headers['content-type']!, /html/);
        assertGuarded(answer);
      }
    });

    it('comes in pages, the newest first', async () => {
      await deadMails(open.ledger, await listening(open.ledger), 5);
      const seen: string[] = [];
      for (let next: number | null = Number.MAX_SAFE_INTEGER; next !== null;) {
        const page: MailsAnswer = await open.get(`/api/mails?state=dead,UNKNOWN&limit=2&after=${next}`);
        seen.push(...page.mails.map(({ id }) => id));
        next = page.next;
      }
      assert.equal(new Set(seen).size, 5);
      const whole = await open.get<MailsAnswer>('/api/mails?state=&workflow=');
      assert.deepEqual(
        seen,
        whole.mails.map(({ id }) => id),
      );
      const { counts } = await open.get<StatisticsAnswer>('/api/statistics?workflow=w1');
      assert.equal(counts.DEAD, 5);
      assert.equal((await open.get<MailsAnswer>('/api/mails?since=2100-01-01')).mails.length, 0);
    });

    it('is refused in words where it cannot be meant', async () => {
      for (const [query, words] of [
        ['state=dead,nonsense', /"NONSENSE" is no "state"/],
        ['source=abc', /"source" has to be a whole number/],
        ['source=0', /whole number from 1 on/],
        ['source=1.5', /whole number/],
        ['failures=-1', /whole number from 0/],
        ['since=yesterday', /has to be a time such as/],
        ['since=1700000000000', /has to be a time such as/],
        ['since=2026-13-01', /has to be a time such as/],
        ['since=2026-02-31', /has to be a time such as/],
        ['until=2026-04-31T10:00:00%2B02:00', /has to be a time such as/],
        ['since=2026-02-01&until=2026-01-01', /before "until"/],
        ['annotation=::', /name:category:priority/],
        ['annotation=a:b:c:d', /name:category:priority/],
        ['annotation=%25zz', /no two digits/],
        ['limit=0', /from 1 to 200/],
        ['limit=201', /from 1 to 200/],
        ['after=x', /whole number/],
        ['workflows=w1', /"workflows" is not known here. There are state, workflow/],
        ['workflow=a&workflow=b', /given twice/],
        [`subject=${'x'.repeat(201)}`, /longer than 200/],
        ['sender=%00', /"sender" has a sign that no text of a mail has/],
        ['subject=a%00', /"subject" has a sign/],
        ['annotation=a%2500', /"annotation" has a sign/],
      ] as const) {
        refusedWith(await open.send(`/api/mails?${query}`, { headers: READ }), 400, words);
      }
      refusedWith(await open.send('/api/mails/nonsense', { headers: READ }), 404, /not in the ledger/);
      const none = '01a21d62-86db-7a3e-a829-9b12abf4a608';
      refusedWith(await open.send(`/api/mails/${none}`, { headers: READ }), 404, /not in the ledger/);
    });

    it('is handed to the ledger as it was meant', async () => {
      const asked: unknown[] = [];
      await begin({
        over: () => ({
          events: async (filter) => {
            asked.push(filter);
            return { events: [], next: null };
          },
          count: async (filter, most) => {
            asked.push(filter);
            return most;
          },
        }),
      });
      const query =
        'state=DEAD,RETRY,DEAD&workflow=w1&source=3&sender=Bob&subject=caf%C3%A9&failures=2' +
        '&annotation=ai%253A1:urgent:&since=2026-01-31&until=2026-01-31T08:00:00%2B01:00';
      await open.get(`/api/mails?${query}`);
      assert.deepEqual(await open.get(`/api/count?${query}`), { count: 100_000, isMore: true });
      const meant = {
        ...{ states: ['DEAD', 'RETRY'], workflowId: 'w1', sourceId: 3, sender: 'Bob', subject: 'café' },
        ...{ leastFailures: 2, annotation: { name: 'ai:1', category: 'urgent' } },
        ...{ since: Date.UTC(2026, 0, 31), until: Date.UTC(2026, 0, 31, 7) },
      };
      assert.deepEqual(asked, [meant, meant]);
    });
  });

  describe('what is asked of all', () => {
    const AT = Date.parse('2026-01-31T08:00:00Z');

    it('is told of triggers and of what was, over time', async () => {
      const asked: unknown[] = [];
      await begin({
        now: () => AT,
        over: () => ({
          triggers: async () => [
            {
              ...{ workflowId: 'w1', nodeId: 'n1', nodeName: 'Orders', sourceIds: [1], served: true },
              ...{ waiting: 1, oldestWaitingAt: AT, running: 0, retrying: 0, dead: 2, unknown: 0 },
              ...{ doneLately: 3, failedLately: 4, lastDoneAt: null, lastFailedAt: 9e15, lastError: XSS },
            },
          ],
          series: async (request) => {
            asked.push(request);
            const spread = { p50: 1, p95: 2 };
            const point = { recorded: 4, done: 1, failed: 0, dead: 0, untilRun: spread, untilEnd: null };
            return [
              { at: AT - 60_000, ...point, growth: 3 },
              { at: AT, ...point, growth: -9 },
            ];
          },
          waitingBefore: async (request) => {
            asked.push(request);
            return 2;
          },
        }),
      });
      const { triggers } = await open.get<TriggersAnswer>('/api/triggers');
      assert.equal(triggers[0]!.oldestWaitingAt, '2026-01-31T08:00:00.000Z');
      assert.equal(triggers[0]!.lastDoneAt, null);
      assert.equal(triggers[0]!.lastFailedAt, '+275760-09-13T00:00:00.000Z', 'no calendar has it');
      const series = await open.get<SeriesAnswer>(
        '/api/series?from=2026-01-30T08:00:00Z&source=1&workflow=w1',
      );
      assert.deepEqual(asked, [
        ...new Array<unknown>(2).fill({
          ...{ from: AT - 86_400_000, until: AT, step: 'minute', sourceId: 1, workflowId: 'w1' },
        }),
      ]);
      assert.deepEqual([series.waitingBefore, ...series.points.map(({ waiting }) => waiting)], [2, 5, 0]);
      assert.equal(series.until, '2026-01-31T08:00:00.000Z');
      assert.deepEqual(series.points[0]!.untilRun, { p50: 1, p95: 2 });
      for (const [query, words] of [
        ['', /"from" is missing/],
        ['from=2026-01-31T09:00:00Z', /before "until"/],
        ['from=2026-01-01', /a day at most/],
        ['from=2025-01-01&step=hour', /a month at most/],
        ['from=2026-01-31&step=day', /no "step"/],
      ] as const) {
        refusedWith(await open.send(`/api/series?${query}`, { headers: READ }), 400, words);
      }
    });

    it('is answered together where it is asked together', async () => {
      const asks = [
        '/api/sources',
        '/api/mails?limit=1',
        '/api/me',
        '/api/jobs',
        '/api/mails?limit=x',
        '/nothing',
      ];
      const answer = await open.post('/api/batch', { asks }, READ);
      const { answers } = answer.json<BatchAnswer>();
      assert.deepEqual(
        answers.map(({ status }) => status),
        [200, 200, 200, 200, 400, 404],
      );
      assert.equal((answers[2]!.body as Me).right, 'read');
      for (const refused of [{}, { asks: [] }, { asks: 'x' }, { asks: Array(17).fill('/api/me') }]) {
        refusedWith(await open.post('/api/batch', refused, READ), 400, /list of 1 to 16/);
      }
      const odd = await open.post(
        '/api/batch',
        { asks: [1, '/events', '/api/act', '/metrics', '/api/batch', ...NO_PATHS] },
        READ,
      );
      assert.deepEqual(
        odd.json<BatchAnswer>().answers.map(({ status }) => status),
        [400, 404, 404, 404, 404, ...NO_PATHS.map((one) => (typeof one === 'string' ? 404 : 400))],
      );
      assert.deepEqual(open.errors, []);
    });

    it('is refused with what the database says, and nothing of ours', async () => {
      await begin({
        over: () => ({
          sources: () => Promise.reject(new LedgerFault('unreachable', 'The database db is not reached.')),
          triggers: () => Promise.reject(new Error('secret of ours')),
        }),
      });
      const fault = await open.send('/api/sources', { headers: READ });
      refusedWith(fault, 503, /^The database db is not reached.$/);
      assert.equal(fault.headers['retry-after'], '5');
      const mistake = await open.send('/api/triggers', { headers: READ });
      refusedWith(mistake, 503, /The log says why/);
      assert.doesNotMatch(mistake.text, /secret/);
      assert.match(open.errors.join(), /secret of ours/);
      const health = await open.send('/healthz', { headers: READ });
      assert.equal(health.status, 503);
      assert.match(health.json<HealthAnswer>().broken[0]!.says, /cannot be asked: The database db/);
      refusedWith(await open.send('/metrics', { headers: READ }), 503, /.+/);
    });
  });

  describe('the feed', () => {
    it('is joined with what is asked for, and left when one goes', async () => {
      const query = 'source=3&workflow=w1&type=email.dead,stats&since=2026-01-31T08:00:00Z';
      for (const [path, more, ask] of [
        ['/events', {}, {}],
        ['/events?since=1-2', {}, { after: '1-2' }],
        ['/events?since=1-2', { 'last-event-id': '5-6' }, { after: '5-6' }],
        [
          `/events?${query}`,
          {},
          {
            ...{ since: Date.parse('2026-01-31T08:00:00Z'), types: ['email.dead', 'stats'] },
            ...{ sourceId: 3, workflowId: 'w1' },
          },
        ],
      ] as const) {
        const went = await fetch(`http://127.0.0.1:${open.port}${path}`, {
          headers: { ...READ, ...more },
        });
        assert.equal(went.status, 200);
        assert.equal(went.headers.get('content-type'), 'text/event-stream; charset=utf-8');
        assert.equal(went.headers.get('cache-control'), 'no-cache, no-transform');
        assert.equal(went.headers.get('x-accel-buffering'), 'no');
        assert.equal(went.headers.get('x-content-type-options'), 'nosniff');
        assert.deepEqual(open.feed.asks.at(-1), ask);
        assert.equal(open.feed.clients, 1);
        await went.body!.cancel();
        await until('it has left', () => open.feed.clients === 0);
      }
    });

    it('refuses what it does not know', async () => {
      for (const [query, words] of [
        ['type=email.dead,nonsense', /"nonsense" is no "type"/],
        ['since=a%20b', /a time, or the id/],
        ['source=x', /whole number/],
        ['token=x', /never into an address/],
      ] as const) {
        refusedWith(await open.send(`/events?${query}`, { headers: READ }), 400, words);
      }
    });

    it('ends with the console', async () => {
      const went = await fetch(`http://127.0.0.1:${open.port}/events`, { headers: READ });
      const text = went.text();
      open.console.close();
      assert.equal(await text, 'retry: 1000\n\n');
    });
  });

  describe('health and figures', () => {
    it('need a token, unless the home says otherwise', async () => {
      assert.equal((await open.send('/healthz')).status, 401);
      await begin({ openHealth: true });
      const health = await open.send('/healthz');
      assert.equal(health.status, 200);
      assert.deepEqual(health.json(), { ok: true, broken: [] });
      assert.equal((await open.send('/metrics')).status, 200);
      assert.equal((await open.send('/api/sources')).status, 401);
    });

    it('name what is broken, and what to do', async () => {
      const to = await listening(open.ledger);
      await deadMails(open.ledger, to, 1);
      await open.ledger.reportSource(
        { sourceId: to.sourceId, fence: 1 },
        { state: 'retry_scheduled', connection: 'backing_off', error: 'The login was refused' },
      );
      const health = await open.send('/healthz', { headers: READ });
      assert.equal(health.status, 503);
      const { broken } = health.json<HealthAnswer>();
      assert.equal(broken[0]!.what, 'INBOX of ann@mail.example');
      assert.match(
        broken[0]!.says,
        /never read: The login was refused\. Check the server and the credential/,
      );
      const { standings, sources } = await open.get<SourcesAnswer>('/api/sources');
      assert.deepEqual(standings, { broken: 1 });
      assert.equal(sources[0]!.says, broken[0]!.says);
    });

    it('are not alarmed by an n8n that is started again, but by one that is not', async () => {
      const { ledger } = open;
      // It is looked at once an hour, and that was an hour ago.
      const sources = async (): Promise<SourceHealth[]> =>
        (await ledger.sources()).map((source) => ({
          ...source,
          lastSuccessAt: source.lastSuccessAt && source.lastSuccessAt - 3_600_000,
        }));
      let later = 0;
      const now = (): number => Date.now() + later;
      const to = await listening(ledger);
      const first = await held(ledger, to.sourceId, { holder: 'the first' });
      await ledger.reportSource(first, { state: 'idle', connection: 'polling', synced: true });
      const over = new Proxy(ledger, {
        get: (of, name) => (name === 'sources' ? sources : (Reflect.get(of, name) as unknown)),
      });
      // Without what answers the same for a moment to whoever asks often.
      const standing = async (ok: boolean): Promise<string> => {
        assert.equal((await health({ ledger: over, now })).ok, ok);
        const [source] = (await sources()).map((one) => tellSource(one, now()));
        assert.equal(source!.unreadSince === null, source!.holder !== null || !source!.served);
        return `${source!.standing}: ${source!.says}`;
      };
      assert.match(await standing(true), /^well/);
      await ledger.unserve([{ workflowId: 'w1', nodeId: 'n1' }]);
      assert.match(await standing(true), /^off/);
      await ledger.reportSource(first, { state: 'idle', connection: 'closed' });
      await ledger.releaseHolds([first]);
      await listening(ledger);
      assert.match(await standing(true), /^busy: It is about to be read/);
      later = 6 * 60_000;
      assert.match(await standing(false), /^broken: No process reads it; it was last read 66 min ago/);
      const next = await held(ledger, to.sourceId, { holder: 'the next' });
      assert.match(await standing(true), /^busy: It is about to be read/);
      await ledger.reportSource(next, { state: 'gap_checking', connection: 'connecting' });
      assert.match(await standing(true), /^busy: It is being connected/);
      await ledger.reportSource(next, { state: 'gap_checking', connection: 'polling' });
      assert.match(await standing(true), /^busy/);
    });

    it('are in the format of Prometheus', async () => {
      const to = await listening(open.ledger, 'w1', { account: 'a"n\\n', mailbox: 'IN\nBOX' });
      await deadMails(open.ledger, to, 2);
      const { headers, text } = await open.send('/metrics', { headers: READ });
      assert.equal(headers['content-type'], 'text/plain; version=0.0.4; charset=utf-8');
      assert.match(text, /^durable_mail_events\{state="DEAD"\} 2$/m);
      assert.match(text, /^durable_mail_source_ok\{source="1",account="a\\"n\\\\n",mailbox="IN\\nBOX"\} 1$/m);
      assert.match(text, /^durable_mail_feed_cut_total 7$/m);
      assert.match(text, /^durable_mail_tries_total\{result="failed"\} 2$/m);
      for (const line of text.trimEnd().split('\n')) {
        assert.match(
          line,
          /^(# (HELP|TYPE) durable_mail_\w+ .+|durable_mail_\w+(\{(\w+="([^"\\]|\\.)*",?)+\})? \S+)$/,
        );
      }
    });
  });
});
