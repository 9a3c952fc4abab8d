// How long so many runs take to begin and to end, one after the other and all at once, in a process of its own: file, runs.
import { openSqliteLedger } from '../../../engine/ledger/sqlite/sqlite-ledger';
import { Traffic } from './ledger-holds';

async function main(file: string, runs: number): Promise<void> {
  const ledger = await openSqliteLedger(file);
  const traffic = await Traffic.begin(ledger);
  await traffic.record(2 * runs);
  const request = { subscriptionIds: [traffic.to.id], mostRuns: 2 * runs, mailsPerRun: 1, leaseMs: 600_000 };
  const offered = (await ledger.offer(request)).runs.map(({ pointers }) => pointers);
  const run = async (of: (typeof offered)[number]): Promise<void> => {
    await ledger.claim(of, '1', 600_000);
    await ledger.settle(of, { kind: 'success' });
  };
  const began = performance.now();
  for (const of of offered.slice(0, runs)) await run(of);
  const then = performance.now();
  await Promise.all(offered.slice(runs).map(run));
  const ended = performance.now();
  const { DONE } = await ledger.statistics({});
  if (DONE !== 2 * runs) throw new Error(`${DONE} of ${2 * runs} are DONE`);
  console.log(JSON.stringify({ oneByOneMs: then - began, atOnceMs: ended - then }));
  await ledger.close();
}

void main(process.argv[2]!, Number(process.argv[3]));
