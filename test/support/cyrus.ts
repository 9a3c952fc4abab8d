// A real Cyrus IMAP server of the test's own: on loopback, in a temporary folder, without touching the machine's.
// Any user name is a fresh account; all have one password. It speaks another dialect than Dovecot: mailboxes below
// "INBOX." with "." between them, EMAILID for every mail (RFC 8474), special-use flags in small letters.
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import type { ImapFlow } from 'imapflow';
import type { ImapLogin } from '../../engine/imap/session/login';
import { unpackCyrus } from '../../tools/cyrus.mjs';
import { freePort, portAnswers } from './net';
import { mailClient } from './mail-client';
import { giveAway, ServerProcess, unprivileged } from './server-process';

const PASSWORD = 'cyrus-test-password';

export class Cyrus {
  readonly port: number;
  readonly #folder: string;
  readonly #server: ServerProcess;
  readonly #passwords: Server;

  private constructor(folder: string, port: number, server: ServerProcess, passwords: Server) {
    this.#folder = folder;
    this.port = port;
    this.#server = server;
    this.#passwords = passwords;
  }

  static async start(): Promise<Cyrus> {
    const folder = await mkdtemp(join(tmpdir(), 'cyrus-'));
    await chmod(folder, 0o755);
    const program = join(folder, 'program');
    // In conf/socket those who idle wait for what idled tells them.
    for (const name of ['.', 'conf', 'conf/socket', 'spool', 'run', 'program']) {
      await mkdir(join(folder, name), { recursive: true });
      await giveAway(join(folder, name));
    }
    const { programs, libraries } = await unpackCyrus(program);
    const port = await freePort();
    await writeFile(join(folder, 'imapd.conf'), settings(folder));
    await writeFile(join(folder, 'cyrus.conf'), services(folder, programs, port));
    const passwords = await answerForPasswords(join(folder, 'run', 'passwords'));
    const server = new ServerProcess({
      name: 'Cyrus',
      // It ends its whole process group with itself: it gets one of its own.
      command: unprivileged([
        'setsid',
        join(programs, 'master'),
        ...['-C', join(folder, 'imapd.conf'), '-M', join(folder, 'cyrus.conf')],
        ...['-p', join(folder, 'run', 'master.pid')],
      ]),
      cwd: folder,
      logFile: join(folder, 'cyrus.log'),
      environment: { LD_LIBRARY_PATH: libraries },
      answers: () => portAnswers(port),
    });
    const cyrus = new Cyrus(folder, port, server, passwords);
    await cyrus.up();
    return cyrus;
  }

  /** Starts the server, again after `down`, with the same mailboxes. */
  up(): Promise<void> {
    return this.#server.up();
  }

  /** Stops the server and every connection to it; its mailboxes stay. */
  down(): Promise<void> {
    return this.#server.down();
  }

  async dispose(): Promise<void> {
    await this.down();
    this.#passwords.close();
    await rm(this.#folder, { recursive: true, force: true, maxRetries: 5 });
  }

  login(user: string, more: Partial<ImapLogin> = {}): ImapLogin {
    return {
      host: '127.0.0.1',
      port: this.port,
      secure: false,
      startTls: 'never',
      user,
      proof: { password: PASSWORD },
      allowUnauthorizedCerts: false,
      mostConnections: 3,
      ...more,
    };
  }

  /** A client to prepare a mailbox with. */
  client(user: string): Promise<ImapFlow> {
    return mailClient(this.port, user, PASSWORD);
  }

  /** Puts mails into a mailbox, one after another, as arriving now. */
  async append(user: string, mails: readonly string[], mailbox = 'INBOX'): Promise<void> {
    const client = await this.client(user);
    for (const mail of mails) await client.append(mailbox, Buffer.from(mail));
    await client.logout();
  }
}

/** A stand-in for saslauthd: it is asked with user, password, service and realm, each with its length before it. */
async function answerForPasswords(socketPath: string): Promise<Server> {
  const server = createServer((socket) => {
    let asked = Buffer.alloc(0);
    socket.on('error', () => undefined);
    socket.on('data', (data) => {
      asked = Buffer.concat([asked, data]);
      const words = countedWords(asked);
      if (words.length === 4) socket.end(`\0\x02${words[1] === PASSWORD ? 'OK' : 'NO'}`);
    });
  });
  server.listen(socketPath);
  await once(server, 'listening');
  await chmod(socketPath, 0o777);
  return server;
}

function countedWords(bytes: Buffer): string[] {
  const words: string[] = [];
  for (let at = 0; at + 2 <= bytes.length;) {
    const end = at + 2 + bytes.readUInt16BE(at);
    if (end > bytes.length) break;
    words.push(bytes.toString('utf8', at + 2, end));
    at = end;
  }
  return words;
}

const settings = (folder: string): string => `
configdirectory: ${folder}/conf
partition-default: ${folder}/spool
defaultpartition: default
cyrus_user: ${process.getuid?.() === 0 ? 'nobody' : userInfo().username}
allowplaintext: yes
sasl_mech_list: PLAIN
sasl_pwcheck_method: saslauthd
sasl_saslauthd_path: ${folder}/run/passwords
autocreate_quota: 0
autocreate_inbox_folders: Sent|Trash
xlist-sent: Sent
xlist-trash: Trash
unixhierarchysep: no
altnamespace: no
idlesocket: ${folder}/run/idle
lmtpsocket: ${folder}/run/lmtp
proc_path: ${folder}/run/proc
mboxname_lockpath: ${folder}/run/lock
`;

const services = (folder: string, programs: string, port: number): string => `
START {
  recover cmd="${programs}/ctl_cyrusdb -C ${folder}/imapd.conf -r"
}
DAEMON {
  idled cmd="${programs}/idled -C ${folder}/imapd.conf"
}
SERVICES {
  imap cmd="${programs}/imapd -C ${folder}/imapd.conf" listen="127.0.0.1:${port}" prefork=1
}
EVENTS {
}
`;
