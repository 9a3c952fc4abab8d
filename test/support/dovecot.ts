// A real Dovecot of the test's own: on loopback, in a temporary folder, without touching the machine's.
// Any user name is a fresh, empty account; all have one password.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { randomUUID } from 'node:crypto';
import { chmod, chown, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import type { ImapFlow } from 'imapflow';
import type { ImapLogin } from '../../engine/imap/session/login';
import type { Certificate } from './certificate';
import { freePort, portAnswers } from './net';
import { mailClient } from './mail-client';
import { until } from './until';

const PASSWORD = 'dovecot-test-password';
/** The user that Dovecot runs as when the tests run as root, which it refuses to serve mail as. */
const UNPRIVILEGED = { name: 'nobody', group: 'nogroup', uid: 65534, gid: 65534 };

/** What it does besides taking passwords in clear. */
export interface DovecotOptions {
  /** Its certificate: then it offers STARTTLS, and TLS on a port of its own. */
  readonly tls?: Certificate;
  /** PEM. It takes only clients that show a certificate of this authority. */
  readonly clientAuthority?: string;
  /** No password without encryption. */
  readonly refusePlaintext?: boolean;
  /** Who knows whose an access token is (RFC 7662): then it takes logins by XOAUTH2 and OAUTHBEARER. */
  readonly introspectionUrl?: string;
  /** The name of the mailbox that it says is for what was sent. */
  readonly sent?: string;
  /** How many connections a user may have. */
  readonly mostConnections?: number;
  /** How many clients may be there at once, of all users; without it, as Dovecot comes. */
  readonly mostClients?: number;
}

export class Dovecot {
  readonly #folder: string;
  readonly #options: DovecotOptions;
  readonly port: number;
  /** TLS from the first byte, where there is a certificate. */
  readonly tlsPort: number;
  #process: ChildProcess | undefined;

  private constructor(folder: string, options: DovecotOptions, port: number, tlsPort: number) {
    this.#folder = folder;
    this.#options = options;
    this.port = port;
    this.tlsPort = tlsPort;
  }

  static async start(options: DovecotOptions = {}): Promise<Dovecot> {
    const folder = await mkdtemp(join(tmpdir(), 'dovecot-'));
    const port = await freePort();
    const dovecot = new Dovecot(folder, options, port, options.tls ? await portBeside(port) : 0);
    for (const name of ['run', 'state', 'mail']) await mkdir(join(folder, name));
    await writeFile(join(folder, 'dovecot.conf'), dovecot.#configuration());
    const { tls, clientAuthority, introspectionUrl } = options;
    const files = {
      ...(tls && { 'cert.pem': tls.cert, 'key.pem': tls.key }),
      ...(clientAuthority !== undefined && { 'clients.pem': clientAuthority }),
      ...(introspectionUrl !== undefined && { 'oauth2.conf': oauth2(introspectionUrl) }),
    };
    for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content);
    if (isRoot()) {
      await chmod(folder, 0o755);
      for (const path of ['.', 'run', 'state', 'mail']) {
        await chown(join(folder, path), UNPRIVILEGED.uid, UNPRIVILEGED.gid);
      }
    }
    await dovecot.up();
    return dovecot;
  }

  /** Starts the server, again after `down`, with the same mailboxes. */
  async up(): Promise<void> {
    const command = ['dovecot', '-F', '-c', join(this.#folder, 'dovecot.conf')];
    const drop = [
      'setpriv',
      `--reuid=${UNPRIVILEGED.name}`,
      `--regid=${UNPRIVILEGED.group}`,
      '--clear-groups',
      '--',
    ];
    const [program, ...args] = isRoot() ? [...drop, ...command] : command;
    const PATH = `${process.env['PATH']}:/usr/sbin:/sbin`;
    this.#process = spawn(program!, args, { stdio: 'ignore', env: { ...process.env, PATH } });
    try {
      await until('Dovecot answers', () => portAnswers(this.port), 20_000);
    } catch (error) {
      const log = await readFile(join(this.#folder, 'dovecot.log'), 'utf8').catch(() => '(no log)');
      throw new Error(`${(error as Error).message}\n${log}`, { cause: error });
    }
  }

  /** Stops the server and every connection to it; its mailboxes stay. */
  async down(): Promise<void> {
    const running = this.#process;
    if (!running || running.exitCode !== null || running.signalCode !== null) return;
    running.kill('SIGTERM');
    await once(running, 'exit');
    await until('Dovecot is gone', async () => !(await portAnswers(this.port)), 20_000);
  }

  async dispose(): Promise<void> {
    await this.down();
    await rm(this.#folder, { recursive: true, force: true });
  }

  login(user: string, more: Partial<ImapLogin> = {}): ImapLogin {
    return {
      host: '127.0.0.1',
      port: this.port,
      secure: false,
      startTls: 'ifOffered',
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
  async append(user: string, mails: readonly (string | Buffer)[], mailbox = 'INBOX'): Promise<void> {
    const client = await this.client(user);
    for (const mail of mails)
      await client.append(mailbox, typeof mail === 'string' ? Buffer.from(mail) : mail);
    await client.logout();
  }

  /** Puts mails where a mail server's delivery puts them: it works while the server is down, too. */
  async deliver(user: string, mails: readonly string[]): Promise<void> {
    const maildir = join(this.#folder, 'mail', user);
    for (const mail of mails) {
      const name = `${Date.now()}.${randomUUID()}.test`;
      await writeFile(join(maildir, 'tmp', name), mail);
      if (isRoot()) await chown(join(maildir, 'tmp', name), UNPRIVILEGED.uid, UNPRIVILEGED.gid);
      await rename(join(maildir, 'tmp', name), join(maildir, 'new', name));
    }
  }

  /** Loses the numbers of a user's INBOX, as a lost index or a migration does: UIDVALIDITY changes. While it is down. */
  async forgetNumbers(user: string): Promise<void> {
    const maildir = join(this.#folder, 'mail', user);
    for (const name of await readdir(maildir)) {
      if (/^dovecot(-uidlist|\.index)/.test(name)) await rm(join(maildir, name));
    }
  }

  #configuration(): string {
    const { uid, gid } = isRoot() ? UNPRIVILEGED : userInfo();
    const user = isRoot() ? UNPRIVILEGED.name : userInfo().username;
    return `
      protocols = imap
      listen = 127.0.0.1
      base_dir = ${this.#folder}/run
      state_dir = ${this.#folder}/state
      log_path = ${this.#folder}/dovecot.log
      mail_location = maildir:${this.#folder}/mail/%u
      mail_uid = ${uid}
      mail_gid = ${gid}
      first_valid_uid = 1
      default_login_user = ${user}
      default_internal_user = ${user}
      default_internal_group = ${isRoot() ? UNPRIVILEGED.group : ''}
      ${this.#tls()}
      disable_plaintext_auth = ${this.#options.refusePlaintext ? 'yes' : 'no'}
      auth_mechanisms = plain login${this.#options.introspectionUrl ? ' xoauth2 oauthbearer' : ''}
      # How often it looks for new mail by itself. It is told of it by inotify, of which a machine has few (128 for each user): with
      # many Dovecots at once it gets none, says nothing, and new mail waits for this look, which is 30 s unless told.
      mailbox_idle_check_interval = 1s
      mail_max_userip_connections = ${this.#options.mostConnections ?? 50}
      auth_failure_delay = 0
      ${this.#manyClients()}
      service imap-login {
        chroot =
        inet_listener imap {
          port = ${this.port}
        }
        inet_listener imaps {
          port = ${this.tlsPort}
          ssl = yes
        }
      }
      service anvil {
        chroot =
      }
      service stats {
        chroot =
      }
      ${this.#options.introspectionUrl ? tokenPassdb(this.#folder) : ''}
      passdb {
        driver = static
        args = password=${PASSWORD}
      }
      userdb {
        driver = static
        args = uid=${uid} gid=${gid} home=${this.#folder}/mail/%u
      }
      namespace inbox {
        inbox = yes
        ${this.#options.sent === undefined ? '' : sentMailbox(this.#options.sent)}
      }
    `;
  }

  /** Its own limits are 1,000 clients of a service; a new process for each login is slow. */
  #manyClients(): string {
    const { mostClients } = this.#options;
    if (mostClients === undefined) return '';
    return `default_client_limit = ${mostClients * 4}
      default_process_limit = ${mostClients + 200}
      default_vsz_limit = 1 G
      service imap {
        process_limit = ${mostClients + 200}
      }
      service imap-login {
        service_count = 0
        process_min_avail = 2
        process_limit = 8
      }`;
  }

  #tls(): string {
    if (!this.#options.tls) return 'ssl = no';
    const files = `ssl_cert = <${this.#folder}/cert.pem\nssl_key = <${this.#folder}/key.pem`;
    const clients = `ssl_ca = <${this.#folder}/clients.pem
      ssl_verify_client_cert = yes
      ssl_require_crl = no
      auth_ssl_require_client_cert = yes`;
    return `ssl = yes\n${files}\n${this.#options.clientAuthority ? clients : ''}`;
  }
}

/** A free port may be found free twice. */
async function portBeside(taken: number): Promise<number> {
  const port = await freePort();
  return port === taken ? portBeside(taken) : port;
}

const sentMailbox = (name: string): string => `
        mailbox "${name}" {
          special_use = \\Sent
          auto = create
        }`;

const tokenPassdb = (folder: string): string => `
      passdb {
        driver = oauth2
        mechanisms = xoauth2 oauthbearer
        args = ${folder}/oauth2.conf
      }`;

const oauth2 = (introspectionUrl: string): string => `
introspection_mode = post
introspection_url = ${introspectionUrl}
force_introspection = yes
username_attribute = username
active_attribute = active
active_value = true
`;

const isRoot = (): boolean => process.getuid?.() === 0;
