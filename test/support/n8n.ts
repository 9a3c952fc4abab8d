// A real n8n of the test's own, with the built package in it, driven over its REST interface.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { installInto } from '../../tools/build.mjs';
import { N8nApi, quietN8nEnvironment } from '../../tools/n8n.mjs';
import { freePort } from './net';
import { Hopeless, until } from './until';

/** Set by test/run.mjs: n8n's command-line script. Tests run under a Node that n8n runs on. */
const N8N = process.env['DURABLE_MAIL_N8N'] ?? '';

export interface StoredEvent {
  readonly id: string;
  readonly workflow: string;
  readonly uid: number;
  readonly state: string;
  readonly attempt: number;
  readonly failures: number;
  readonly lastError: string | null;
}

export class N8n {
  readonly folder: string;
  readonly api: N8nApi;
  readonly port: number;
  readonly #brokerPort: number;
  readonly #environment: Readonly<Record<string, string>>;
  #process: ChildProcess | undefined;

  private constructor(folder: string, port: number, brokerPort: number, environment: Record<string, string>) {
    this.folder = folder;
    this.port = port;
    this.#brokerPort = brokerPort;
    this.#environment = environment;
    this.api = new N8nApi(`http://127.0.0.1:${port}`);
  }

  /** A new instance with its owner, and the package installed. */
  static async start(environment: Record<string, string> = {}): Promise<N8n> {
    const folder = await mkdtemp(join(tmpdir(), 'n8n-'));
    const n8n = new N8n(folder, await freePort(), await freePort(), environment);
    await installInto(folder, N8N);
    await n8n.up();
    await n8n.api.becomeOwner();
    return n8n;
  }

  /** Starts the process, again after `down`, with everything that was stored. */
  async up(): Promise<void> {
    const log = openSync(this.#logFile, 'a');
    this.#process = spawn(process.execPath, [N8N, 'start'], {
      cwd: this.folder,
      stdio: ['ignore', log, log],
      env: {
        ...process.env,
        PATH: `${dirname(process.execPath)}:${process.env['PATH']}`,
        ...quietN8nEnvironment({ folder: this.folder, port: this.port, brokerPort: this.#brokerPort }),
        ...this.#environment,
      },
    });
    closeSync(log);
    const running = this.#process;
    await until(
      'n8n is ready',
      async () => {
        if (running.exitCode !== null)
          throw new Hopeless(`n8n ended with ${running.exitCode}\n${await this.log()}`);
        return this.api.isReady();
      },
      120_000,
      200,
    );
  }

  /** Ends the process; SIGKILL is a crash. */
  async down(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    const running = this.#process;
    if (!running || running.exitCode !== null || running.signalCode !== null) return;
    running.kill(signal);
    await once(running, 'exit');
  }

  async dispose(): Promise<void> {
    await this.down();
    await rm(this.folder, { recursive: true, force: true });
  }

  log(): Promise<string> {
    return readFile(this.#logFile, 'utf8');
  }

  /** Reads the mail ledger beside n8n. */
  ledger<Row>(sql: string): Row[] {
    const file = join(this.folder, '.n8n', 'durable-mail', 'ledger.sqlite');
    const database = new DatabaseSync(file, { readOnly: true, timeout: 5_000 });
    try {
      return database.prepare(sql).all() as Row[];
    } finally {
      database.close();
    }
  }

  events(): StoredEvent[] {
    return this.ledger<StoredEvent>(`
      select event.id, workflow_id as workflow, message.uid, state, attempt, failures, last_error as lastError
      from event join message on message.id = message_id join subscription on subscription.id = subscription_id
      order by seq`);
  }

  /** Waits until the workflow's trigger has read its mailbox to its end, for the first time or again. */
  async watching(workflowId: string, deadlineMs = 60_000): Promise<void> {
    const since = Date.now();
    await until(
      'the mailbox is watched',
      () => {
        const [source] = this.ledger<{ ready: number }>(`
          select last_success_at >= ${since} - 2000 and cursor is not null as ready
          from source join subscription on source_id = source.id
          where workflow_id = '${workflowId}'`);
        return source?.ready === 1;
      },
      deadlineMs,
    );
  }

  get #logFile(): string {
    return join(this.folder, 'n8n.log');
  }
}
