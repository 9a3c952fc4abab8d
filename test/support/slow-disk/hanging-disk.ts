// `hanging-disk <file> <hangs>`: what becomes of a ledger's calls while its disk does not answer, and afterwards, printed as
// JSON. The disk does not answer while the file `hangs` is there (slow-sync.c).
import { rm, writeFile } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';
import { errorText } from '../../../engine/runtime/log';
import { LedgerFault } from '../../../engine/ledger/fault';
import { openInThread } from '../../../engine/ledger/sqlite/thread/ledger';
import { Traffic } from './ledger-holds';

const SILENT_MS = 1_500;

export interface Hung {
  /** What the calls that waited were told, and after how long. */
  readonly waited: readonly string[];
  readonly afterMs: number;
  /** The next one, and how long it took. */
  readonly next: string;
  readonly nextMs: number;
  /** Waiting mails, before it hung, and when it answered again. */
  readonly before: number;
  readonly after: number;
  /** What is recorded then. */
  readonly more: number;
}

const outcome = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => 'done',
    (error: unknown) => (error instanceof LedgerFault ? `${error.kind}: ${error.message}` : errorText(error)),
  );

async function hung(file: string, hangs: string): Promise<Hung> {
  const ledger = await openInThread(file, null, undefined, SILENT_MS);
  const traffic = await Traffic.begin(ledger);
  await traffic.record(1);
  const waiting = (): Promise<number> => ledger.waiting([traffic.to.id], 100);
  const before = await waiting();
  await writeFile(hangs, '');
  const hungAt = performance.now();
  // The first one is in the disk's hands; the others have not begun.
  const waited = await Promise.all([traffic.record(1), traffic.record(10), traffic.record(10)].map(outcome));
  const afterMs = performance.now() - hungAt;
  const askedAt = performance.now();
  const next = await outcome(traffic.record(10));
  const nextMs = performance.now() - askedAt;
  await rm(hangs);
  let after: number | undefined;
  while (after === undefined) {
    after = await waiting().catch(() => undefined);
    await setTimeout(50);
  }
  await traffic.record(1);
  const more = (await waiting()) - after;
  await ledger.close();
  return { waited, afterMs, next, nextMs, before, after, more };
}

const [, , file, hangs] = process.argv;
hung(file!, hangs!).then(
  (result) => console.log(JSON.stringify(result)),
  (error: unknown) => {
    console.error(error);
    process.exitCode = 1;
  },
);
