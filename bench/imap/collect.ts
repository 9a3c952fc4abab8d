// How fast what came while nobody read is collected into a ledger, beside a client that fetches the same and keeps
// nothing; and whether the memory it takes grows with the number of mails.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Dovecot } from '../../test/support/dovecot';
import { Watching } from '../../test/support/watching';
import { apart, type Measured } from './apart';
import { count, median, megabytes, ms } from './figures';
import { fillMailbox } from './mailboxes';
import type { Section } from './report';
import { SlowLine } from './slow-line';

const FEW = 2_000;
const AFAR = 5_000;
const MANY = 20_000;
const ROUNDS = 3;
const LEAST_SHARE = 0.8;
const LEAST_SHARE_NEAR = 0.4;
const MOST_HOLD_MS = 20;
const MOST_GROWTH = 1.2;
const LOOKS = 10;
const LINE = { roundTripMs: 20, bytesPerSecond: 100e6 / 8 };
const LINE_NAME = 'a line of 100 Mbit/s, 20 ms there and back';

/** The same number of mails, read by each, as often. */
interface Series {
  readonly mails: number;
  readonly over: string;
  readonly bare: Measured[];
  readonly engine: Measured[];
}

export async function collect({ dovecot }: { readonly dovecot: Dovecot }): Promise<Section[]> {
  const line = await SlowLine.to(dovecot.port, LINE);
  const afar = await measure(dovecot, AFAR, ROUNDS, LINE_NAME, line.port);
  const manyAfar = await measure(dovecot, MANY, 1, LINE_NAME, line.port).finally(() => line.close());
  const few = await measure(dovecot, FEW, ROUNDS);
  const many = await measure(dovecot, MANY, 1);
  const live = { few: await liveBytes(dovecot, FEW), many: await liveBytes(dovecot, MANY) };
  const { longestHold } = await collectOnce(dovecot, 'held', MANY, { holds: true });
  const all = [afar, manyAfar, few, many];
  return [
    {
      title: 'Collecting',
      text: `Mails of 6 KB on average came while nobody read; the time from connecting until all are in the ledger (SQLite, synced to
the disk), beside a client that fetches the same with one command and throws it away. Each time it is a mailbox that nobody
has read before, and a process of its own. The median of ${ROUNDS} rounds; with ${count(MANY)} mails, one round.

With the mail server on the same machine the bare client has nothing to wait for and nothing to do. The engine identifies
each mail in n8n's one thread, a few at a time so that whatever else n8n does has its turn, and in the ledger's packs it, writes it to the
disk with its event and moves the cursor: there it cannot keep up. How long n8n's event loop is held is counted by that thread's own time: what the
machine gives to others meanwhile is not ours. Over a network both wait for the line, the longer the more: the engine's first seconds are its slowest.

The peak is what the operating system counts (RSS), with the garbage that Node.js has not collected yet: it lets more of it
lie the longer it runs, up to a limit that ${count(FEW)} mails do not reach. What is really held, and what the last aim
is about, is measured in another run, by a garbage collection in between, ${LOOKS} times.`,
      head: ['Reader', 'Over', 'Mails', 'Mails/s', 'Memory before', 'Peak'],
      rows: all.flatMap((series) => [row('bare client', series, 'bare'), row('durable', series, 'engine')]),
      verdicts: [
        ...all.map((series) => {
          const share = rate(series, 'engine') / rate(series, 'bare');
          const least = series.over === LINE_NAME ? LEAST_SHARE : LEAST_SHARE_NEAR;
          return {
            aim: `${count(series.mails)} mails over ${series.over}: at least ${least} of the bare client's rate`,
            is: share.toFixed(2),
            met: share >= least,
          };
        }),
        {
          aim: `while ${count(MANY)} mails are collected, n8n's event loop is held for ${MOST_HOLD_MS} ms at most`,
          is: ms(longestHold!),
          met: longestHold! <= MOST_HOLD_MS,
        },
        {
          aim: `what is held does not depend on the number of mails (at most ${MOST_GROWTH} times as much)`,
          is: `at the most ${megabytes(live.few)} with ${count(FEW)} mails, ${megabytes(live.many)} with ${count(MANY)}`,
          met: live.many <= live.few * MOST_GROWTH,
        },
      ],
    },
  ];
}

async function measure(
  dovecot: Dovecot,
  mails: number,
  rounds: number,
  over = 'the same machine',
  port = dovecot.port,
): Promise<Series> {
  const series: Series = { mails, over, bare: [], engine: [] };
  for (let round = 0; round < rounds; round++) {
    const user = `collect-${port}-${mails}-${round}`;
    await fillMailbox(dovecot, `${user}-bare`, user, mails);
    series.bare.push(await apart({ kind: 'fetch', login: { ...dovecot.login(`${user}-bare`), port } }));
    series.engine.push(await collectOnce(dovecot, `${user}-engine`, mails, { port }));
  }
  return series;
}

/** The most that was in use, garbage apart, of so many looks. */
async function liveBytes(dovecot: Dovecot, mails: number): Promise<number> {
  const { live } = await collectOnce(dovecot, `live-${mails}`, mails, { looks: LOOKS });
  return live!;
}

async function collectOnce(
  dovecot: Dovecot,
  user: string,
  mails: number,
  { port = dovecot.port, looks = 0, holds = false } = {},
): Promise<Measured> {
  const folder = await mkdtemp(join(tmpdir(), 'durable-mail-bench-'));
  const ledger = join(folder, 'ledger.sqlite');
  const login = { ...dovecot.login(user), port };
  const watching = await Watching.start({}, { file: ledger });
  try {
    const { subscription, leave } = await watching.join(login);
    await watching.read(subscription, 0);
    await leave();
    await watching.dispose();
    await fillMailbox(dovecot, user, user, mails);
    return await apart({ kind: 'collect', login, ledger, mails, looks, holds });
  } finally {
    await rm(folder, { recursive: true });
  }
}

type Reader = 'bare' | 'engine';

const rate = (series: Series, reader: Reader): number =>
  series.mails / (median(series[reader].map(({ ms }) => ms)) / 1_000);

const peakOf = (series: Series, reader: Reader): number => median(series[reader].map(({ peak }) => peak));

const row = (name: string, series: Series, reader: Reader): string[] => [
  name,
  series.over,
  count(series.mails),
  count(rate(series, reader)),
  megabytes(median(series[reader].map(({ before }) => before))),
  megabytes(peakOf(series, reader)),
];
