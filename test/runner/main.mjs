// Runs the test files that it is given, each in a process of its own. Under a Node that n8n runs on: test/run.mjs starts it.
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { run } from 'node:test';
import { ROOT } from '../../tools/shell.mjs';
import { Machine } from './machine.mjs';
import { Report } from './report.mjs';
import { runSideBySide } from './schedule.mjs';
import { weightOf } from './weights.mjs';

/** Of the room, for what runs also while the machine is busy. */
const SHARE = 0.6;

const report = new Report(ROOT);
const machine = new Machine();
await runSideBySide(
  process.argv.slice(2).map((file) => join(ROOT, file)),
  {
    room: availableParallelism(),
    share: availableParallelism() * SHARE,
    idle: () => machine.idle(),
    weightOf,
    run: (file) =>
      report.take(
        file,
        run({ files: [file], execArgv: ['--import', 'tsx', '--test-force-exit'], concurrency: 1 }),
      ),
  },
);
await report.end();
if (report.failed) process.exitCode = 1;
