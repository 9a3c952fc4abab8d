// How fast what came while nobody read is collected into a ledger, beside a client that fetches the same and keeps
// nothing; and whether the memory it takes grows with the number of mails.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Dovecot } from '../../test/support/dovecot';
import { Watching } from '../../test/support/watching';
import { apart, type Measured } from './apart';
import { count, median, megabytes } from './figures';
import { fillMailbox } from './mailboxes';
import type { Section } from './report';

const FEW = 2_000;
const MANY = 20_000;
const ROUNDS = 3;
const LEAST_SHARE = 0.8;
const MOST_GROWTH = 1.2;

/** The same number of mails, read by each, as often. */
interface Series {
  readonly mails: number;
  readonly bare: Measured[];
  readonly engine: Measured[];
}

export async function collect({ dovecot }: { readonly dovecot: Dovecot }): Promise<Section[]> {
  const few = await measure(dovecot, FEW, ROUNDS);
  const many = await measure(dovecot, MANY, 1);
  const rows = [few, many].flatMap((series) => [
    row('bare client', series, 'bare'),
    row('durable', series, 'engine'),
  ]);
  const [least, most] = [peakOf(few, 'engine'), peakOf(many, 'engine')];
  return [
    {
      title: 'Collecting',
      text: `Mails of 6 KB on average came while nobody read; the time from connecting until all are in the ledger (SQLite, synced to
the disk), beside a client that fetches the same with one command and throws it away. Each time it is a mailbox that nobody
has read before, and a process of its own. ${ROUNDS} rounds with ${count(FEW)} mails, of which the median is told, and one with ${count(MANY)}.`,
      head: ['Reader', 'Mails', 'Mails/s', 'Memory before', 'Peak'],
      rows,
      verdicts: [
        ...[few, many].map((series) => {
          const share = rate(series, 'engine') / rate(series, 'bare');
          return {
            aim: `${count(series.mails)} mails: at least ${LEAST_SHARE} of the bare client's rate`,
            is: share.toFixed(2),
            met: share >= LEAST_SHARE,
          };
        }),
        {
          aim: `the peak does not depend on the number of mails (at most ${MOST_GROWTH} times as much)`,
          is: `${megabytes(least)} and ${megabytes(most)}`,
          met: most <= least * MOST_GROWTH,
        },
      ],
    },
  ];
}

async function measure(dovecot: Dovecot, mails: number, rounds: number): Promise<Series> {
  const series: Series = { mails, bare: [], engine: [] };
  for (let round = 0; round < rounds; round++) {
    const user = `collect-${mails}-${round}`;
    await fillMailbox(dovecot, `${user}-bare`, user, mails);
    series.bare.push(await apart({ kind: 'fetch', login: dovecot.login(`${user}-bare`) }));
    series.engine.push(await collectOnce(dovecot, `${user}-engine`, mails));
  }
  return series;
}

async function collectOnce(dovecot: Dovecot, user: string, mails: number): Promise<Measured> {
  const folder = await mkdtemp(join(tmpdir(), 'durable-mail-bench-'));
  const ledger = join(folder, 'ledger.sqlite');
  const login = dovecot.login(user);
  const watching = await Watching.start({}, { file: ledger });
  try {
    const { subscription, leave } = await watching.join(login);
    await watching.read(subscription, 0);
    await leave();
    await watching.dispose();
    await fillMailbox(dovecot, user, user, mails);
    return await apart({ kind: 'collect', login, ledger, mails });
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
  count(series.mails),
  count(rate(series, reader)),
  megabytes(median(series[reader].map(({ before }) => before))),
  megabytes(peakOf(series, reader)),
];
