// A real n8n of the test's own in one process, with the built package in it, driven over its REST interface.
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { N8nApi } from '../../tools/n8n.mjs';
import { type LedgerReader, SqliteLedgerReader } from './ledger-reader';
import { N8nProcess, WHOLE } from './n8n-process';
import { OWNER } from './prepared';
import { until } from './until';

export interface StoredEvent {
  readonly id: string;
  readonly workflow: string;
  readonly uid: number;
  readonly state: string;
  readonly attempt: number;
  readonly failures: number;
  readonly executionId: string | null;
  readonly lastError: string | null;
}

export interface N8nOptions {
  /** Reads the ledger, where it is not at its default place. */
  readonly ledger?: LedgerReader;
  /** All of n8n, which serves the editor to browsers, and what it knows of the nodes: some 4 s of a start. */
  readonly withEditor?: boolean;
}

export const editorEnvironment = ({ withEditor = false }: N8nOptions): Record<string, string> => ({
  N8N_DISABLE_UI: String(!withEditor),
  ...(withEditor && WHOLE),
});

export class N8n {
  readonly api: N8nApi;
  /** The process with the editor, the REST interface and the triggers. */
  readonly main: N8nProcess;
  readonly #ledger: LedgerReader;

  protected constructor(main: N8nProcess, ledger: LedgerReader) {
    this.main = main;
    this.#ledger = ledger;
    this.api = new N8nApi(`http://127.0.0.1:${main.port}`);
  }

  /** A new instance with its owner, and the package installed. */
  static async start(environment: Record<string, string> = {}, options: N8nOptions = {}): Promise<N8n> {
    const main = await N8nProcess.installed('main', { ...editorEnvironment(options), ...environment });
    const file = join(main.folder, '.n8n', 'durable-mail', 'ledger.sqlite');
    const n8n = new N8n(main, options.ledger ?? new SqliteLedgerReader(file));
    await n8n.up();
    await n8n.api.becomeOwner(OWNER);
    return n8n;
  }

  /** All of it that run workflows. */
  get processes(): readonly N8nProcess[] {
    return [this.main];
  }

  get folder(): string {
    return this.main.folder;
  }

  get port(): number {
    return this.main.port;
  }

  /** Starts what was stopped, with everything that was stored. */
  async up(): Promise<void> {
    await this.main.up();
  }

  /** Ends the process; SIGKILL is a crash. */
  async down(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    await this.main.down(signal);
  }

  /** The package is not there, until what is returned is called. */
  async takeAway(): Promise<() => Promise<void>> {
    const packages = join(this.folder, '.n8n', 'nodes');
    const away = `${packages}.away`;
    await rename(packages, away);
    return async () => {
      await rm(packages, { recursive: true, force: true });
      await rename(away, packages);
    };
  }

  async dispose(): Promise<void> {
    await this.main.dispose();
  }

  log(): Promise<string> {
    return this.main.log();
  }

  /** Reads the mail ledger beside n8n. */
  ledger<Row>(sql: string): Promise<Row[]> {
    return this.#ledger.query<Row>(sql);
  }

  events(): Promise<StoredEvent[]> {
    return this.ledger<StoredEvent>(`
      select event.id, workflow_id as workflow, message.uid, event.state, attempt, failures,
        execution_id as "executionId", event.last_error as "lastError"
      from event join message on message.id = message_id join subscription on subscription.id = subscription_id
      order by seq`);
  }

  /**
   * Waits until the workflow's trigger has read its mailbox to its end, for the first time or again.
   * @param since ms since 1970; where it may not read again soon: when it was not published yet
   */
  async watching(workflowId: string, deadlineMs = 60_000, since = Date.now()): Promise<void> {
    await until(
      'the mailbox is watched',
      async () => {
        const ready = await this.ledger(`
          select 1 as ready
          from source join subscription on source_id = source.id
          where workflow_id = '${workflowId}' and last_success_at >= ${since} - 2000 and cursor is not null`);
        return ready.length > 0;
      },
      deadlineMs,
    );
  }
}
