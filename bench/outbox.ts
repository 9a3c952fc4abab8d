// How many entries of the outbox go out in a second, from one process to a receiver that answers at once, and whether that costs more
// the more the log holds: the same rounds on ledgers with a thousand and a million entries that were sent, by turns, so that noise
// hits all alike.
//
//   npm run bench -- outbox                       both databases
//   npm run bench -- outbox 1000,20000 postgres   other sizes, one database; TMPDIR says on which disk SQLite's files are
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Client } from 'pg';
import { openPlace, type Place } from '../engine/instance/place';
import type { NewEntry, Outbox } from '../engine/ledger/outbox';
import { settingsFromUrl } from '../engine/ledger/postgres/settings';
import type { Sender } from '../engine/outbox/sender';
import { OutboxWorker } from '../engine/outbox/worker';
import { silentLog } from '../test/support/log';
import { PostgresServer } from '../test/support/postgres';
import { median } from './timed';
import { measured } from './measured';

const ENTRIES = 200;
const LANES = 10;
const ROUNDS = 15;
const WARM_ROUNDS = 3;
const CONTENT = Buffer.alloc(4_000, 'mail');
const WAIT_MS = 120_000;
const MOST_RATIO = 1.3;

interface Filled {
  readonly size: number;
  readonly ledger: Outbox;
  readonly worker: OutboxWorker;
  /** ms an entry. */
  readonly queued: number[];
  readonly sent: number[];
}

/** Fills an empty ledger, and opens it. */
type Fill = (size: number) => Promise<Filled>;

const [sizesText = '1000,1000000', only] = process.argv.slice(2);
const sizes = sizesText.split(',').map(Number);
const cleanup = measured(bench);
// While it waits for what goes out, nothing else may keep the process alive.
const alive = setInterval(() => undefined, 60_000);
void cleanup.of(Promise.resolve({ dispose: async () => clearInterval(alive) }));

async function bench(): Promise<void> {
  if (sizes.some((size) => !(size >= 1))) throw new Error(`Not a list of sizes: ${sizesText}`);
  if (only !== 'sqlite') await measure('Postgres', await onPostgres());
  if (only !== 'postgres') await measure('SQLite', await onSqlite());
}

async function measure(name: string, fill: Fill): Promise<void> {
  const filled: Filled[] = [];
  for (const size of sizes) filled.push(await fill(size));
  for (let n = -WARM_ROUNDS; n < ROUNDS; n++)
    for (const one of n % 2 === 0 ? filled : [...filled].reverse()) await round(one, n);
  console.log(`\n${name}: ${ROUNDS} rounds of ${ENTRIES} entries over ${LANES} lanes`);
  for (const { size, queued, sent } of filled) {
    const perSecond = 1_000 / (median(queued) + median(sent));
    console.log(
      `  with ${size.toLocaleString('en')} in the log: queued ${median(queued).toFixed(3)} ms, sent ` +
        `${median(sent).toFixed(3)} ms an entry: ${perSecond.toFixed(0)} entries a second`,
    );
  }
  const cost = ({ queued, sent }: Filled): number => median(queued) + median(sent);
  const ratio = cost(filled.at(-1)!) / cost(filled[0]!);
  const verdict = ratio <= MOST_RATIO ? 'ok    ' : 'MISSED';
  console.log(
    `${verdict} ${name}: cost of an entry, largest to smallest: ${ratio.toFixed(2)} (goal: at most ${MOST_RATIO})`,
  );
}

async function round({ ledger, worker, queued, sent }: Filled, n: number): Promise<void> {
  const entries = Array.from({ length: ENTRIES }, (_, at) => newEntry(`${n}:${at}`, at % LANES));
  const began = performance.now();
  const ids = (await ledger.enqueue(entries)).map(({ id }) => id);
  const between = performance.now();
  worker.start();
  worker.queued();
  const ended = await worker.waitFor(ids, { untilMs: WAIT_MS, signal: new AbortController().signal });
  const end = performance.now();
  await worker.stop();
  if (ended.length !== ENTRIES || ended.some(({ state }) => state !== 'SENT'))
    throw new Error('Not all were sent');
  if (n < 0) return;
  queued.push((between - began) / ENTRIES);
  sent.push((end - between) / ENTRIES);
}

const newEntry = (key: string, lane: number): NewEntry => ({
  ...{ key, kind: 'bench', lane: `host:${lane}`, request: { form: 1 }, content: CONTENT },
  ...{ recipient: 'ann@mail.example', subject: `Mail ${key}`, messageId: `<${key}@bench.example>` },
  origin: { workflowId: 'workflow', nodeId: 'node', nodeName: 'Durable Send', event: null },
  ...{ repeats: false, keepMs: 86_400_000 },
});

const sender: Sender = {
  kind: 'bench',
  limits: () => ({ mostAtOnce: 5, mostAMinute: null }),
  schedule: () => ({ connection: [], refused: [] }),
  inDoubt: () => 'aside',
  send: async (_, trying) =>
    (await trying.handOver())
      ? { end: 'sent', answer: '250 OK' }
      : { end: 'returned', error: 'not ours', afterMs: 0 },
};

async function open(place: Place, size: number): Promise<Filled> {
  const { ledger, wake, close } = await openPlace(place, silentLog, undefined);
  const senders = new Map([[sender.kind, sender]]);
  const worker = new OutboxWorker({ ledger, wake, log: silentLog, senders });
  await cleanup.of(
    Promise.resolve({
      dispose: async () => {
        await worker.close();
        await close();
      },
    }),
  );
  return { size, ledger, worker, queued: [], sent: [] };
}

/** A log of entries that were sent, one every ten seconds, until now; a few failed. Their contents are gone, as with "forget". */
const fillSql = (size: number, numbers: string): readonly string[] => [
  `insert into outgoing
    (id, key, kind, lane, state, request, recipient, subject, message_id, repeats, workflow_id, node_id, node_name, keep_ms,
      fence, tries, queued_at, begun_at, settled_at, drop_at, last_answer)
  select 'id-' || n, 'key-' || n, 'bench', 'host:' || (n % 50), case when n % 100 = 0 then 'FAILED' else 'SENT' end, '{"form":1}',
    'customer.' || (n % 5000) || '@mail.example', 'Your order number ' || n, '<' || n || '@sender.example>', false,
    'workflow', 'node', 'Durable Send', 7776000000, 1, 1, at, at + 100, at + 1000, at + 7776000000, '250 2.0.0 OK'
  from (select n, ${Date.now()} - (${size} - n) * 10000 as at from (${numbers}) numbers) times order by n`,
  `delete from change where id <= (select max(id) from change) - 25000`,
];

async function onPostgres(): Promise<Fill> {
  const server = await cleanup.of(PostgresServer.start());
  return async (size) => {
    const url = await server.createDatabase();
    const filled = await open({ kind: 'postgres', settings: settingsFromUrl(url) }, size);
    const client = new Client({ connectionString: url, options: '-c search_path=durable_mail' });
    await client.connect();
    try {
      await client.query('set synchronous_commit = off; set jit = off');
      for (const sql of fillSql(size, `select n from generate_series(1::bigint, ${size}) n`))
        await client.query(sql);
      // As the server does by itself, some time after so many rows came.
      await client.query('vacuum (analyze)');
      await client.query('checkpoint');
    } finally {
      await client.end();
    }
    return filled;
  };
}

async function onSqlite(): Promise<Fill> {
  const folder = await mkdtemp(join(tmpdir(), 'durable-mail-outbox-'));
  await cleanup.of(Promise.resolve({ dispose: () => rm(folder, { recursive: true }) }));
  return async (size) => {
    const file = join(folder, `${size}.sqlite`);
    const filled = await open({ kind: 'sqlite', file }, size);
    const database = new DatabaseSync(file, { enableForeignKeyConstraints: false });
    try {
      database.exec('pragma synchronous = off; pragma cache_size = -500000');
      const count = `with recursive count (n) as (select 1 union all select n + 1 from count where n < ${size})`;
      for (const sql of fillSql(size, `${count} select n from count`)) database.exec(sql);
      database.exec('pragma wal_checkpoint(truncate)');
    } finally {
      database.close();
    }
    return filled;
  };
}
