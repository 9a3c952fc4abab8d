// What people wait for who look at a large ledger: a page of the list, the newest first, for each filter alone, one that lets
// through much and one that lets through next to nothing; then all its pages to the end, and what else the console asks. And what
// it asks again and again of a ledger in which as many mails wait to be run, for a trigger that does not listen.
//
//   npm run bench -- console                   10^6 events, SQLite and Postgres
//   npm run bench -- console 100000 sqlite     another size, one adapter
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Client } from 'pg';
import type { EventFilter } from '../engine/ledger/inspection';
import type { Ledger } from '../engine/ledger/ledger';
import { openPostgresLedger } from '../engine/ledger/postgres/postgres-ledger';
import { settingsFromUrl } from '../engine/ledger/postgres/settings';
import { openSqliteLedger } from '../engine/ledger/sqlite/sqlite-ledger';
import { PostgresServer } from '../test/support/postgres';
import { fillSql, onPostgres, onSqlite, subscribe } from './filled-ledger';
import { median, timed } from './timed';
import { measured } from './measured';

const LIMIT = 50;
const ROUNDS = 11;
const MOST_MS = 100;

const [sizeText = '1000000', only] = process.argv.slice(2);
const size = Number(sizeText);
const cleanup = measured(bench);

async function bench(): Promise<void> {
  if (!(size >= 1)) throw new Error(`Not a size: ${sizeText}`);
  for (const [name, open] of [
    ['SQLite', sqlite],
    ['Postgres', postgres],
  ] as const) {
    if (only && only !== name.toLowerCase()) continue;
    const ledger = await open(false);
    console.log(`\n${name}, ${size.toLocaleString('en')} events: ms of a page of ${LIMIT}, median (longest)`);
    for (const [what, filter] of await filters(ledger)) await list(ledger, what, filter);
    await asked(others(ledger));
    await ledger.close();
    const waiting = await open(true);
    console.log(`\n${name}, ${size.toLocaleString('en')} mails that wait: ms, median (longest)`);
    await asked(polled(waiting));
    await waiting.close();
  }
}

async function filters(ledger: Ledger): Promise<[what: string, filter: EventFilter][]> {
  const rare = (await ledger.sources()).find(({ mailbox }) => mailbox === 'Rare')!;
  const now = Date.now();
  return [
    ['none', {}],
    ['state, DONE', { states: ['DONE'] }],
    ['state, DEAD', { states: ['DEAD'] }],
    ['state, UNKNOWN: none is', { states: ['UNKNOWN'] }],
    ['workflow', { workflowId: 'workflow' }],
    ['workflow, rare', { workflowId: 'rare' }],
    ['source, rare', { sourceId: rare.id }],
    ['sender, one of 5,000', { sender: 'customer.77@sender.example' }],
    ['sender, nobody', { sender: 'nobody' }],
    ['subject', { subject: 'ORDER' }],
    ['subject, one of all', { subject: 'number 17 is' }],
    ['subject, none', { subject: 'Größe' }],
    ['failures', { leastFailures: 1 }],
    ['failures, none', { leastFailures: 9 }],
    ['annotation', { annotation: { category: 'order' } }],
    ['annotation, rare', { annotation: { category: 'rare' } }],
    ['annotation, none', { annotation: { name: 'nobody' } }],
    ['time, old', { until: now - (size - 1_000) * 10_000 }],
    ['time, new', { since: now - 3_600_000 }],
  ];
}

async function list(ledger: Ledger, what: string, filter: EventFilter): Promise<void> {
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round++)
    times.push((await timed(() => ledger.events(filter, { limit: LIMIT }))).ms);
  const all: number[] = [];
  let found = 0;
  for (let after: number | null | undefined; after !== null && found < 200;) {
    const { ms, result } = await timed(() =>
      ledger.events(filter, { limit: LIMIT, ...(after && { after }) }),
    );
    all.push(ms);
    found += result.events.length;
    after = result.next;
  }
  const ms = median(times);
  // The first of the rounds warms the caches.
  const most = Math.max(...times.slice(1), ...all);
  console.log(
    `${ms <= MOST_MS ? 'ok    ' : 'MISSED'} ${what.padEnd(24)} ${ms.toFixed(1).padStart(7)} (${most.toFixed(0)})` +
      `   ${found} found in ${all.length} pages, ${all.reduce((sum, one) => sum + one, 0).toFixed(0)} ms`,
  );
}

type Asked = readonly (readonly [what: string, ask: () => Promise<unknown>])[];

function others(ledger: Ledger): Asked {
  const until = Date.now();
  return [
    ['count of all, up to 100,000', () => ledger.count({}, 100_000)],
    ['count of a rare subject', () => ledger.count({ subject: 'number 17 is' }, 100_000)],
    ['statistics', () => ledger.statistics({})],
    ['triggers', () => ledger.triggers()],
    ['a day by the minute', () => ledger.series({ from: until - 86_400_000, until, step: 'minute' })],
    ['a week by the hour', () => ledger.series({ from: until - 7 * 86_400_000, until, step: 'hour' })],
    ['a position by its time', () => ledger.changeAt(until - 3_600_000)],
  ];
}

function polled(ledger: Ledger): Asked {
  const until = Date.now();
  const workflow = { workflowId: 'workflow' };
  return [
    ['statistics', () => ledger.statistics({})],
    ['statistics of a workflow', () => ledger.statistics(workflow)],
    ['unserved', () => ledger.unserved({})],
    ['triggers, with the oldest', () => ledger.triggers()],
    [
      'waiting before an hour',
      () => ledger.waitingBefore({ from: until - 3_600_000, until, step: 'minute' }),
    ],
    ['waiting before a week', () => ledger.waitingBefore({ from: until - 604_800_000, until, step: 'hour' })],
  ];
}

async function asked(all: Asked): Promise<void> {
  for (const [what, ask] of all) {
    const times: number[] = [];
    for (let round = 0; round < ROUNDS; round++) times.push((await timed(ask)).ms);
    const most = Math.max(...times.slice(1));
    console.log(`       ${what.padEnd(30)} ${median(times).toFixed(1).padStart(7)} (${most.toFixed(0)})`);
  }
}

/** A source that has next to nothing, annotations, and the sums of a busy day with some spread. */
function moreSql(rare: { readonly id: number }, to: { readonly id: number }): string[] {
  const minute = Math.floor(Date.now() / 60_000) * 60_000;
  const sums = Array.from({ length: 1_440 }, (_, n) =>
    ['recorded', 'began', 'DONE'].flatMap((what) =>
      Array.from({ length: what === 'recorded' ? 1 : 6 }, (_, bucket) => [n, what, bucket] as const),
    ),
  ).flat();
  const values = sums.map(
    ([n, what, bucket]) => `(${to.id}, 60000, ${minute - n * 60_000}, '${what}', ${bucket}, 3)`,
  );
  return [
    `update event set subscription_id = ${rare.id} where seq % ${Math.max(1, Math.floor(size / 40))} = 7`,
    `insert into annotation (event_seq, name, category, summary, data, at)
     select seq, 'model', case when seq % ${Math.max(2, Math.floor(size / 10))} = 1 then 'rare' else 'order' end,
       'a summary', '{"score":0.5}', 1 from event where seq % 3 = 1`,
    `delete from step_sum`,
    `insert into step_sum (subscription_id, step, at, what, bucket, n) values ${values.join(', ')}`,
    `delete from change where id <= (select max(id) from change) - 25000`,
  ];
}

const subscribeRare = (ledger: Ledger): ReturnType<typeof subscribe> =>
  subscribe(ledger, {
    workflowId: 'rare',
    source: { kind: 'imap', account: 'ann@mail.example', mailbox: 'Rare' },
  });

const isNotServed = 'update subscription set served_until = 0';

async function sqlite(waits: boolean): Promise<Ledger> {
  const folder = await mkdtemp(join(tmpdir(), 'durable-mail-bench-'));
  await cleanup.of(Promise.resolve({ dispose: () => rm(folder, { recursive: true }) }));
  const file = join(folder, 'ledger.sqlite');
  const ledger = await openSqliteLedger(file);
  const [to, rare] = [await subscribe(ledger), await subscribeRare(ledger)];
  const database = new DatabaseSync(file, { enableForeignKeyConstraints: false });
  try {
    database.exec('pragma synchronous = off; pragma cache_size = -500000');
    const more = waits ? [isNotServed] : moreSql(rare, to);
    for (const sql of [...fillSql(size, to, onSqlite(size), true, waits), ...more]) database.exec(sql);
    database.exec('pragma wal_checkpoint(truncate)');
  } finally {
    database.close();
  }
  return ledger;
}

async function postgres(waits: boolean): Promise<Ledger> {
  const server = await cleanup.of(PostgresServer.start());
  const url = await server.createDatabase();
  const ledger = await openPostgresLedger(settingsFromUrl(url));
  const [to, rare] = [await subscribe(ledger), await subscribeRare(ledger)];
  const client = new Client({ connectionString: url, options: '-c search_path=durable_mail' });
  await client.connect();
  try {
    await client.query('set synchronous_commit = off; set maintenance_work_mem = 262144; set jit = off');
    await client.query('alter table step_sum alter column backend set default 0');
    const more = waits ? [isNotServed] : moreSql(rare, to);
    for (const sql of [...fillSql(size, to, onPostgres(size), true, waits), ...more]) await client.query(sql);
    await client.query('vacuum (analyze)');
    await client.query('checkpoint');
  } finally {
    await client.end();
  }
  return ledger;
}
