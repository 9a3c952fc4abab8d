// A real PgBouncer of the test's own, in transaction mode: before a Postgres, with its one user.
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { unpackPgbouncer } from '../../tools/pgbouncer.mjs';
import { freePort, portAnswers } from './net';
import type { PostgresServer } from './postgres';
import { giveAway, ServerProcess, unprivileged } from './server-process';

export class PgBouncer {
  readonly #folder: string;
  readonly #port: number;
  readonly #server: ServerProcess;

  private constructor(folder: string, port: number, server: ServerProcess) {
    this.#folder = folder;
    this.#port = port;
    this.#server = server;
  }

  static async before(postgres: PostgresServer): Promise<PgBouncer> {
    const folder = await mkdtemp(join(tmpdir(), 'pgbouncer-'));
    await chmod(folder, 0o755);
    await giveAway(folder);
    await mkdir(join(folder, 'program'));
    const { program, libraries } = await unpackPgbouncer(join(folder, 'program'));
    const port = await freePort();
    const { host, port: behind, user, password } = postgres.login;
    await writeFile(join(folder, 'users.txt'), `"${user}" "${password}"\n`);
    await writeFile(
      join(folder, 'pgbouncer.ini'),
      [
        '[databases]',
        `* = host=${host} port=${behind}`,
        '[pgbouncer]',
        ...['listen_addr = 127.0.0.1', `listen_port = ${port}`, 'unix_socket_dir ='],
        ...['auth_type = plain', `auth_file = ${join(folder, 'users.txt')}`],
        ...['pool_mode = transaction', 'ignore_startup_parameters = extra_float_digits'],
      ].join('\n'),
    );
    const server = new ServerProcess({
      name: 'PgBouncer',
      command: unprivileged([program, join(folder, 'pgbouncer.ini')]),
      cwd: folder,
      logFile: join(folder, 'pgbouncer.log'),
      environment: { LD_LIBRARY_PATH: libraries },
      answers: () => portAnswers(port),
    });
    await server.up();
    return new PgBouncer(folder, port, server);
  }

  /** @param url of a database behind it */
  url(url: string): string {
    const through = new URL(url);
    through.port = String(this.#port);
    return through.href;
  }

  async dispose(): Promise<void> {
    await this.#server.down('SIGKILL');
    await rm(this.#folder, { recursive: true, force: true, maxRetries: 5 });
  }
}
