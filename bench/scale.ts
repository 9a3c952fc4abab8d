// Whether what is asked of a ledger in Postgres costs more the more it holds: 10,000 sources and 100,000 subscriptions, with ten
// thousand events and with ten million, by turns, so that noise hits both alike.
//
//   npm run bench -- scale                        10^4 against 10^7 events; some 12 GB below TMPDIR, and half an hour
//   npm run bench -- scale 10000,1000000 1000     other numbers of events; of sources, each with ten subscriptions
import { Client } from 'pg';
import type { Ledger } from '../engine/ledger/ledger';
import { openPostgresChannel } from '../engine/ledger/postgres/channel';
import { openPostgresLedger } from '../engine/ledger/postgres/postgres-ledger';
import { type PostgresSettings, settingsFromUrl } from '../engine/ledger/postgres/settings';
import type { Candidate } from '../engine/ledger/recording';
import type { SourceHold } from '../engine/ledger/source-holds';
import type { Subscription } from '../engine/ledger/subscriptions';
import { SharedWake } from '../engine/signal/shared-wake';
import { held } from '../test/ledger/held';
import { silentLog } from '../test/support/log';
import { PostgresServer } from '../test/support/postgres';
import { newMail, subscribe } from './filled-ledger';
import { fillMany, SUBSCRIPTIONS_A_SOURCE } from './many-sources';
import { median, timed } from './timed';
import { measured } from './measured';

const MAILS = 50;
const ROUNDS = 15;
const WARM_ROUNDS = 3;
const LEASE_MS = 600_000;
const MOST_RATIO = 1.5;
/** A call that takes less than that is not said to have grown: it is the way to the database and back. */
const LEAST_MS = 0.5;

interface Filled {
  readonly events: number;
  readonly settings: PostgresSettings;
  readonly ledger: Ledger;
  readonly to: Subscription;
  readonly hold: SourceHold;
  readonly holds: readonly SourceHold[];
  readonly known: readonly Pick<Candidate, 'identity' | 'softIdentity'>[];
  readonly wakes: readonly [SharedWake, SharedWake];
  /** Lets the connection go that hears of wake-ups. */
  readonly deafen: () => void;
  readonly times: Map<string, number[]>;
}

const [sizesText = '10000,10000000', sourcesText = '10000'] = process.argv.slice(2);
const sizes = sizesText.split(',').map(Number);
const sources = Number(sourcesText);
const cleanup = measured(bench);

async function bench(): Promise<void> {
  if ([...sizes, sources].some((size) => !(size >= 1))) throw new Error(`Not a list of sizes: ${sizesText}`);
  const server = await cleanup.of(PostgresServer.start());
  const filled: Filled[] = [];
  for (const events of sizes) {
    const { ms, result } = await timed(() => fill(server, events));
    filled.push(result);
    console.log(`${events.toLocaleString('en')} events: filled in ${(ms / 1000).toFixed(0)} s`);
  }
  for (let round = -WARM_ROUNDS; round < ROUNDS; round++)
    for (const one of round % 2 === 0 ? filled : [...filled].reverse()) await measure(one, round);
  report(filled);
  for (const { ledger, deafen } of filled) {
    deafen();
    await ledger.close();
  }
}

async function fill(server: PostgresServer, events: number): Promise<Filled> {
  const settings = settingsFromUrl(await server.createDatabase());
  const ledger = await openPostgresLedger(settings);
  const to = await subscribe(ledger);
  const client = new Client({
    ...{ host: settings.host, port: settings.port, database: settings.database, user: settings.user },
    ...{ password: settings.password, options: '-c search_path=durable_mail' },
  });
  await client.connect();
  try {
    await fillMany(client, { sources, events, like: to });
    const step = Math.max(1, Math.floor(events / 2_000));
    const { rows: known } = await client.query<{ identity: string; softIdentity: string }>(
      `select identity, soft_identity as "softIdentity" from message where id % ${step} = 0`,
    );
    const { rows: ids } = await client.query<{ id: string }>('select id from source where id <> $1', [
      to.sourceId,
    ]);
    const holds: SourceHold[] = [];
    for (const { id } of ids) holds.push(await held(ledger, Number(id)));
    const [one, other] = [await wakeOf(settings), await wakeOf(settings)];
    const deafen = other.listen(to.sourceId + 1_000_000, () => undefined);
    return {
      ...{ events, settings, ledger, to, hold: await held(ledger, to.sourceId), holds, known },
      ...{ wakes: [one, other], deafen, times: new Map() },
    };
  } finally {
    await client.end();
  }
}

async function wakeOf(settings: PostgresSettings): Promise<SharedWake> {
  const channel = await openPostgresChannel(settings);
  await cleanup.of(Promise.resolve({ dispose: () => channel.close() }));
  return new SharedWake(channel, silentLog);
}

async function measure(filled: Filled, round: number): Promise<void> {
  const { ledger, to, hold, holds, known } = filled;
  const take = async <T>(what: string, work: () => Promise<T>): Promise<T> => {
    const { ms, result } = await timed(work);
    if (round >= 0) filled.times.set(what, [...(filled.times.get(what) ?? []), ms]);
    return result;
  };
  await take('a wake-up in another process', () => wokenElsewhere(filled));
  const messages = Array.from({ length: MAILS }, (_, i) => newMail(`${round}:${i}`, to));
  const cursors = [{ subscriptionId: to.id, cursor: { uidValidity: '1', uid: round + 10 } }];
  await take(`record ${MAILS} mails`, () => ledger.record({ hold, messages, cursors }));
  const asked = Array.from({ length: MAILS }, () => ({
    ...known[Math.floor(Math.random() * known.length)]!,
    ...{ accountWide: false, due: [to.id] },
  }));
  await take(`look ${MAILS} mails up (unrecorded)`, () => ledger.unrecorded(asked));
  const request = { subscriptionIds: to.nodeIds, mostRuns: MAILS, mailsPerRun: 1, leaseMs: LEASE_MS };
  const { runs } = await take(`offer ${MAILS}`, () => ledger.offer(request));
  if (runs.length !== MAILS) throw new Error(`${runs.length} of ${MAILS} mails were offered`);
  await take(`claim ${MAILS}, one by one`, async () => {
    for (const { pointers } of runs) await ledger.claim(pointers, '1', LEASE_MS);
  });
  await take(`settle ${MAILS}, one by one`, async () => {
    for (const { pointers } of runs) await ledger.settle(pointers, { kind: 'success' });
  });
  await take('sweep, a batch of 200', () => ledger.sweep(200));
  await take(`renew ${sources.toLocaleString('en')} leases of sources`, () =>
    ledger.renewHolds(holds, LEASE_MS),
  );
  await take('readings of an account', () =>
    ledger.readings({ kind: 'imap', account: 'account7@mail.example' }),
  );
  await take("the outbox's next lanes", () => ledger.dueLanes(50));
  for (const [page, ask] of pages(ledger)) await take(`console: ${page}`, ask);
}

/** What the console's pages ask for. */
function pages(ledger: Ledger): readonly (readonly [what: string, ask: () => Promise<unknown>])[] {
  const until = Date.now();
  return [
    ['mails', () => ledger.events({}, { limit: 50 })],
    ['mails, DEAD', () => ledger.events({ states: ['DEAD'] }, { limit: 50 })],
    ['mails of a workflow', () => ledger.events({ workflowId: 'workflow' }, { limit: 50 })],
    ['mails of a sender, one of 5,000', () => ledger.events({ sender: 'customer.77@' }, { limit: 50 })],
    ['statistics', () => ledger.statistics({})],
    ['triggers', () => ledger.triggers()],
    ['sources', () => ledger.sources()],
    ['a day by the minute', () => ledger.series({ from: until - 86_400_000, until, step: 'minute' })],
    ['outbox', () => ledger.entries({}, { limit: 50 })],
  ];
}

/** From the process that records to one that hands out. */
async function wokenElsewhere({ to, wakes: [here, there] }: Filled): Promise<void> {
  let silence: (() => void) | undefined;
  const woken = new Promise<void>((resolve) => (silence = there.listen(to.id, resolve)));
  // The first time it has to connect before it hears.
  const again = setInterval(() => here.notify([to.id]), 500);
  here.notify([to.id]);
  await woken;
  clearInterval(again);
  silence?.();
}

function report(filled: readonly Filled[]): void {
  const [first, last] = [filled[0]!, filled.at(-1)!];
  const counts = filled.map(({ events }) => events.toLocaleString('en').padStart(12)).join('');
  console.log(
    `\nPostgres, ${sources.toLocaleString('en')} sources, ${(sources * SUBSCRIPTIONS_A_SOURCE).toLocaleString('en')} ` +
      `subscriptions: ms, median of ${ROUNDS}, by the number of events`,
  );
  console.log(`${' '.repeat(46)}${counts}    last / first`);
  for (const what of first.times.keys()) {
    const medians = filled.map(({ times }) => median(times.get(what)!));
    const ratio = median(last.times.get(what)!) / median(first.times.get(what)!);
    const isMet = ratio <= MOST_RATIO || Math.max(...medians) < LEAST_MS;
    const cells = medians.map((ms) => ms.toFixed(ms < 10 ? 2 : 1).padStart(12)).join('');
    console.log(`${isMet ? 'ok    ' : 'MISSED'} ${what.padEnd(39)}${cells} ${ratio.toFixed(2).padStart(12)}`);
  }
  console.log(`Goal: at most ${MOST_RATIO}`);
}
