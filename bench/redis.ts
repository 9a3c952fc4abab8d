// From where on the cache in front of `unrecorded` pays, and how many events a second go out to a stream.
//
//   npm run bench -- redis            a ledger of a million mails
//   npm run bench -- redis 20000      another size
import { Client } from 'pg';
import type { Ledger } from '../engine/ledger/ledger';
import { openPostgresLedger } from '../engine/ledger/postgres/postgres-ledger';
import { settingsFromUrl } from '../engine/ledger/postgres/settings';
import type { Candidate } from '../engine/ledger/recording';
import { connectRedis } from '../engine/redis/connection';
import { EVENT_STREAM } from '../engine/redis/event-entry';
import { EventStream } from '../engine/redis/event-stream';
import { keysOf } from '../engine/redis/keys';
import { redisMarks, withSeenCache } from '../engine/redis/seen-cache';
import { redisFromUrl } from '../engine/redis/settings';
import { StreamWriting } from '../engine/redis/stream-writing';
import { ProcessWake } from '../engine/signal/wake';
import { silentLog } from '../test/support/log';
import { PostgresServer } from '../test/support/postgres';
import { RedisServer } from '../test/support/redis';
import { until } from '../test/support/until';
import { fillSql, onPostgres, subscribe } from './filled-ledger';
import { measured } from './measured';

const BATCHES = [1, 50, 500];
const ROUNDS = 200;
const EVENTS = 20_000;

const size = Number(process.argv[2] ?? 1_000_000);
const cleanup = measured(bench);

async function bench(): Promise<void> {
  const postgres = await cleanup.of(PostgresServer.start());
  const redis = await cleanup.of(RedisServer.start());
  const url = await postgres.createDatabase();
  const ledger = await cleanup.of(openPostgresLedger(settingsFromUrl(url)));
  const connection = await connectRedis(redisFromUrl(redis.url), silentLog);
  await connection.ready(AbortSignal.timeout(10_000));
  const known = await fill(ledger, url);
  await cache(ledger, known, connection);
  await stream(ledger, url, connection);
  connection.close();
}

async function fill(ledger: Ledger, url: string): Promise<Candidate[]> {
  const to = await subscribe(ledger);
  const client = new Client({ connectionString: url, options: '-c search_path=durable_mail' });
  await client.connect();
  try {
    await client.query('set synchronous_commit = off; set maintenance_work_mem = 262144; set jit = off');
    for (const sql of fillSql(size, to, onPostgres(size), true)) await client.query(sql);
    await client.query('vacuum (analyze)');
    await client.query('checkpoint');
    const select = `select identity, soft_identity as "softIdentity" from message where id % ${Math.max(1, Math.floor(size / 20_000))} = 0`;
    const { rows } = await client.query<Pick<Candidate, 'identity' | 'softIdentity'>>(select);
    return rows.map((row) => ({ ...row, accountWide: false, due: [to.id] }));
  } finally {
    await client.end();
  }
}

type Connection = Awaited<ReturnType<typeof connectRedis>>;

async function cache(ledger: Ledger, known: readonly Candidate[], connection: Connection): Promise<void> {
  console.log(`Known mails asked of a Postgres of ${size.toLocaleString('en')}, ms, median of ${ROUNDS}`);
  console.log(row(['mails', 'Postgres', 'first time', 'again', 'pays from']));
  for (const batch of BATCHES) {
    const times = { direct: [] as number[], first: [] as number[], again: [] as number[] };
    const keys = keysOf(`bench-${batch}`);
    let marked: Promise<unknown> = Promise.resolve();
    const marks = redisMarks(connection, keys, 300_000);
    const cached = withSeenCache(ledger, {
      marked: (names) => marks.marked(names),
      mark: (names) => {
        marks.mark(names);
        // Answered in order: when this is, all before it is done.
        marked = connection.client.ping();
      },
    });
    for (let n = 0; n < ROUNDS; n++) {
      await connection.client.flushall();
      const from = Math.floor(Math.random() * (known.length - batch));
      const asked = known.slice(from, from + batch);
      const ask = (of: Pick<Ledger, 'unrecorded'>) => timed(() => of.unrecorded(asked));
      times.direct.push(await ask(ledger));
      times.first.push(
        await timed(async () => {
          await cached.unrecorded(asked);
          await marked;
        }),
      );
      times.again.push(await ask(cached));
    }
    const [direct, first, again] = [median(times.direct), median(times.first), median(times.again)];
    // first + (n - 1) * again < n * direct
    const asks = direct > again ? Math.floor((first - again) / (direct - again)) + 1 : Infinity;
    const told = Number.isFinite(asks) ? `${asks} asks` : 'never';
    console.log(row([String(batch), ...[direct, first, again].map((ms) => ms.toFixed(2)), told]));
  }
}

async function stream(ledger: Ledger, url: string, connection: Connection): Promise<void> {
  const client = new Client({ connectionString: url, options: '-c search_path=durable_mail' });
  await client.connect();
  await client.query(
    `insert into change (type, source_id, details) select 'source.state', 1, '{"state":"watching"}' from generate_series(1, ${EVENTS})`,
  );
  await client.end();
  const keys = keysOf('bench-stream');
  const writing = new StreamWriting(connection, keys, 'events', 'bench');
  const over = new AbortController();
  const ports = { ledger, wake: new ProcessWake(), connection, writing, log: silentLog };
  const began = performance.now();
  const running = new EventStream(ports, { ...EVENT_STREAM, most: 10_000_000 }).run(over.signal);
  const { newest } = await ledger.changePositions();
  await until(
    'all are written',
    async () => (await connection.client.hget(keys('events:place'), 'position')) === newest,
    300_000,
    10,
  );
  const seconds = (performance.now() - began) / 1_000;
  const length = await connection.client.xlen(keys('events'));
  over.abort();
  await running;
  const bytes = (await connection.client.call('memory', 'usage', keys('events'), 'samples', '0')) as number;
  console.log(
    `${length.toLocaleString('en')} events to a stream in ${seconds.toFixed(1)} s: ${Math.round(length / seconds).toLocaleString('en')} a second, ` +
      `${Math.round(bytes / length)} bytes of Redis's memory each`,
  );
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;

const row = (cells: readonly string[]): string => cells.map((cell) => cell.padStart(14)).join('');
