// One connection to an IMAP account: the only file that imports imapflow, and only when it connects.
// Invariants: an instance is used once; every command has a deadline, after which the connection is closed,
// because imapflow itself recovers from neither an unanswered IDLE nor a half-open socket in useful time;
// an empty answer is believed only of a connection that is still usable.
import type { FetchMessageObject, FetchQueryObject, ImapFlow, SearchObject } from 'imapflow';
import { monotonicNow, pause, withDeadline } from '../../runtime/time';
import { clientOptions, throttleLogger } from './client-options';
import { ImapFault, toFault, unreadable } from './fault';
import { type ImapLogin, renewedLogin } from './login';
import { Refusals } from './refusal';

const CONNECT_MS = 20_000;
const COMMAND_MS = 30_000;
/** Copying mails takes a server so many times what it has for a command. */
const LONGER = 4;
const LOGOUT_MS = 2_000;
// At this time imapflow would break IDLE off by itself, and not begin it again: every heartbeat is sooner.
const SOCKET_TIMEOUT_MS = 30 * 60_000;
/** A mail above this size is never fetched whole. */
export const MOST_READ_BYTES = 250 * 1024 * 1024;
const MAX_LITERAL_BYTES = MOST_READ_BYTES + 1024 * 1024;

export class ImapConnection {
  /** For those commands that need no more than a deadline: see `command`. */
  readonly client: ImapFlow;
  readonly login: ImapLogin;
  readonly #commandMs: number;
  readonly #fault: (error: unknown) => ImapFault;
  readonly #refusals: Refusals;
  readonly #closed = new AbortController();
  #hinted = false;
  #stopWaiting: (() => void) | undefined;
  #ending: Promise<void> | undefined;
  #noIdle = false;

  private constructor(
    client: ImapFlow,
    login: ImapLogin,
    commandMs: number,
    fault: (error: unknown) => ImapFault,
    refusals: Refusals,
  ) {
    this.client = client;
    this.login = login;
    this.#commandMs = commandMs;
    this.#fault = fault;
    this.#refusals = refusals;
    client.on('exists', () => this.hint());
    client.on('close', () => this.#closed.abort());
    // Expected socket errors come as `close`; without a listener the others would end the process.
    client.on('error', () => client.close());
  }

  /**
   * Connects and logs in; with another token, once, where the server rejects the first one.
   * @param commandMs how long the server may take for a command; for a mail's content, how long it may be silent
   * @param noIdle IDLE is not used, though the server may say that it has it
   * @throws ImapFault that says what is wrong: host, port, TLS, or login
   */
  static async connect(
    login: ImapLogin,
    signal: AbortSignal,
    options: { readonly commandMs?: number; readonly noIdle?: boolean } = {},
  ): Promise<ImapConnection> {
    try {
      return await ImapConnection.#connect(login, signal, options);
    } catch (error) {
      const renewed = (error as ImapFault).kind === 'login' ? await renewedLogin(login) : undefined;
      if (!renewed) throw error;
      return ImapConnection.#connect(renewed, signal, options);
    }
  }

  static async #connect(
    login: ImapLogin,
    signal: AbortSignal,
    { commandMs = COMMAND_MS, noIdle = false }: { readonly commandMs?: number; readonly noIdle?: boolean },
  ): Promise<ImapConnection> {
    const { ImapFlow } = await import('imapflow');
    signal.throwIfAborted();
    let throttledMs: number | undefined;
    const refusals = new Refusals();
    const client = new ImapFlow({
      ...clientOptions(login),
      logger: refusals.heardBy(
        throttleLogger((forMs) => {
          throttledMs = forMs;
          // Not before it waits: closing ends the wait.
          queueMicrotask(() => client.close());
        }),
      ),
      disableAutoIdle: true,
      // COMPRESS costs an idle connection 180 KB (measured with Cyrus).
      disableCompression: true,
      connectionTimeout: CONNECT_MS,
      greetingTimeout: CONNECT_MS,
      socketTimeout: SOCKET_TIMEOUT_MS,
      maxLiteralSize: MAX_LITERAL_BYTES,
      maxResponseSize: MAX_LITERAL_BYTES * 2,
    });
    const fault = (error: unknown): ImapFault =>
      toFault(error, login, { throttledMs, isEncrypted: client.secureConnection });
    const connection = new ImapConnection(client, login, commandMs, fault, refusals);
    connection.#noIdle = noIdle;
    const stop = (): void => client.close();
    signal.addEventListener('abort', stop, { once: true });
    try {
      await withDeadline('Connecting', CONNECT_MS + commandMs, client.connect());
      return connection;
    } catch (error) {
      client.close();
      throw fault(error);
    } finally {
      signal.removeEventListener('abort', stop);
    }
  }

  /** Whether the server announces new mail (RFC 2177). */
  get canIdle(): boolean {
    return !this.#noIdle && this.client.capabilities.has('IDLE');
  }

  /** There may be new mail: the running or the next `wait` ends at once. */
  hint(): void {
    this.#hinted = true;
    this.#stopWaiting?.();
  }

  /** Makes the running `wait` end at once, without news. */
  interrupt(): void {
    this.#stopWaiting?.();
  }

  /** There was news that nobody has looked at yet. */
  get isHinted(): boolean {
    return this.#hinted;
  }

  /** There was news since it was last asked. Asking forgets it. */
  takeHint(): boolean {
    const hinted = this.#hinted;
    this.#hinted = false;
    return hinted;
  }

  has(capability: string): boolean {
    return this.client.capabilities.has(capability);
  }

  /** Whether the server gives each mail an id of its own (RFC 8474, or Gmail's). */
  get hasIds(): boolean {
    return this.has('OBJECTID') || this.has('X-GM-EXT-1');
  }

  /** How many mails the open mailbox has, as far as the server has told. */
  get exists(): number {
    const { mailbox } = this.client;
    return mailbox ? mailbox.exists : 0;
  }

  /** Calls back with the sequence number of each mail that is deleted from the open mailbox. */
  onExpunge(callback: (seq: number) => void): void {
    this.client.on('expunge', ({ seq }) => {
      if (seq !== undefined) callback(seq);
    });
  }

  /** Asks for a sign of life; what was announced before counts as seen. @throws ImapFault */
  async probe(): Promise<void> {
    await this.command('NOOP', this.client.noop());
    this.#hinted = false;
  }

  /** As `probe`, where mails are not told of that should be there. */
  async lookAgain(): Promise<void> {
    await this.probe();
    // What came in the meantime is not seen yet.
    this.hint();
  }

  /**
   * Waits for a hint that there is new mail, by IDLE where the server has it, for at most `ms`; without IDLE, for
   * `pollMs`. Ends early when the connection does, or on abort; the next command tells.
   * @param isOpen a mailbox is open: without one nothing is announced
   */
  async wait(
    ms: number,
    pollMs: number,
    isOpen: boolean,
    signal: AbortSignal,
  ): Promise<'hint' | 'time' | 'interrupt'> {
    if (this.#hinted) return 'hint';
    const waiting = new AbortController();
    const stopWaiting = (): void => waiting.abort();
    this.#stopWaiting = stopWaiting;
    for (const ending of [this.#closed.signal, signal]) ending.addEventListener('abort', stopWaiting);
    if (this.#closed.signal.aborted || signal.aborted) stopWaiting();
    const began = monotonicNow();
    try {
      if (this.canIdle && isOpen) {
        // IDLE ends by itself only where the server refuses or breaks it off: then this is a poll.
        await Promise.race([this.client.idle().catch(() => undefined), pause(ms, waiting.signal)]);
        const spent = monotonicNow() - began;
        if (!waiting.signal.aborted && spent < pollMs) await pause(pollMs - spent, waiting.signal);
      } else {
        await pause(pollMs, waiting.signal);
      }
      return this.#woken(waiting.signal.aborted && !signal.aborted);
    } finally {
      this.#stopWaiting = undefined;
      for (const ending of [this.#closed.signal, signal]) ending.removeEventListener('abort', stopWaiting);
      stopWaiting();
    }
  }

  #woken(isEndedEarly: boolean): 'hint' | 'time' | 'interrupt' {
    if (this.#hinted) return 'hint';
    return isEndedEarly && !this.#closed.signal.aborted ? 'interrupt' : 'time';
  }

  /** Logs out (which ends IDLE with DONE) and closes; a server that does not answer is not waited for. */
  end(): Promise<void> {
    return (this.#ending ??= this.#end());
  }

  async #end(): Promise<void> {
    try {
      if (this.client.usable) await withDeadline('Logging out', LOGOUT_MS, this.client.logout());
    } catch {
      // Closing is all that is left to do.
    } finally {
      this.client.close();
    }
  }

  /** UIDs in the open mailbox. imapflow answers a refused search with `false`. @throws Refusal with the server's words */
  async search(query: SearchObject): Promise<number[]> {
    this.#refusals.forget();
    const found = await this.command('Searching for mail', this.client.search(query, { uid: true }));
    if (!found) throw this.#refusals.refusal();
    return found;
  }

  /** Runs a command that changes something: imapflow answers a refused one with `false`. @throws Refusal */
  async change(what: string, changing: Promise<unknown>): Promise<void> {
    this.#refusals.forget();
    if (!(await this.command(what, changing, 'longer'))) throw this.#refusals.refusal();
  }

  /**
   * FETCH in the open mailbox. No command may run inside `take`: imapflow would wait for itself.
   * @param numbers what the range is of
   */
  async fetch(
    what: string,
    range: string,
    query: FetchQueryObject,
    take: (message: FetchMessageObject) => void,
    numbers: 'uid' | 'seq' = 'uid',
  ): Promise<void> {
    const fetching = async (): Promise<void> => {
      const uid = numbers === 'uid';
      for await (const message of this.client.fetch(range, { ...query, uid: true }, { uid })) take(message);
    };
    await this.command(what, fetching(), 'while bytes come');
  }

  /**
   * FETCH of mails that are there: something must be told of one of them at least. Where nothing is, they may have been
   * deleted, which a server says only when it is asked; so it is, and then for the mails once more.
   * @param range of mails that are there now; undefined: there are none
   * @throws ImapFault `unreadable`
   */
  async fetchThere(
    what: string,
    range: () => string | undefined,
    query: FetchQueryObject,
    take: (message: FetchMessageObject) => void,
    numbers: 'uid' | 'seq' = 'uid',
  ): Promise<void> {
    for (let isAgain = false; ; isAgain = true) {
      const set = range();
      if (set === undefined) return;
      let heard = 0;
      const hear = (message: FetchMessageObject): void => {
        if (message.uid) heard++;
        take(message);
      };
      await this.fetch(what, set, query, hear, numbers);
      if (heard > 0) return;
      if (isAgain) throw unreadable(this.login, this.exists);
      await this.lookAgain();
    }
  }

  /** The command's answer, by its deadline. @throws ImapFault; one of the connection has closed it */
  async command<T>(what: string, running: Promise<T>, patience?: 'while bytes come' | 'longer'): Promise<T> {
    try {
      const result = await (patience === 'while bytes come'
        ? this.#whileBytesCome(what, running)
        : withDeadline(what, this.#commandMs * (patience ? LONGER : 1), running));
      // imapflow answers with nothing, instead of an error, when the connection went away under a command.
      if (!this.client.usable)
        throw new ImapFault('connection', `The connection to ${this.login.host} was lost.`);
      return result;
    } catch (error) {
      const fault = this.#fault(error);
      if (fault.kind === 'connection') this.client.close();
      throw fault;
    }
  }

  async #whileBytesCome<T>(what: string, running: Promise<T>): Promise<T> {
    for (;;) {
      const before = this.client.stats().received;
      try {
        return await withDeadline(what, this.#commandMs, running);
      } catch (error) {
        if ((error as Error).name !== 'DeadlineError' || this.client.stats().received === before) throw error;
      }
    }
  }
}
