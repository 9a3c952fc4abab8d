// A real PostgreSQL of the test's own: on loopback, in a temporary folder, without touching the machine's.
// Its one user has a password; it writes to the disk as a production server does, unless told otherwise.
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Client, type ClientConfig, TypeOverrides } from 'pg';
import { findProgram } from '../../tools/servers.mjs';
import { run } from '../../tools/shell.mjs';
import { freePort } from './net';
import { copyCluster } from './prepared';
import { giveAway, ServerProcess, unprivileged } from './server-process';

/** With a sign that an URL has to escape. */
const PASSWORD = 'postgres/test password';

/** PostgreSQL's number for the type of 64-bit integers, which `pg` gives as text. */
const INT8 = 20;

export interface PostgresOptions {
  /** Where the data is, to be kept when the test ends; default: a temporary folder. */
  readonly folder?: string;
  /** false: quicker, for tests that never kill it. */
  readonly fsync?: boolean;
  /** PEM texts. TLS is offered, and not demanded. */
  readonly tls?: { readonly key: string; readonly cert: string };
}

export class PostgresServer {
  readonly port: number;
  readonly #folder: string;
  readonly #programs: string;
  readonly #keep: boolean;
  readonly #server: ServerProcess;

  private constructor(folder: string, port: number, programs: string, options: PostgresOptions) {
    this.port = port;
    this.#folder = folder;
    this.#programs = programs;
    this.#keep = options.folder !== undefined;
    const settings = {
      port,
      listen_addresses: '127.0.0.1',
      unix_socket_directories: folder,
      max_connections: 100,
      fsync: options.fsync === false ? 'off' : 'on',
      ssl: options.tls ? 'on' : 'off',
      ssl_cert_file: join(folder, 'server.crt'),
      ssl_key_file: join(folder, 'server.key'),
      timezone: 'UTC',
    };
    this.#server = new ServerProcess({
      name: 'PostgreSQL',
      command: unprivileged([
        join(programs, 'postgres'),
        '-D',
        join(folder, 'data'),
        ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
      ]),
      cwd: folder,
      logFile: join(folder, 'postgres.log'),
      answers: async () => (await this.query('postgres', 'select 1')).length === 1,
    });
  }

  static async start(options: PostgresOptions = {}): Promise<PostgresServer> {
    const folder = options.folder ?? (await mkdtemp(join(tmpdir(), 'postgres-')));
    const programs = await programFolder();
    await mkdir(folder, { recursive: true });
    await giveAway(folder);
    if (options.tls) {
      await secretFile(join(folder, 'server.crt'), options.tls.cert);
      await secretFile(join(folder, 'server.key'), options.tls.key);
    }
    const data = join(folder, 'data');
    if (!existsSync(join(data, 'PG_VERSION')) && !(await copyCluster(data)))
      await makeCluster(programs, folder);
    const postgres = new PostgresServer(folder, await freePort(), programs, options);
    await postgres.up();
    return postgres;
  }

  /** Starts the server, again after `down`, with the same data and on the same port. */
  up(): Promise<void> {
    return this.#server.up();
  }

  /**
   * Stops the server and every connection to it. SIGINT: rolls back what is open; SIGTERM: waits for every
   * client to leave; SIGQUIT: as after a crash, but tidily; SIGKILL: a crash.
   */
  async down(signal: 'SIGINT' | 'SIGTERM' | 'SIGQUIT' | 'SIGKILL' = 'SIGINT'): Promise<void> {
    const backends = signal === 'SIGKILL' ? await this.#children() : [];
    await this.#server.down(signal);
    // Without their parent they would finish what they do: a machine that loses its power does not.
    for (const backend of backends) kill(backend);
  }

  /** Nothing answers any more, and nobody is told: connections stay open. */
  async freeze(): Promise<void> {
    this.#server.freeze();
    for (const backend of await this.#children()) kill(backend, 'SIGSTOP');
  }

  async resume(): Promise<void> {
    for (const backend of await this.#children()) kill(backend, 'SIGCONT');
    this.#server.resume();
  }

  async dispose(): Promise<void> {
    await this.resume();
    await this.down('SIGQUIT');
    if (!this.#keep) await rm(this.#folder, { recursive: true, force: true });
  }

  url(database = 'postgres', user = 'postgres', password = PASSWORD): string {
    const login = `${encodeURIComponent(user)}:${encodeURIComponent(password)}`;
    return `postgres://${login}@127.0.0.1:${this.port}/${encodeURIComponent(database)}`;
  }

  /** For who wants them one by one. */
  get login(): {
    readonly host: string;
    readonly port: number;
    readonly user: string;
    readonly password: string;
  } {
    return { host: '127.0.0.1', port: this.port, user: 'postgres', password: PASSWORD };
  }

  /** A database of its own. @returns its URL */
  async createDatabase(name = `test_${randomBytes(6).toString('hex')}`): Promise<string> {
    await this.query('postgres', `create database "${name}"`);
    return this.url(name);
  }

  async hasDatabase(name: string): Promise<boolean> {
    return (await this.query('postgres', 'select 1 from pg_database where datname = $1', [name])).length > 0;
  }

  /** Where its data is. */
  get data(): string {
    return join(this.#folder, 'data');
  }

  /** The path of one of the server's tools. */
  program(name: string): string {
    return join(this.#programs, name);
  }

  /** One statement, over a connection of its own. @param database its name, or an URL */
  query<Row>(database: string, sql: string, parameters: readonly unknown[] = []): Promise<Row[]> {
    return queryOnce(database.includes('://') ? database : this.url(database), sql, parameters);
  }

  async #children(): Promise<number[]> {
    const { pid } = this.#server;
    if (pid === undefined) return [];
    // Linux only; elsewhere they see for themselves, a moment later, that their parent is gone.
    const list = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '');
    return list.trim().split(' ').filter(Boolean).map(Number);
  }
}

/**
 * One statement, over a connection of its own, so that no test holds a connection to a server that it kills.
 * Integers come as numbers, also those of 64 bits: times in milliseconds and ids fit.
 */
export async function queryOnce<Row>(
  url: string,
  sql: string,
  parameters: readonly unknown[] = [],
  options: Pick<ClientConfig, 'options'> = {},
): Promise<Row[]> {
  const numbers = new TypeOverrides();
  numbers.setTypeParser(INT8, Number);
  const client = new Client({
    connectionString: url,
    connectionTimeoutMillis: 5_000,
    query_timeout: 30_000,
    types: numbers,
    ...options,
  });
  // A server that is killed meanwhile also rejects the query: that is where it is told.
  client.on('error', () => undefined);
  try {
    await client.connect();
    return (await client.query(sql, [...parameters])).rows as Row[];
  } finally {
    await client.end().catch(() => undefined);
  }
}

async function makeCluster(programs: string, folder: string): Promise<void> {
  const passwordFile = join(folder, 'password');
  await secretFile(passwordFile, PASSWORD);
  const [program, ...args] = unprivileged([
    join(programs, 'initdb'),
    `--pgdata=${join(folder, 'data')}`,
    '--username=postgres',
    '--auth=scram-sha-256',
    `--pwfile=${passwordFile}`,
    '--encoding=UTF8',
    '--locale=C',
    '--no-sync',
  ]);
  await run(program!, args, { cwd: folder });
  await rm(passwordFile);
}

/** PostgreSQL refuses a key that others could read. */
async function secretFile(path: string, content: string): Promise<void> {
  await writeFile(path, content, { mode: 0o600 });
  await giveAway(path);
}

/** The folder of the server and its tools. */
async function programFolder(): Promise<string> {
  const server = await findProgram('postgres');
  if (!server) throw new Error('PostgreSQL is not installed: npm test says how to get it');
  // What is on the path may be a link to the server alone.
  return dirname(await realpath(server));
}

function kill(pid: number, signal: NodeJS.Signals = 'SIGKILL'): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It is gone already.
  }
}
