// One IMAP connection with one mailbox open: the only file that imports imapflow, and only when it connects.
// Invariants: an instance is used once; every command has a deadline, after which the connection is closed,
// because imapflow itself recovers from neither an unanswered IDLE nor a half-open socket in useful time;
// an empty answer is believed only of a connection that is still usable.
import type { FetchMessageObject, FetchQueryObject, ImapFlow, MailboxObject } from 'imapflow';
import { errorText } from '../runtime/log';
import { monotonicNow, pause, withDeadline } from '../runtime/time';
import { ImapFault, mailboxFault, toFault } from './fault';
import type { ImapLogin } from './login';

const CONNECT_MS = 20_000;
const COMMAND_MS = 30_000;
const LOGOUT_MS = 2_000;
// While idling imapflow would break IDLE by itself at this time; our own heartbeat is sooner.
const SOCKET_TIMEOUT_MS = 5 * 60_000;
/** A mail above this size is never fetched whole. */
const MOST_READ_BYTES = 250 * 1024 * 1024;
const MAX_LITERAL_BYTES = MOST_READ_BYTES + 1024 * 1024;

/** The header fields that the soft identity is made of. */
const IDENTITY_FIELDS = ['message-id', 'from', 'date', 'subject'];

export interface OpenedMailbox {
  readonly uidValidity: string;
  /** The UID that the next mail will have at least, when the mailbox was opened. */
  readonly uidNext: number;
}

export interface MailFacts {
  readonly uid: number;
  /** Octets (RFC822.SIZE). */
  readonly size: number;
  /** INTERNALDATE, ms since 1970. */
  readonly receivedAt: number | null;
  readonly emailId: string | undefined;
  /** The identity fields, as a header block. */
  readonly identityFields: Buffer;
}

export class ImapSession {
  readonly #client: ImapFlow;
  readonly #login: ImapLogin;
  readonly #commandMs: number;
  readonly #closed = new AbortController();
  #hinted = false;
  #onHint: (() => void) | undefined;

  private constructor(client: ImapFlow, login: ImapLogin, commandMs: number) {
    this.#client = client;
    this.#login = login;
    this.#commandMs = commandMs;
    client.on('exists', () => this.hint());
    client.on('close', () => this.#closed.abort());
    // Expected socket errors come as `close`; without a listener the others would end the process.
    client.on('error', () => client.close());
  }

  /**
   * Connects and logs in.
   * @param commandMs how long the server may take for a command; for a mail's content, how long it may be silent
   * @throws ImapFault that says what is wrong: host, port, TLS, or login
   */
  static async connect(login: ImapLogin, signal: AbortSignal, commandMs = COMMAND_MS): Promise<ImapSession> {
    const { ImapFlow } = await import('imapflow');
    signal.throwIfAborted();
    const client = new ImapFlow({
      host: login.host,
      port: login.port,
      secure: login.secure,
      auth: { user: login.user, pass: login.password },
      tls: { rejectUnauthorized: !login.allowUnauthorizedCerts },
      logger: false,
      disableAutoIdle: true,
      connectionTimeout: CONNECT_MS,
      greetingTimeout: CONNECT_MS,
      socketTimeout: SOCKET_TIMEOUT_MS,
      maxLiteralSize: MAX_LITERAL_BYTES,
      maxResponseSize: MAX_LITERAL_BYTES * 2,
    });
    const session = new ImapSession(client, login, commandMs);
    const stop = (): void => client.close();
    signal.addEventListener('abort', stop, { once: true });
    try {
      await withDeadline('Connecting', CONNECT_MS + commandMs, client.connect());
      return session;
    } catch (error) {
      client.close();
      throw toFault(error, login);
    } finally {
      signal.removeEventListener('abort', stop);
    }
  }

  /** Whether the server announces new mail (RFC 2177). */
  get canIdle(): boolean {
    return this.#client.capabilities.has('IDLE');
  }

  /** Makes the running or the next `wait` end at once. */
  hint(): void {
    this.#hinted = true;
    this.#onHint?.();
  }

  /** Opens the mailbox to read only. @throws ImapFault that names the mailboxes there are, if it cannot */
  async open(mailbox: string): Promise<OpenedMailbox> {
    let opened: MailboxObject;
    try {
      opened = await this.#command(
        'Opening the mailbox',
        this.#client.mailboxOpen(mailbox, { readOnly: true }),
      );
    } catch (error) {
      if ((error as ImapFault).kind !== 'other') throw error;
      const names = await this.mailboxes().catch(() => []);
      const said = (error as ImapFault).cause as { responseText?: string } | undefined;
      throw mailboxFault(mailbox, this.#login, names, said?.responseText ?? errorText(error));
    }
    const uidNext = opened.uidNext || (await this.newestUid()) + 1;
    return { uidValidity: String(opened.uidValidity), uidNext };
  }

  /** The names of the account's mailboxes. */
  async mailboxes(): Promise<string[]> {
    const list = await this.#command('Listing mailboxes', this.#client.list());
    return list.filter(({ flags }) => !flags.has('\\Noselect')).map(({ path }) => path);
  }

  /** UIDs above `after`, ascending. Asks for what nobody announced, too. */
  async uidsAfter(after: number): Promise<number[]> {
    // Coming out of IDLE the server has told what is new; otherwise a NOOP makes it look.
    if (!this.#hinted) await this.#command('NOOP', this.#client.noop());
    this.#hinted = false;
    const uids: number[] = [];
    // `*` is the last mail even where its UID is not above `after` (RFC 3501, 6.4.8).
    await this.#fetch('Looking for new mail', `${after + 1}:*`, {}, ({ uid }) => {
      if (uid > after) uids.push(uid);
    });
    return uids.sort((a, b) => a - b);
  }

  /** UIDs above `after` of mails received on the day of `since` (ms since 1970) or later, ascending. */
  async uidsSince(after: number, since: number): Promise<number[]> {
    // SEARCH SINCE compares dates without a time zone: a day earlier is sure to hold them all.
    const day = new Date(since - 86_400_000);
    const found = await this.#command(
      'Searching for mail',
      this.#client.search({ since: day, uid: `${after + 1}:*` }, { uid: true }),
    );
    if (!found) throw new ImapFault('connection', `${this.#login.host} did not answer a search.`);
    return found.filter((uid) => uid > after).sort((a, b) => a - b);
  }

  /** UIDs of mails of this size (RFC822.SIZE), ascending. */
  async uidsOfSize(size: number): Promise<number[]> {
    const query = { larger: size - 1, smaller: size + 1 };
    const found = await this.#command('Searching for mail', this.#client.search(query, { uid: true }));
    if (!found) throw new ImapFault('connection', `${this.#login.host} did not answer a search.`);
    return found.sort((a, b) => a - b);
  }

  /** What identifies each mail, without its body. A mail that was deleted is missing from the answer. */
  async facts(uids: readonly number[]): Promise<MailFacts[]> {
    const facts = new Map<number, MailFacts>();
    const query = { size: true, internalDate: true, headers: IDENTITY_FIELDS };
    await this.#fetch('Reading mail headers', uids.join(','), query, (message) => {
      const date = message.internalDate ? new Date(message.internalDate).getTime() : NaN;
      facts.set(message.uid, {
        uid: message.uid,
        size: message.size ?? 0,
        receivedAt: Number.isNaN(date) ? null : date,
        emailId: message.emailId,
        identityFields: message.headers ?? Buffer.alloc(0),
      });
    });
    await this.#confirmGone(uids, facts);
    return [...facts.values()].sort((a, b) => a.uid - b.uid);
  }

  /**
   * The raw mails by UID, or their header blocks only. A mail that was deleted is missing from the answer.
   * They are all held in memory: the caller bounds their sizes.
   */
  async contents(uids: readonly number[], part: 'whole' | 'headers'): Promise<Map<number, Buffer>> {
    const contents = new Map<number, Buffer>();
    const query: FetchQueryObject = part === 'whole' ? { source: true } : { headers: true };
    await this.#fetch('Reading mail', uids.join(','), query, ({ uid, source, headers }) => {
      const content = part === 'whole' ? source : headers;
      if (content) contents.set(uid, content);
    });
    await this.#confirmGone(uids, contents);
    return contents;
  }

  /** One mail, whole, or only its headers if it is too large; null if it was deleted. */
  async mail(uid: number, size: number): Promise<{ raw: Buffer; truncated: boolean } | null> {
    const truncated = size > MOST_READ_BYTES;
    const raw = (await this.contents([uid], truncated ? 'headers' : 'whole')).get(uid);
    return raw ? { raw, truncated } : null;
  }

  /** The UID of the newest mail, or 0 in an empty mailbox. */
  async newestUid(): Promise<number> {
    let last = 0;
    const mailbox = this.#client.mailbox;
    if (mailbox && mailbox.exists === 0) return 0;
    await this.#fetch('Looking for the last mail', '*', {}, ({ uid }) => {
      last = Math.max(last, uid);
    });
    return last;
  }

  /**
   * Waits for a hint that there is new mail, by IDLE where the server has it, for at most `ms`.
   * Ends early when the connection does, or on abort; the next command tells.
   */
  async wait(ms: number, pollMs: number, signal: AbortSignal): Promise<void> {
    const waiting = new AbortController();
    const end = (): void => waiting.abort();
    this.#onHint = end;
    const either = AbortSignal.any([waiting.signal, this.#closed.signal, signal]);
    const began = monotonicNow();
    try {
      if (this.#hinted) return;
      if (this.canIdle) {
        // IDLE ends by itself only where the server refuses or breaks it off: then this is a poll.
        await Promise.race([this.#client.idle().catch(() => undefined), pause(ms, either)]);
        const spent = monotonicNow() - began;
        if (!either.aborted && spent < pollMs) await pause(pollMs - spent, either);
      } else {
        await pause(pollMs, either);
      }
    } finally {
      this.#onHint = undefined;
      waiting.abort();
    }
  }

  /** Logs out (which ends IDLE with DONE) and closes; a server that does not answer is not waited for. */
  async end(): Promise<void> {
    try {
      if (this.#client.usable) await withDeadline('Logging out', LOGOUT_MS, this.#client.logout());
    } catch {
      // Closing is all that is left to do.
    } finally {
      this.#client.close();
    }
  }

  /** A UID without an answer was deleted, or the server is failing: only the first is fine. */
  async #confirmGone(asked: readonly number[], answered: ReadonlyMap<number, unknown>): Promise<void> {
    const missing = asked.filter((uid) => !answered.has(uid));
    if (missing.length === 0) return;
    const there: number[] = [];
    await this.#fetch('Looking for deleted mail', missing.join(','), {}, ({ uid }) => there.push(uid));
    const withheld = there.filter((uid) => missing.includes(uid));
    if (withheld.length > 0) {
      throw new ImapFault(
        'other',
        `${this.#login.host} did not hand out the mail with UID ${withheld.join(', ')}.`,
      );
    }
  }

  /** No command may run inside `take`: imapflow would wait for itself. */
  async #fetch(
    what: string,
    range: string,
    query: FetchQueryObject,
    take: (message: FetchMessageObject) => void,
  ): Promise<void> {
    const fetching = async (): Promise<void> => {
      const uid = range !== '*';
      for await (const message of this.#client.fetch(range, { ...query, uid: true }, { uid })) take(message);
    };
    await this.#command(what, fetching(), 'while bytes come');
  }

  async #command<T>(what: string, running: Promise<T>, patience?: 'while bytes come'): Promise<T> {
    try {
      const result = await (patience
        ? this.#whileBytesCome(what, running)
        : withDeadline(what, this.#commandMs, running));
      // imapflow answers with nothing, instead of an error, when the connection went away under a command.
      if (!this.#client.usable)
        throw new ImapFault('connection', `The connection to ${this.#login.host} was lost.`);
      return result;
    } catch (error) {
      const fault = toFault(error, this.#login);
      if (fault.kind === 'connection') this.#client.close();
      throw fault;
    }
  }

  async #whileBytesCome<T>(what: string, running: Promise<T>): Promise<T> {
    for (;;) {
      const before = this.#client.stats().received;
      try {
        return await withDeadline(what, this.#commandMs, running);
      } catch (error) {
        if ((error as Error).name !== 'DeadlineError' || this.#client.stats().received === before)
          throw error;
      }
    }
  }
}
