// n8n in queue mode: main, one worker and, where it is wanted, a process for webhooks, each with a user folder of its
// own; with PostgreSQL for n8n's data and Redis for its queue. The mail ledger has a database of its own.
import { Cleanup } from './cleanup';
import { type LedgerReader, PostgresLedgerReader } from './ledger-reader';
import { editorEnvironment, N8n, type N8nOptions } from './n8n';
import { N8nProcess } from './n8n-process';
import { PostgresServer } from './postgres';
import { OWNER } from './prepared';
import { RedisServer } from './redis';

export interface QueueModeOptions extends N8nOptions {
  /** The ledger's database for the whole instance; default: one on the server that n8n's own data is on. */
  readonly ledgerUrl?: string;
  /** Whether there is a process that does nothing but take webhooks, too. */
  readonly takesWebhooks?: boolean;
}

interface Processes {
  readonly main: N8nProcess;
  readonly worker: N8nProcess;
  readonly webhook: N8nProcess | null;
}

export class QueueModeN8n extends N8n {
  readonly worker: N8nProcess;
  readonly #webhook: N8nProcess | null;
  readonly postgres: PostgresServer;
  readonly redis: RedisServer;
  readonly #cleanup: Cleanup;
  readonly #environment: Readonly<Record<string, string>>;

  private constructor(
    processes: Processes,
    servers: { postgres: PostgresServer; redis: RedisServer },
    ledger: LedgerReader,
    environment: Readonly<Record<string, string>>,
    cleanup: Cleanup,
  ) {
    super(processes.main, ledger);
    this.worker = processes.worker;
    this.#webhook = processes.webhook;
    this.postgres = servers.postgres;
    this.redis = servers.redis;
    this.#environment = environment;
    this.#cleanup = cleanup;
  }

  /** A new instance with its owner, and the package installed in each process. */
  static override async start(
    environment: Record<string, string> = {},
    options: QueueModeOptions = {},
  ): Promise<QueueModeN8n> {
    const cleanup = new Cleanup();
    try {
      const postgres = await cleanup.of(PostgresServer.start());
      const redis = await cleanup.of(RedisServer.start());
      if (!(await postgres.hasDatabase('n8n'))) await postgres.createDatabase('n8n');
      const ledgerUrl = options.ledgerUrl ?? (await postgres.createDatabase('ledger'));
      const shared = {
        ...editorEnvironment(options),
        ...queueEnvironment(postgres, redis, ledgerUrl),
        ...environment,
      };
      const main = await cleanup.of(N8nProcess.installed('main', shared));
      const worker = await cleanup.of(N8nProcess.installed('worker', shared));
      const webhook = options.takesWebhooks
        ? await cleanup.of(N8nProcess.installed('webhook', shared))
        : null;
      const ledger = options.ledger ?? new PostgresLedgerReader(ledgerUrl);
      const n8n = new QueueModeN8n({ main, worker, webhook }, { postgres, redis }, ledger, shared, cleanup);
      await n8n.up();
      await n8n.api.becomeOwner(OWNER);
      return n8n;
    } catch (error) {
      await cleanup.run();
      throw error;
    }
  }

  override get processes(): readonly N8nProcess[] {
    return [this.main, this.worker];
  }

  /** The process that takes webhooks. */
  get webhook(): N8nProcess {
    if (!this.#webhook) throw new Error('It was started without a process for webhooks');
    return this.#webhook;
  }

  /** Another worker, set up otherwise than the first; not started yet. */
  async anotherWorker(environment: Readonly<Record<string, string>>): Promise<N8nProcess> {
    return this.#cleanup.of(N8nProcess.installed('worker', { ...this.#environment, ...environment }));
  }

  /** Main first: it makes n8n's tables, where they are not there. */
  override async up(): Promise<void> {
    await this.main.up();
    await Promise.all([this.worker.up(), this.#webhook?.up()]);
  }

  override async down(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    await Promise.all([this.main.down(signal), this.worker.down(signal), this.#webhook?.down(signal)]);
  }

  override async dispose(): Promise<void> {
    await this.down('SIGKILL');
    await this.#cleanup.run();
  }
}

const queueEnvironment = (
  postgres: PostgresServer,
  redis: RedisServer,
  ledgerUrl: string,
): Record<string, string> => ({
  EXECUTIONS_MODE: 'queue',
  QUEUE_BULL_REDIS_HOST: '127.0.0.1',
  QUEUE_BULL_REDIS_PORT: String(redis.port),
  ...ownDataIn(postgres),
  DURABLE_MAIL_POSTGRES_URL: ledgerUrl,
});

/** n8n's own data is in the database `n8n` of that server. */
export const ownDataIn = ({ login }: PostgresServer): Record<string, string> => ({
  DB_TYPE: 'postgresdb',
  DB_POSTGRESDB_HOST: login.host,
  DB_POSTGRESDB_PORT: String(login.port),
  DB_POSTGRESDB_DATABASE: 'n8n',
  DB_POSTGRESDB_USER: login.user,
  DB_POSTGRESDB_PASSWORD: login.password,
});
