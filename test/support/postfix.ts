// A real Postfix of the test's own: on loopback, in a temporary folder, without touching the machine's. It takes mail for example.com,
// and puts all of it into one mailbox; `nobody@` is refused for good, `later@` for now.
// Invariant: what `delivered` counts is what it has taken, once its queue is empty.
import { chmod, chown, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { headerBlock, readHeaders } from '../../engine/mail/headers';
import { messageIdOf } from '../../engine/mail/identity';
import { unpackPostfix } from '../../tools/postfix.mjs';
import { freePort, portAnswers } from './net';
import { ServerProcess } from './server-process';
import { until } from './until';

/** Debian's `daemon`, whom Postfix runs as here, its group `mail`, and `nobody`, whose the mailbox is. */
const [OWNER, DROP_GROUP, READER] = [1, 8, 65_534];

export const MOST_BYTES = 2_000_000;

const SETTLED_MS = 500;

/** Mails that it has not delivered yet. */
const QUEUES = ['incoming', 'active', 'deferred', 'maildrop'];

export class Postfix {
  readonly port: number;
  readonly #folder: string;
  readonly #server: ServerProcess;

  private constructor(folder: string, port: number, server: ServerProcess) {
    this.#folder = folder;
    this.port = port;
    this.#server = server;
  }

  static async start(): Promise<Postfix> {
    const folder = await mkdtemp(join(tmpdir(), 'postfix-'));
    await chmod(folder, 0o755);
    const programs = await unpackPostfix(join(folder, 'program'));
    await makeFolders(folder);
    const port = await freePort();
    await writeFile(join(folder, 'conf', 'main.cf'), settings(folder, programs));
    await writeFile(join(folder, 'conf', 'master.cf'), services(port));
    const server = new ServerProcess({
      name: 'Postfix',
      command: [join(programs.daemons, 'master'), '-c', join(folder, 'conf'), '-d'],
      cwd: folder,
      logFile: join(folder, 'master.log'),
      environment: { LD_LIBRARY_PATH: `${programs.own}:${programs.libraries}` },
      answers: () => portAnswers(port),
    });
    await server.up();
    return new Postfix(folder, port, server);
  }

  /** By Message-ID, how often it is in the mailbox. Waits until nothing is under way. */
  async delivered(): Promise<ReadonlyMap<string, number>> {
    const isEmpty = async (): Promise<boolean> => (await this.#queued()) === 0;
    await until('the queue of Postfix is empty', isEmpty);
    // One whose connection has just been cut may still be read.
    await setTimeout(SETTLED_MS);
    await until('the queue of Postfix is empty', isEmpty);
    const mailbox = join(this.#folder, 'mail', 'all', 'new');
    const counts = new Map<string, number>();
    for (const name of await readdir(mailbox).catch(() => [])) {
      const headers = readHeaders(headerBlock(await readFile(join(mailbox, name))));
      const messageId = messageIdOf(headers) ?? '';
      counts.set(messageId, (counts.get(messageId) ?? 0) + 1);
    }
    return counts;
  }

  async #queued(): Promise<number> {
    const queues = QUEUES.map((name) =>
      readdir(join(this.#folder, 'queue', name), { recursive: true, withFileTypes: true }),
    );
    return (await Promise.all(queues)).flat().filter((entry) => entry.isFile()).length;
  }

  async dispose(): Promise<void> {
    await this.#server.down();
    await rm(this.#folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

async function makeFolders(folder: string): Promise<void> {
  const make = async (name: string, owner: number, mode: number): Promise<void> => {
    await mkdir(join(folder, name));
    await chown(join(folder, name), owner, name.startsWith('queue/') ? DROP_GROUP : 0);
    await chmod(join(folder, name), mode);
  };
  for (const name of ['conf', 'queue']) await make(name, 0, 0o755);
  await make('mail', READER, 0o755);
  await make('data', OWNER, 0o700);
  const private_ = [
    'active',
    'bounce',
    'corrupt',
    'defer',
    'deferred',
    'flush',
    'hold',
    'incoming',
    'private',
    'saved',
    'trace',
  ];
  for (const name of private_) await make(`queue/${name}`, OWNER, 0o700);
  await make('queue/pid', 0, 0o755);
  await make('queue/public', OWNER, 0o710);
  await make('queue/maildrop', OWNER, 0o730);
}

const settings = (
  folder: string,
  { daemons, commands, own, libraries }: Awaited<ReturnType<typeof unpackPostfix>>,
): string =>
  [
    'compatibility_level = 3.6',
    `queue_directory = ${folder}/queue`,
    `data_directory = ${folder}/data`,
    `daemon_directory = ${daemons}`,
    `command_directory = ${commands}`,
    `shlib_directory = ${own}`,
    // It cleans the environment of its daemons.
    `import_environment = MAIL_CONFIG MAIL_LOGTAG POSTLOG_SERVICE POSTLOG_HOSTNAME LANG=C LD_LIBRARY_PATH=${own}:${libraries}`,
    'mail_owner = daemon',
    'setgid_group = mail',
    'default_privs = nobody',
    `maillog_file = ${folder}/mail.log`,
    `maillog_file_prefixes = ${folder}`,
    'inet_interfaces = loopback-only',
    'inet_protocols = ipv4',
    'myhostname = mx.test',
    'mydestination =',
    'alias_maps =',
    'alias_database =',
    'virtual_mailbox_domains = example.com',
    'virtual_mailbox_maps = static:all/',
    `virtual_mailbox_base = ${folder}/mail`,
    `virtual_uid_maps = static:${READER}`,
    `virtual_gid_maps = static:${READER}`,
    'smtpd_relay_restrictions = reject_unauth_destination',
    'smtpd_recipient_restrictions = check_recipient_access inline:{' +
      '{nobody@example.com = 550 5.1.1 No such user} {later@example.com = 450 4.2.0 Greylisted}} permit',
    `message_size_limit = ${MOST_BYTES}`,
    'smtpd_peername_lookup = no',
    'smtpd_client_connection_rate_limit = 0',
    '',
  ].join('\n');

const services = (port: number): string =>
  [
    'postlog unix-dgram n - n - 1 postlogd',
    `127.0.0.1:${port} inet n - n - - smtpd`,
    'cleanup unix n - n - 0 cleanup',
    'qmgr unix n - n 300 1 qmgr',
    'rewrite unix - - n - - trivial-rewrite',
    ...['bounce', 'defer', 'trace'].map((name) => `${name} unix - - n - 0 bounce`),
    'virtual unix - n n - - virtual',
    'anvil unix - - n - 1 anvil',
    'proxymap unix - - n - - proxymap',
    ...['retry', 'error'].map((name) => `${name} unix - - n - - error`),
    'showq unix n - n - - showq',
    '',
  ].join('\n');
