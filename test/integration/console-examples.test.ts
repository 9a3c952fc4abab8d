// The examples of docs/console.md, each as it is written there, in a shell, before a console on a port over a real ledger.
// Only what stands for something of the reader's own is replaced: the port, and ids.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import type {
  ActAnswer,
  BatchAnswer,
  HealthAnswer,
  JobAnswer,
  JobsAnswer,
  MailAnswer,
  MailsAnswer,
  Me,
  SeriesAnswer,
  SourcesAnswer,
  StatisticsAnswer,
  TriggersAnswer,
} from '../../engine/console/api';
import type {
  EndpointAnswer,
  EndpointsAnswer,
  EntryAnswer,
  OutboxAnswer,
  OutboxCounts,
  PreviewAnswer,
  TemplateAnswer,
  TemplatesAnswer,
} from '../../engine/console/outbox-api';
import { openConsole } from '../../engine/instance/console';
import type { Ledger } from '../../engine/ledger/ledger';
import { keepOpen } from '../../nodes/host/console/port';
import type { Store } from '../../nodes/host/store/store';
import { ROOT } from '../../tools/shell.mjs';
import { PAGE } from '../support/console';
import { deadMails, listening } from '../support/console-mails';
import { heardOf } from '../support/feed/fake-client';
import { openAt } from '../support/feed/open-at';
import { silentLog } from '../support/log';
import { freePort, portAnswers } from '../support/net';
import { queued, tried } from '../support/outbox-entries';
import { PostgresServer } from '../support/postgres';
import { until } from '../support/until';

/** What the document's examples name. */
const WORKFLOW = 'IVoFGKDDUbtCpUc2';
const MAIL = '01a21d62-86db-7a3e-a829-9b12abf4a608';
const ENTRY = '01a21d62-86db-7a3e-a829-9b12abf4a609';
const JOB = 'c0ffee00-0000-4000-8000-000000000000';
const PORT = ':5690';
const MAILS = 3;
const ENTRIES = 3;

interface Answered {
  readonly address: string;
  readonly status: number;
  readonly body: string;
}

/** To the sources and the mails that the document asks for together. */
function assertBoth({ answers }: BatchAnswer): void {
  assert.deepEqual(
    answers.map(({ status }) => status),
    [200, 200],
  );
  assert.equal((answers[1]!.body as MailsAnswer).mails.length, MAILS);
}

/** What the document says of an address, held against its answer. */
const EXPECTED: Readonly<Record<string, (answer: unknown, asked: Answered) => void>> = {
  '/api/me': (answer) => {
    const me = answer as Me;
    assert.equal(me.right, 'read');
    for (const name of ['version', 'ledger', 'showMail', 'editor', 'stream'] as const) assert.ok(name in me);
    const minutes = (Date.parse(me.stream.expires) - Date.now()) / 60_000;
    assert.ok(minutes > 13 && minutes < 17, 'for 15 minutes');
  },
  '/api/sources': (answer) => {
    const { sources, standings } = answer as SourcesAnswer;
    assert.equal(sources.length, 1);
    assert.match(sources[0]!.says, /\.$/);
    assert.deepEqual(standings, { [sources[0]!.standing]: 1 });
  },
  '/api/triggers': (answer) => assert.equal((answer as TriggersAnswer).triggers[0]!.dead, MAILS),
  '/api/statistics': (answer) => {
    const { counts, unserved } = answer as StatisticsAnswer;
    assert.deepEqual([counts.DEAD, unserved], [MAILS, 0]);
  },
  '/api/mails': (answer) => {
    const { mails, next } = answer as MailsAnswer;
    assert.deepEqual([mails.map(({ state }) => state), next], [Array(MAILS).fill('DEAD'), null]);
  },
  '/api/mails/': (answer, { address }) => {
    const { mail, life } = answer as MailAnswer;
    assert.ok(address.endsWith(mail.id));
    assert.deepEqual([life.tries.length, life.tries[0]!.error, life.deeds], [1, 'it broke', []]);
  },
  '/api/mails//content': (_, { body }) => assert.match(body, /^Subject: hello\r\n/),
  '/api/count': (answer) => assert.deepEqual(answer, { count: MAILS, isMore: false }),
  '/api/series': (answer) => {
    const { from, until: end, step, points } = answer as SeriesAnswer;
    assert.deepEqual(
      [from, end, step, points],
      ['2026-01-31T07:00:00.000Z', '2026-01-31T08:00:00.000Z', 'minute', []],
    );
  },
  '/api/act': (answer) => {
    const act = answer as ActAnswer;
    if ('job' in act) assert.deepEqual([act.job.action, act.job.by], ['replay', 'console (operate)']);
    else assert.equal(act.changed, 1);
  },
  '/api/jobs': (answer) => assert.equal((answer as JobsAnswer).jobs.length, 1),
  '/api/jobs/stop': (answer) => assert.equal((answer as JobAnswer).job.action, 'replay'),
  '/api/look': (answer) => assert.deepEqual(answer, { asked: true }),
  '/api/outbox': (answer) => {
    const { entries, next } = answer as OutboxAnswer;
    assert.deepEqual([entries.map(({ state }) => state), next], [Array(ENTRIES).fill('FAILED'), null]);
  },
  '/api/outbox/': (answer, { address }) => {
    const { entry, mail } = answer as EntryAnswer;
    assert.ok(address.endsWith(entry.id));
    assert.deepEqual([entry.lastError, mail!.sender], ['550 no', 'bob@example.com']);
  },
  '/api/outbox/count': (answer) => assert.equal((answer as OutboxCounts).failed, ENTRIES),
  '/api/outbox/found': (answer) => assert.deepEqual(answer, { count: ENTRIES, isMore: false }),
  '/api/outbox/act': (answer) => {
    const act = answer as ActAnswer;
    if ('job' in act) assert.deepEqual([act.job.of, act.job.action], ['outbox', 'retry']);
    else assert.equal(act.changed, 1);
  },
  '/api/templates/save': (answer) => assert.deepEqual((answer as TemplateAnswer).values, ['order', 'name']),
  '/api/templates': (answer) =>
    assert.deepEqual(
      (answer as TemplatesAnswer).templates.map(({ name }) => name),
      ['order received'],
    ),
  '/api/template': (answer) => assert.equal((answer as TemplateAnswer).template.text, 'Hello {{name}}!'),
  '/api/templates/preview': (answer) => {
    const { subject, html } = answer as PreviewAnswer;
    assert.deepEqual([subject, html], ['Your order 7', '<p>Hello <b>Ann</b>!</p>']);
  },
  '/api/templates/remove': (answer) => assert.deepEqual(answer, { removed: true }),
  '/api/endpoints': (answer) => {
    const { endpoints } = answer as EndpointsAnswer;
    assert.deepEqual(
      endpoints.map(({ name, asideReason }) => [name, asideReason]),
      [['status page', 'It has failed for 5 days.']],
    );
  },
  '/api/endpoints/takeBack': (answer) => assert.equal((answer as EndpointAnswer).endpoint.asideSince, null),
  '/api/endpoints/remove': (answer) => assert.deepEqual(answer, { removed: true }),
  '/api/batch': (answer) => assertBoth(answer as BatchAnswer),
  '/api/view': (_, { body }) =>
    assertBoth(heardOf(body).find(({ type }) => type === 'answers')!.data as unknown as BatchAnswer),
  '/events': (_, { body }) => {
    // What was a day ago is not kept, of a ledger that is younger there is nothing.
    assert.match(body, /^retry: \d+\n\n/);
    const [first, ...told] = heardOf(body);
    assert.equal(first!.type, 'reset');
    const dead = told.filter(({ type }) => type === 'email.dead');
    assert.ok(dead.length > 0 && told.every(({ type }) => /^email\.dead$|^source\.state$/.test(type)));
    const names = ['v', 'id', 'type', 'time', 'source', 'workflow', 'event', 'data'];
    assert.deepEqual(Object.keys(dead[0]!.data), names);
    assert.deepEqual([dead[0]!.data['v'], dead[0]!.data['workflow']], [1, WORKFLOW]);
  },
  '/healthz': (answer, { status }) => {
    const { ok, broken } = answer as HealthAnswer;
    assert.deepEqual([status, broken.length > 0], ok ? [200, false] : [503, true]);
  },
  '/metrics': (_, { body }) => assert.match(body, /^durable_mail_events\{state="DEAD"\} \d+$/m),
};

let folder: string;
let server: PostgresServer;
let page: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'durable-mail-examples-'));
  server = await PostgresServer.start({ fsync: false });
  page = await readFile(join(ROOT, 'docs', 'console.md'), 'utf8');
  const curl = join(folder, 'curl');
  await writeFile(
    curl,
    `#!/bin/sh\nexec "${process.execPath}" "${join(__dirname, '..', 'support', 'console', 'curl.mjs')}" "$@"\n`,
  );
  await chmod(curl, 0o755);
});
after(async () => {
  await server.dispose();
  await rm(folder, { recursive: true });
});

describe('the examples of docs/console.md', { timeout: 180_000 }, () => {
  const ledgers: Readonly<Record<string, () => Promise<string>>> = {
    SQLite: async () => join(folder, 'ledger.sqlite'),
    Postgres: () => server.createDatabase(),
  };
  for (const [name, create] of Object.entries(ledgers)) {
    it(`do what it says: ${name}`, async () => {
      const { ledger, wake, close } = await openAt(await create());
      await deadMails(ledger, await listening(ledger, WORKFLOW), MAILS, { sender: 'bob@example.com' });
      const { events } = await ledger.events({}, { limit: 1 });
      const mail = events[0]!.id;
      const entry = await failedEntries(ledger, mail);
      const home = await mkdtemp(join(folder, 'home-'));
      const store = { ledger, wake } as unknown as Store;
      const [over, port] = [new AbortController(), await freePort()];
      const keeping = keepOpen(
        {
          ...{ port, host: '127.0.0.1', names: [], openHealth: false, showMail: true, webSocket: true },
          editorUrl: 'http://localhost:5678',
        },
        {
          openStore: async () => store,
          create: (on, at) =>
            openConsole(on, { ...at, log: silentLog, version: '1.0.0', page: PAGE, plots: '' }),
          isOurs: () => true,
          folder: join(home, '.n8n', 'durable-mail'),
          log: silentLog,
          lookMs: 50,
        },
        over.signal,
      );
      try {
        await until('it is open', () => portAnswers(port));
        await runAll(home, port, { [MAIL]: mail, [ENTRY]: entry });
      } finally {
        over.abort();
        await keeping;
        await close();
      }
    });
  }
});

/** The entries and the endpoint that the examples name. @returns the id of one of them */
async function failedEntries(ledger: Ledger, event: string): Promise<string> {
  const origin = { workflowId: WORKFLOW, nodeId: 'n2', nodeName: 'Answer', event };
  const entries = await queued(ledger, ENTRIES, { origin });
  const ids = entries.map(({ id }) => id);
  await tried(ledger, ids, { became: 'FAILED', error: '550 no' });
  const wish = { types: ['email.dead'], workflowId: null, sourceId: null } as const;
  const named = { name: 'status page', url: 'https://status.example.net/hook', request: {} };
  const { id } = await ledger.saveEndpoint({ ...named, wish }, 'workflow w1');
  await ledger.setAside(id, 'It has failed for 5 days.');
  return ids[0]!;
}

async function runAll(home: string, port: number, ids: Readonly<Record<string, string>>): Promise<void> {
  const [variables, ...examples] = [...page.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, text]) => text!);
  assert.ok(variables!.includes(PORT) && examples.length >= 14);
  const seen = new Set<string>();
  let job = JOB;
  for (const example of examples) {
    for (const asked of await answersOf(
      `${variables!.replace(PORT, `:${port}`)}${yours(example, { ...ids, [JOB]: job })}`,
      home,
    )) {
      const { pathname } = new URL(asked.address);
      const place = Object.values(ids).reduce((left, id) => left.replace(id, ''), pathname);
      const isJson = !/^\/(events|metrics|api\/view|api\/mails\/\/content)$/.test(place);
      const answer: unknown = isJson ? JSON.parse(asked.body) : null;
      assert.ok(asked.status === 200 || place === '/healthz', `${example}${asked.status} ${asked.body}`);
      EXPECTED[place]?.(answer, asked);
      seen.add(place);
      if (place === '/api/act') job = (answer as { job?: { id: string } }).job?.id ?? job;
    }
  }
  assert.deepEqual(
    Object.keys(EXPECTED).filter((place) => !seen.has(place)),
    [],
    'each address has an example',
  );
}

const yours = (example: string, ids: Readonly<Record<string, string>>): string =>
  Object.entries(ids).reduce((text, [named, id]) => text.replaceAll(named, id), example);

async function answersOf(script: string, home: string): Promise<Answered[]> {
  const { stdout } = await promisify(execFile)('sh', ['-euc', script], {
    env: { PATH: `${folder}:${process.env['PATH']}`, HOME: home, CURL_READS_UNTIL: 'email[.]dead|answers' },
    timeout: 30_000,
  });
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Answered);
}
