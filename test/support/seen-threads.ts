// What the threads of SQLite ledgers send to SQLite in this process: how many statements, and their texts; and more to be
// sent over their connections. To be imported before a ledger is opened.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import threads, { BroadcastChannel, setEnvironmentData, type WorkerOptions } from 'node:worker_threads';

const CHANNEL = `durable-mail-tests-${process.pid}`;
const count = new Int32Array(new SharedArrayBuffer(4));
const asked = new Int32Array(new SharedArrayBuffer(4));
const folder = mkdtempSync(join(tmpdir(), 'durable-mail-sent-'));
const texts = join(folder, 'texts');
writeFileSync(texts, '');
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));

setEnvironmentData('durable-mail-tests', { count, asked, texts, channel: CHANNEL });

const { Worker } = threads;
threads.Worker = class extends Worker {
  constructor(file: string | URL, options: WorkerOptions = {}) {
    const preload = ['--require', join(__dirname, 'sent-in-thread.cjs')];
    super(file, { ...options, execArgv: [...(options.execArgv ?? []), ...preload] });
  }
};

/** How many statements so far; `begin` and `commit` count, too. */
export const statementsSent = (): number => Atomics.load(count, 0);

/** The texts of all statements that some work sends, each once. */
export async function textsOf(work: () => Promise<void>): Promise<Set<string>> {
  writeFileSync(texts, '');
  Atomics.add(asked, 0, 1);
  await work();
  const lines = readFileSync(texts, 'utf8').split('\n');
  return new Set(lines.filter((line) => line !== '').map((line) => JSON.parse(line) as string));
}

/** Over the connection of the thread that is open. */
export function exec(sql: string): Promise<void> {
  const channel = new BroadcastChannel(CHANNEL);
  return new Promise((resolve) => {
    channel.onmessage = () => {
      channel.close();
      resolve();
    };
    channel.postMessage({ sql });
  });
}
