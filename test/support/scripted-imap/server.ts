// A small IMAP server (RFC 3501) that a test writes the part of: it answers by the book, and each of its answers can be
// replaced. For what real servers do only now and then, and nobody can ask them for.
// Invariant: it never tells of a mail that is not there, unless a test makes it.
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import type { ImapLogin } from '../../../engine/imap/session/login';
import type { Certificate } from '../certificate';
import { Conversation } from './conversation';
import type { StoredMail } from './mail';

export interface FetchCommand {
  readonly conversation: Conversation;
  readonly tag: string;
  /** The sequence set, as it was sent. */
  readonly set: string;
  /** The data items, as they were sent. */
  readonly items: string;
  /** The mails that it asks for, with their sequence numbers. */
  readonly mails: readonly (readonly [seq: number, mail: StoredMail])[];
}

/** What a test changes. Undefined: by the book. */
export interface Script {
  /** What is said of one mail instead; null: nothing; true: the command is over, and was answered. */
  fetched?: (
    command: FetchCommand,
    seq: number,
    mail: StoredMail,
  ) => string | Buffer | null | true | undefined;
  /** A whole FETCH; true: it was answered. */
  fetch?: (command: FetchCommand) => boolean | undefined;
  /** What is said before FETCH is done. */
  beforeFetched?: (command: FetchCommand) => string | Buffer | undefined;
  /** All that is answered to a SEARCH. */
  search?: (tag: string, found: readonly number[], args: string) => string | undefined;
  /** All that is answered to a command, by its name. */
  command?: (name: string, tag: string, args: string, conversation: Conversation) => string | undefined;
}

export interface ScriptedOptions {
  readonly capabilities?: string;
  readonly mailboxes?: readonly string[];
  /** With TLS from the first byte. */
  readonly certificate?: Certificate;
}

export class ScriptedImapServer {
  readonly #server: Server;
  readonly #conversations = new Set<Conversation>();
  readonly capabilities: string;
  readonly mailboxes: readonly string[];
  mails: StoredMail[] = [];
  script: Script = {};
  /** False: what arrives is told only to who asks, until `announce`. */
  announces = true;
  /** Every connection that was ever made. */
  connections = 0;
  /** The commands, without their tags. */
  readonly commands: string[] = [];

  private constructor({
    capabilities = 'IMAP4rev1 IDLE UIDPLUS',
    mailboxes = ['INBOX'],
    certificate,
  }: ScriptedOptions) {
    this.capabilities = capabilities;
    this.mailboxes = mailboxes;
    const accept = (socket: Socket): void => this.#accept(socket);
    this.#server = certificate ? createTlsServer(certificate, accept) : createServer(accept);
  }

  static async start(options: ScriptedOptions = {}): Promise<ScriptedImapServer> {
    const server = new ScriptedImapServer(options);
    server.#server.listen(0, '127.0.0.1');
    await once(server.#server, 'listening');
    return server;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  login(user = 'ann'): ImapLogin {
    return {
      host: '127.0.0.1',
      port: this.port,
      secure: false,
      startTls: 'never',
      user,
      proof: { password: 'secret' },
      allowUnauthorizedCerts: false,
      mostConnections: 3,
    };
  }

  get uidNext(): number {
    return Math.max(0, ...this.mails.map(({ uid }) => uid)) + 1;
  }

  /** Mails arrive together, and are announced once, if the server announces at all. */
  arrive(...mails: readonly StoredMail[]): void {
    this.mails.push(...mails);
    if (this.announces) this.announce();
  }

  /** Whoever idles is told what has changed. */
  announce(): void {
    for (const conversation of this.#conversations) conversation.announce();
  }

  /** Somebody deletes a mail. */
  expunge(uid: number): void {
    this.mails = this.mails.filter((mail) => mail.uid !== uid);
    for (const conversation of this.#conversations) conversation.announce();
  }

  /** Every connection breaks off. */
  breakOff(): void {
    for (const conversation of this.#conversations) conversation.end();
  }

  get idling(): number {
    return [...this.#conversations].filter(({ isIdling }) => isIdling).length;
  }

  async dispose(): Promise<void> {
    this.breakOff();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #accept(socket: Socket): void {
    this.connections++;
    const conversation = new Conversation(this, socket);
    this.#conversations.add(conversation);
    socket.once('close', () => this.#conversations.delete(conversation));
  }
}
