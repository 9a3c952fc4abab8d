// A real SMTP server (npm's smtp-server) that does wrong what servers do wrong, behind a wire that is cut where a test says.
// Invariant: `accepted` counts what the server has whole, by Message-ID: what a sender says is held against that.
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import { headerBlock, readHeaders } from '../../engine/mail/headers';
import { messageIdOf } from '../../engine/mail/identity';
import { Wire } from './wire';

/** What the server answers instead of yes. */
export interface Reply {
  readonly code: number;
  readonly text: string;
}

/**
 * What becomes of a mail whose envelope was taken: `beforeEnd`: the wire is cut as soon as it begins; `afterEnd`: the server
 * takes it, and the wire is cut before the answer; `silentAfter`: it takes it, and does not answer.
 */
type OfMail = 'taken' | 'beforeEnd' | 'afterEnd' | 'silentAfter' | Reply;

export interface SmtpFaults {
  readonly connect?: Reply | 'silent';
  readonly login?: Reply;
  /** `cutOnce`: the wire is cut there, and no other time. */
  readonly sender?: Reply | 'cutOnce';
  /** So many mails a connection, and then what it says to the sender of the next. */
  readonly most?: { readonly mails: number; readonly then: Reply };
  readonly recipient?: (address: string) => Reply | null;
  readonly mail?: OfMail;
  /** Before each answer, ms. */
  readonly slowMs?: number;
}

export interface Taken {
  readonly messageId: string;
  readonly to: readonly string[];
  readonly raw: Buffer;
  /** It came encrypted, and from a client that calls itself so. */
  readonly secure: boolean;
  readonly client: string;
}

export const SMTP_USER = 'ann@example.com';
export const SMTP_PASSWORD = 'smtp-test-pässword';
export const SMTP_TOKEN = 'smtp-test-token';

export class FaultySmtp {
  readonly #server: SMTPServer;
  #wire: Wire | undefined;
  faults: SmtpFaults = {};
  /** Whether it takes an access token. */
  takesToken = (token: string | undefined): boolean => token === SMTP_TOKEN;
  /** What it does with each mail that it takes, before it answers: as one that files in a mailbox what it sends. */
  file: (raw: Buffer) => Promise<void> = () => Promise.resolve();
  readonly accepted: Taken[] = [];
  /** Mails of each connection. */
  readonly #begun = new Map<string, number>();
  #struck = 0;
  /** How each login was made. */
  readonly logins: string[] = [];

  private constructor(options: SMTPServerOptions) {
    this.#server = new SMTPServer({
      ...{
        authOptional: true,
        allowInsecureAuth: true,
        logger: false,
        authMethods: ['PLAIN', 'LOGIN', 'XOAUTH2'],
      },
      ...{ hideSTARTTLS: options.cert === undefined, closeTimeout: 100 },
      ...options,
      onConnect: (_, done) => this.#answer(this.faults.connect, done),
      onAuth: (auth, _, done) => {
        this.logins.push(auth.method);
        const { login } = this.faults;
        const isRight =
          auth.method === 'XOAUTH2' ? this.takesToken(auth.accessToken) : auth.password === SMTP_PASSWORD;
        if (login) this.#answer(login, done);
        else if (isRight && auth.username === SMTP_USER) done(null, { user: auth.username });
        else done(errorOf({ code: 535, text: '5.7.8 Authentication failed' }));
      },
      onMailFrom: (_, { id }, done) => {
        const { sender, most } = this.faults;
        const before = this.#begun.get(id) ?? 0;
        this.#begun.set(id, before + 1);
        if (most && before >= most.mails) this.#answer(most.then, done);
        else if (sender !== 'cutOnce') this.#answer(sender, done);
        else {
          this.faults = {};
          this.#strike(() => this.wire.cut());
        }
      },
      onRcptTo: ({ address }, _, done) => this.#answer(this.faults.recipient?.(address) ?? undefined, done),
      onData: (stream, session, done) => {
        const { mail = 'taken' } = this.faults;
        const pieces: Buffer[] = [];
        stream.on('data', (piece: Buffer) => {
          pieces.push(piece);
          if (mail === 'beforeEnd') this.#strike(() => this.wire.cut());
        });
        stream.on('error', () => undefined);
        stream.on('end', () => {
          if (typeof mail === 'object') {
            this.#answer(mail, done);
            return;
          }
          const raw = Buffer.concat(pieces);
          const messageId = messageIdOf(readHeaders(headerBlock(raw))) ?? '';
          const to = session.envelope.rcptTo.map(({ address }) => address);
          const { secure, hostNameAppearsAs: client } = session;
          this.accepted.push({ messageId, to, raw, secure, client });
          const answer = (): void => {
            if (mail === 'afterEnd') this.#strike(() => this.wire.cut());
            else if (mail === 'silentAfter') this.#struck++;
            else this.#answer(undefined, (error) => done(error ?? null, '2.0.0 OK: queued as 4711'));
          };
          this.file(raw).then(answer, () => this.#answer({ code: 451, text: '4.3.0 Not filed' }, done));
        });
      },
    });
    // Clients that are cut off are what is tried here.
    this.#server.on('error', () => undefined);
  }

  static async start(options: SMTPServerOptions = {}): Promise<FaultySmtp> {
    const smtp = new FaultySmtp(options);
    const inner = smtp.#server.listen(0, '127.0.0.1');
    await once(inner, 'listening');
    smtp.#wire = await Wire.to(() => (inner.address() as AddressInfo).port);
    return smtp;
  }

  /** Before it. */
  get wire(): Wire {
    return this.#wire!;
  }

  get port(): number {
    return this.wire.port;
  }

  /** How often a fault did something: a test of a fault cannot pass without it. */
  get struck(): number {
    return this.#struck + this.wire.struck;
  }

  /** Connections that the server has not seen the end of. */
  get served(): number {
    return this.#server.connections.size;
  }

  /** How often it has a mail. */
  count(messageId: string): number {
    return this.accepted.filter((taken) => taken.messageId === messageId).length;
  }

  async stop(): Promise<void> {
    this.wire.dispose();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #strike(what: () => void): void {
    this.#struck++;
    what();
  }

  #answer(reply: Reply | 'silent' | undefined, done: (error?: Error | null) => void): void {
    if (reply !== undefined) this.#struck++;
    if (reply === 'silent') return;
    const { slowMs = 0 } = this.faults;
    const say = (): void => (reply ? done(errorOf(reply)) : done());
    if (slowMs > 0) {
      this.#struck++;
      setTimeout(say, slowMs).unref();
    } else say();
  }
}

const errorOf = ({ code, text }: Reply): Error => Object.assign(new Error(text), { responseCode: code });
