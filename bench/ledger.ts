// What a mail costs in the ledger, and whether that grows with what is stored: the same rounds on ledgers with a
// thousand, a hundred thousand and a million events, side by side, so that noise hits all alike.
//
// SQLite runs in a thread of its own: beside it stands the same adapter in the thread that asks, on a file of the same rows.
//
//   npm run bench -- ledger                       SQLite and Postgres
//   npm run bench -- ledger 1000,20000 postgres   other sizes, one adapter; TMPDIR says on which disk SQLite's files are
//   BEFORE=../before npm run bench -- ledger      beside them the adapters of another checkout, SQLite's in the thread that asks
import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Client } from 'pg';
import type { Ledger } from '../engine/ledger/ledger';
import type { Claim, Pointer } from '../engine/ledger/pointer';
import type { Candidate } from '../engine/ledger/recording';
import type { Subscription } from '../engine/ledger/subscriptions';
import { openPostgresLedger } from '../engine/ledger/postgres/postgres-ledger';
import { settingsFromUrl } from '../engine/ledger/postgres/settings';
import type { SourceHold } from '../engine/ledger/source-holds';
import { openHere } from '../engine/ledger/sqlite/here';
import { openSqliteLedger } from '../engine/ledger/sqlite/sqlite-ledger';
import { held } from '../test/ledger/held';
import { PostgresServer } from '../test/support/postgres';
import { fillSql, newMail, onPostgres, onSqlite, subscribe } from './filled-ledger';
import { median, timed } from './timed';
import { measured } from './measured';

const MAILS = 50;
/** In every round, every mail is claimed and settled on its own, as one run of one mail does. */
const ROUNDS_AT_LEAST = 10;
const ROUNDS_AT_MOST = 60;
const MEASURE_MS = 35_000;
const LEASE_MS = 600_000;
const MOST_RATIO = 1.3;
const MOST_DEDUP_MS = 2;
/** How much more a mail may cost than beside it. */
const MOST_BESIDE = 1.1;

const OPERATIONS = ['record', 'dedup', 'offer', 'claim', 'settle'] as const;
/** So many runs begin and end side by side, as n8n lets them by default. */
const SIDE_BY_SIDE = 5;
type Operation = (typeof OPERATIONS)[number];
type Times = Record<Operation | 'sideBySide', number[]>;

type Known = Pick<Candidate, 'identity' | 'softIdentity'>;

/** One filled ledger. */
interface Filled {
  readonly size: number;
  readonly ledger: Ledger;
  readonly to: Subscription;
  readonly hold: SourceHold;
  /** Mails that it knows, from all over it. */
  readonly known: readonly Known[];
  /** The same by another adapter, by its name. */
  readonly beside: ReadonlyMap<string, Filled>;
}

const HERE = 'the thread that asks';
const BEFORE = 'the version before';
const before = process.env.BEFORE ? resolve(process.env.BEFORE) : null;

const [sizesText = '1000,100000,1000000', only] = process.argv.slice(2);
const sizes = sizesText.split(',').map(Number);
const cleanup = measured(bench);

async function bench(): Promise<void> {
  if (sizes.some((size) => !(size >= 1))) throw new Error(`Not a list of sizes: ${sizesText}`);
  for (const [name, fill] of [
    ['Postgres', await postgres()],
    ['SQLite', await sqlite()],
  ] as const) {
    if (only && only !== name.toLowerCase()) continue;
    const started = performance.now();
    const filled: Filled[] = [];
    for (const size of sizes) filled.push(await fill(size));
    console.log(`\n${name}, filled in ${seconds(performance.now() - started)}`);
    const others = filled.flatMap(({ beside }) => [...beside.values()]);
    const times = await measure([...filled, ...others]);
    report(name, filled, times);
    for (const other of filled[0]!.beside.keys()) {
      console.log(`\n${name}: ${other}`);
      report(
        `${name}, ${other}`,
        filled.map(({ beside }) => beside.get(other)!),
        times,
      );
    }
    for (const one of filled) reportBeside(one, times);
    await reportBacklog(filled.at(-1)!);
    for (const { ledger } of [...filled, ...others]) await ledger.close();
  }
}

async function measure(filled: readonly Filled[]): Promise<ReadonlyMap<Filled, Times>> {
  const times = new Map<Filled, Times>(
    filled.map((one) => [one, { record: [], dedup: [], offer: [], claim: [], settle: [], sideBySide: [] }]),
  );
  // The first rounds warm the caches and are not counted.
  for (const one of filled) for (let warm = 0; warm < 3; warm++) await round(one, -1 - warm);
  const end = performance.now() + MEASURE_MS;
  for (let n = 0; n < ROUNDS_AT_MOST && (n < ROUNDS_AT_LEAST || performance.now() < end); n++) {
    for (const one of n % 2 === 0 ? filled : [...filled].reverse()) {
      const took = await round(one, n);
      for (const operation of OPERATIONS) times.get(one)![operation].push(took[operation]);
      times.get(one)!.sideBySide.push(await roundSideBySide(one, n));
    }
  }
  return times;
}

/** @returns milliseconds a mail; for `dedup`, of all the mails together */
async function round({ ledger, to, hold, known }: Filled, n: number): Promise<Record<Operation, number>> {
  const messages = Array.from({ length: MAILS }, (_, i) => newMail(`${n}:${i}`, to));
  const asked = Array.from({ length: MAILS }, () => ({
    ...known[Math.floor(Math.random() * known.length)]!,
    accountWide: false,
    due: [to.id],
  }));
  const cursors = [{ subscriptionId: to.id, cursor: { uidValidity: '1', uid: n + 10 } }];
  const record = await timed(() => ledger.record({ hold, messages, cursors }));
  const dedup = await timed(() => ledger.unrecorded(asked));
  if (dedup.result.some(({ due }) => due.length > 0)) throw new Error('A mail that is known was not found');
  const request = { subscriptionIds: to.nodeIds, mostRuns: MAILS, mailsPerRun: 1, leaseMs: LEASE_MS };
  const offer = await timed(() => ledger.offer(request));
  const pointers = offer.result.runs.map((run) => run.pointers);
  if (pointers.length !== MAILS) throw new Error(`${pointers.length} of ${MAILS} mails were offered`);
  const claim = await timed(async () => {
    for (const one of pointers) await claimWithContents(ledger, one);
  });
  const settle = await timed(async () => {
    for (const one of pointers) await ledger.settle(one, { kind: 'success' });
  });
  return {
    record: record.ms / MAILS,
    dedup: dedup.ms,
    offer: offer.ms / MAILS,
    claim: claim.ms / MAILS,
    settle: settle.ms / MAILS,
  };
}

/** As a run does: what does not come with a claim is asked for. */
async function claimWithContents(ledger: Ledger, pointers: readonly Pointer[]): Promise<void> {
  const claims = await ledger.claim(pointers, '1', LEASE_MS);
  // A version before has no contents in claims.
  const asked = claims.filter(({ content }: Partial<Claim>) => !content).map(({ event }) => event);
  const contents = asked.length > 0 ? await ledger.contents(asked) : new Map<string, unknown>();
  if (claims.length !== pointers.length || contents.size !== asked.length)
    throw new Error('A mail was not claimed, or has no content');
}

/** @returns milliseconds a mail, from its claim to its end */
async function roundSideBySide({ ledger, to, hold }: Filled, n: number): Promise<number> {
  const messages = Array.from({ length: MAILS }, (_, i) => newMail(`${n}:${i}:side`, to));
  await ledger.record({ hold, messages, cursors: [] });
  const request = { subscriptionIds: to.nodeIds, mostRuns: MAILS, mailsPerRun: 1, leaseMs: LEASE_MS };
  const { runs } = await ledger.offer(request);
  const waiting = [...runs];
  const run = async (): Promise<void> => {
    for (let next = waiting.pop(); next; next = waiting.pop()) {
      await claimWithContents(ledger, next.pointers);
      await ledger.settle(next.pointers, { kind: 'success' });
    }
  };
  const { ms } = await timed(() => Promise.all(Array.from({ length: SIDE_BY_SIDE }, run)));
  return ms / MAILS;
}

function report(name: string, filled: readonly Filled[], times: ReadonlyMap<Filled, Times>): void {
  const rounds = times.get(filled[0]!)!.record.length;
  const [first, last] = [filled[0]!, filled.at(-1)!];
  console.log(
    `ms for each mail (dedup: for ${MAILS} known ones), median of ${rounds} rounds of ${MAILS} mails`,
  );
  console.log(row(['', ...filled.map(({ size }) => size.toLocaleString('en')), 'last / first']));
  for (const operation of OPERATIONS) {
    const medians = filled.map((one) => median(times.get(one)![operation]));
    const ratio = median(times.get(last)![operation]) / median(times.get(first)![operation]);
    const goal = ratio <= MOST_RATIO || operation === 'dedup' ? '' : `  (goal: ${MOST_RATIO})`;
    console.log(row([operation, ...medians.map((ms) => ms.toFixed(3)), ratio.toFixed(2)]) + goal);
  }
  const beside = filled.map((one) => median(times.get(one)!.sideBySide).toFixed(3));
  console.log(
    row([`${SIDE_BY_SIDE} at once`, ...beside]) + '  (claim and settle of one, so many runs side by side)',
  );
  const perMail = filled.map((one) => ofMail(times.get(one)!));
  const ratio = perMail.at(-1)! / perMail[0]!;
  console.log(row(['a mail in all', ...perMail.map((ms) => ms.toFixed(3)), ratio.toFixed(2)]));
  const dedup = median(times.get(last)!.dedup);
  verdict(`${name}: cost of a mail, largest to smallest`, ratio.toFixed(2), ratio <= MOST_RATIO, MOST_RATIO);
  verdict(`${name}: dedup of ${MAILS} in ms`, dedup.toFixed(2), dedup <= MOST_DEDUP_MS, MOST_DEDUP_MS);
}

/** ms of one mail in all. */
const ofMail = (times: Times): number =>
  OPERATIONS.reduce((sum, operation) => {
    const ms = median(times[operation]);
    return sum + (operation === 'dedup' ? ms / MAILS : ms);
  }, 0);

function reportBeside(filled: Filled, times: ReadonlyMap<Filled, Times>): void {
  const mine = times.get(filled)!;
  for (const [name, other] of filled.beside) {
    const others = times.get(other)!;
    const of = `with ${filled.size.toLocaleString('en')}, against ${name}`;
    const ratios = [
      [`a mail in all ${of}`, ofMail(mine) / ofMail(others)],
      [`${SIDE_BY_SIDE} runs at once ${of}`, median(mine.sideBySide) / median(others.sideBySide)],
      [`dedup of ${MAILS} ${of}`, median(mine.dedup) / median(others.dedup)],
    ] as const;
    for (const [what, ratio] of ratios) verdict(what, ratio.toFixed(2), ratio <= MOST_BESIDE, MOST_BESIDE);
  }
}

/** A tenth of all mails is to be run again, at once: more than any statistics of the database know of. */
async function reportBacklog({ ledger, to, size }: Filled): Promise<void> {
  const { count } = await ledger.replay({ filter: { until: Date.now() - size * 9_000 } });
  const times: number[] = [];
  for (let offers = 1; offers <= 11; offers++) {
    const request = {
      subscriptionIds: to.nodeIds,
      mostRuns: offers * MAILS,
      mailsPerRun: 1,
      leaseMs: LEASE_MS,
    };
    const { ms, result } = await timed(() => ledger.offer(request));
    if (result.runs.length < MAILS) break;
    times.push(ms / MAILS);
  }
  console.log(
    `offer with ${count.toLocaleString('en')} mails waiting: ${median(times).toFixed(3)} ms for each mail`,
  );
}

const verdict = (what: string, is: string, met: boolean, goal: number): void =>
  console.log(`${met ? 'ok    ' : 'MISSED'} ${what}: ${is} (goal: at most ${goal})`);

/** @returns fills a database of one server */
async function postgres(): Promise<(size: number) => Promise<Filled>> {
  if (only === 'sqlite') return () => Promise.reject(new Error('left out'));
  const server = await cleanup.of(PostgresServer.start());
  const fill = async (size: number, open: typeof openPostgresLedger): Promise<Filled> => {
    const url = await server.createDatabase();
    const ledger = await open(settingsFromUrl(url));
    const to = await subscribe(ledger);
    const client = new Client({ connectionString: url, options: '-c search_path=durable_mail' });
    await client.connect();
    try {
      await client.query('set synchronous_commit = off; set maintenance_work_mem = 262144; set jit = off');
      for (const sql of fillSql(size, to, onPostgres(size), keepsChanges(ledger))) await client.query(sql);
      // As the server does by itself, some time after so many rows came.
      await client.query('vacuum (analyze)');
      await client.query('checkpoint');
      const { rows } = await client.query<Known>(selectKnown(size));
      return { size, ledger, to, hold: await held(ledger, to.sourceId), known: rows, beside: new Map() };
    } finally {
      await client.end();
    }
  };
  return async (size) => {
    const filled = await fill(size, openPostgresLedger);
    if (!before) return filled;
    const adapter = (await import(join(before, 'engine/ledger/postgres/postgres-ledger.ts'))) as {
      readonly openPostgresLedger: typeof openPostgresLedger;
    };
    return { ...filled, beside: new Map([[BEFORE, await fill(size, adapter.openPostgresLedger)]]) };
  };
}

/** @returns fills a file of its own */
async function sqlite(): Promise<(size: number) => Promise<Filled>> {
  const folder = await mkdtemp(join(tmpdir(), 'durable-mail-bench-'));
  await cleanup.of(Promise.resolve({ dispose: () => rm(folder, { recursive: true }) }));
  const fill = async (
    size: number,
    file: string,
    open: (file: string) => Promise<Ledger>,
  ): Promise<Filled> => {
    const ledger = await open(file);
    const to = await subscribe(ledger);
    const database = new DatabaseSync(file, { enableForeignKeyConstraints: false });
    try {
      database.exec('pragma synchronous = off; pragma cache_size = -500000');
      for (const sql of fillSql(size, to, onSqlite(size), keepsChanges(ledger))) database.exec(sql);
      const known = database.prepare(selectKnown(size)).all() as unknown as Known[];
      const hold = await held(ledger, to.sourceId);
      database.exec('pragma wal_checkpoint(truncate)');
      return { size, ledger, to, hold, known, beside: new Map() };
    } finally {
      database.close();
    }
  };
  return async (size) => {
    const file = join(folder, `${size}.sqlite`);
    const filled = await fill(size, file, openSqliteLedger);
    await copyFile(file, `${file}-here`);
    const here = { ...filled, ledger: (await openHere(`${file}-here`)).ledger };
    const beside = new Map<string, Filled>([[HERE, here]]);
    if (before) {
      const adapter = (await import(join(before, 'engine/ledger/sqlite/here.ts'))) as {
        readonly openHere: typeof openHere;
      };
      const open = async (path: string): Promise<Ledger> => (await adapter.openHere(path)).ledger;
      beside.set(BEFORE, await fill(size, `${file}-before`, open));
    }
    return { ...filled, beside };
  };
}

/** That of another checkout may be from before there were any. */
const keepsChanges = (ledger: Ledger): boolean => 'changes' in ledger;

const selectKnown = (size: number): string =>
  `select identity, soft_identity as "softIdentity" from message where id % ${Math.max(1, Math.floor(size / 2000))} = 0`;

const row = (cells: readonly string[]): string =>
  cells.map((cell, i) => (i === 0 ? cell.padEnd(14) : cell.padStart(13))).join('');

const seconds = (ms: number): string => `${(ms / 1000).toFixed(0)} s`;
