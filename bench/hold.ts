// How long the SQLite ledger holds the event loop of the process that uses it, in a thread of its own beside the same
// adapter in the thread that asks; and what opening it takes.
//
//   npm run bench -- hold                  a million events, 10,000 sources
//   npm run bench -- hold 100000 2000      others
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';
import {
  holdOfLock,
  holdOfLooks,
  holdOfMails,
  longestHold,
  type Where,
} from '../test/support/slow-disk/ledger-holds';
import { noPreload } from '../test/support/preload';
import { slowDisk } from '../test/support/slow-disk/slow-disk';
import { ROOT } from '../tools/shell.mjs';

const SYNC_MS = 100;
const LOCK_MS = 10_000;
const MAILS = 10;
const MOST_MS = 20;
const MOST_OPENING = { ms: 100, megabytes: 25 };
/** What is ours shows in each of them, what else goes on in the machine does not: the least counts. */
const ROUNDS = 3;

type Row = readonly [what: string, own: number, here: number];

const [events = 1_000_000, sources = 10_000] = process.argv.slice(2).map(Number);

bench().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});

async function bench(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'durable-mail-hold-'));
  try {
    await report(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function report(folder: string): Promise<void> {
  let files = 0;
  const file = (): string => join(folder, `${++files}.sqlite`);
  console.log(`Longest hold of the event loop in ms, the least of ${ROUNDS} rounds`);
  console.log(line('', 'own thread', 'thread that asks'));
  const rows: Row[] = [];
  const add = (row: Row): void => {
    rows.push(row);
    console.log(line(row[0], row[1].toFixed(1), row[2].toFixed(1)));
  };
  const both = async (what: string, measure: (where: Where) => Promise<number>): Promise<void> => {
    const [own, here]: [number[], number[]] = [[], []];
    for (let round = 0; round < ROUNDS; round++) {
      own.push(await measure('own'));
      here.push(await measure('here'));
    }
    add([what, Math.min(...own), Math.min(...here)]);
  };
  // What this machine does to anybody.
  await both('nothing at all, for 2 s', () => longestHold(() => setTimeout(2_000)));
  await both(`${MAILS} mails, a fast disk`, (where) => holdOfMails(where, file(), MAILS));
  if (noPreload) console.log(`No slow disk: ${noPreload}`);
  else {
    const disk = await slowDisk(SYNC_MS);
    const script = join(ROOT, 'test', 'support', 'slow-disk', 'hold-of-mails.ts');
    await both(`${MAILS} mails, ${SYNC_MS} ms a sync`, (where) =>
      disk.run<number>(script, where, file(), String(MAILS)),
    );
    await disk.dispose();
  }
  await both(`a foreign lock of ${LOCK_MS / 1_000} s`, (where) => holdOfLock(where, file(), LOCK_MS));
  const own = await holdOfLooks('own', file(), events, sources, ROUNDS);
  const here = await holdOfLooks('here', file(), events, sources, ROUNDS);
  for (const look of ['statistics', 'list', 'sources'] as const) {
    const size = look === 'sources' ? sources : events;
    add([`${look}, ${size.toLocaleString('en')}`, own[look], here[look]]);
  }
  for (const [what, ms] of rows)
    console.log(`${ms <= MOST_MS ? 'ok    ' : 'MISSED'} ${what}: ${ms.toFixed(1)} ms (goal: ${MOST_MS})`);
  await reportOpening(file);
}

/** In a process of its own, of what is shipped: another one has loaded and compiled things by now. */
async function reportOpening(file: () => string): Promise<void> {
  const built = (name: string): string =>
    JSON.stringify(join(ROOT, 'dist', 'engine', 'ledger', 'sqlite', `${name}.js`));
  const script = `
    const { openSqliteLedger } = require(${built('sqlite-ledger')});
    const { openHere } = require(${built('here')});
    const open = process.argv[1] === 'own' ? openSqliteLedger : openHere;
    setTimeout(async () => {
      const before = process.memoryUsage.rss();
      const began = performance.now();
      const ledger = await open(process.argv[2]);
      const ms = performance.now() - began;
      setTimeout(() => {
        console.log(JSON.stringify({ ms, megabytes: (process.memoryUsage.rss() - before) / 2 ** 20 }));
        process.exit();
      }, 500);
    }, 500);`;
  const least = async (where: Where): Promise<{ ms: number; megabytes: number }> => {
    const opened: { ms: number; megabytes: number }[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      // The file is there: what making it takes on this disk is no matter of the thread.
      const path = file();
      for (let time = 0; time < 2; time++) {
        // With no option that V8 heeds: it would compile anew what a thread begins with.
        const { stdout } = await promisify(execFile)(process.execPath, ['-e', script, where, path]);
        if (time === 1) opened.push(JSON.parse(stdout) as { ms: number; megabytes: number });
      }
    }
    return {
      ms: Math.min(...opened.map(({ ms }) => ms)),
      megabytes: Math.min(...opened.map(({ megabytes }) => megabytes)),
    };
  };
  for (const where of ['own', 'here'] as const) {
    const { ms, megabytes } = await least(where);
    const met = ms <= MOST_OPENING.ms && megabytes <= MOST_OPENING.megabytes;
    console.log(
      `${met ? 'ok    ' : 'MISSED'} opening, ${where === 'own' ? 'a thread of its own' : 'the thread that asks'}: ` +
        `${ms.toFixed(0)} ms, ${megabytes.toFixed(1)} MB (goal: ${MOST_OPENING.ms} ms, ${MOST_OPENING.megabytes} MB)`,
    );
  }
}

const line = (what: string, own: string, here: string): string =>
  what.padEnd(32) + own.padStart(14) + here.padStart(18);
