// One connection to an IMAP account: its commands, and the wait for news (waiting.ts). It is made in connecting.ts.
// Invariants: an instance is used once; every command has a deadline, after which the connection is closed,
// because imapflow itself recovers from neither an unanswered IDLE nor a half-open socket in useful time;
// an empty answer is believed only of a connection that is still usable.
import type { FetchMessageObject, FetchQueryObject, ImapFlow, SearchObject } from 'imapflow';
import { monotonicNow, withDeadline } from '../../runtime/time';
import { Piece } from '../../runtime/turns';
import { type Connected, connected } from './connecting';
import { ImapFault, unreadable } from './fault';
import { type ImapLogin, renewedLogin } from './login';
import type { Refusals } from './refusal';
import { Waiting } from './waiting';

const COMMAND_MS = 30_000;
/** Copying mails takes a server so many times what it has for a command. */
const LONGER = 4;
const LOGOUT_MS = 2_000;

export interface ConnectOptions {
  /** How long the server may take for a command, ms; for a mail's content, how long it may be silent. */
  readonly commandMs?: number;
  /** IDLE is not used, though the server may say that it has it. */
  readonly noIdle?: boolean;
}

export class ImapConnection {
  /** For those commands that need no more than a deadline: see `command`. */
  readonly client: ImapFlow;
  readonly login: ImapLogin;
  readonly #commandMs: number;
  readonly #noIdle: boolean;
  readonly #fault: Connected['fault'];
  readonly #refusals: Refusals;
  readonly #waiting: Waiting;
  #ending: Promise<void> | undefined;
  #roundTripMs = Infinity;

  private constructor(
    { client, fault, refusals }: Connected,
    login: ImapLogin,
    { commandMs = COMMAND_MS, noIdle = false }: ConnectOptions,
  ) {
    this.client = client;
    this.login = login;
    this.#commandMs = commandMs;
    this.#noIdle = noIdle;
    this.#fault = fault;
    this.#refusals = refusals;
    this.#waiting = new Waiting(client);
  }

  /**
   * Connects and logs in; with another token, once, where the server rejects the first one.
   * @throws ImapFault that says what is wrong: host, port, TLS, or login
   */
  static async connect(
    login: ImapLogin,
    signal: AbortSignal,
    options: ConnectOptions = {},
  ): Promise<ImapConnection> {
    const { commandMs = COMMAND_MS } = options;
    try {
      return new ImapConnection(await connected(login, signal, commandMs), login, options);
    } catch (error) {
      const renewed = (error as ImapFault).kind === 'login' ? await renewedLogin(login) : undefined;
      if (!renewed) throw error;
      return new ImapConnection(await connected(renewed, signal, commandMs), renewed, options);
    }
  }

  /** Whether the server announces new mail (RFC 2177). */
  get canIdle(): boolean {
    return !this.#noIdle && this.client.capabilities.has('IDLE');
  }

  /** How long a command and its answer are under way, ms: as long as the one that was answered soonest. */
  get roundTripMs(): number {
    return this.#roundTripMs;
  }

  /** As `Waiting.hint`. */
  hint(): void {
    this.#waiting.hint();
  }

  /** As `Waiting.interrupt`. */
  interrupt(): void {
    this.#waiting.interrupt();
  }

  /** As `Waiting.isHinted`. */
  get isHinted(): boolean {
    return this.#waiting.isHinted;
  }

  /** As `Waiting.takeHint`. */
  takeHint(): boolean {
    return this.#waiting.takeHint();
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
    await this.signOfLife();
    this.#waiting.takeHint();
  }

  /** Asks for a sign of life; what is announced with it is news. @throws ImapFault */
  async signOfLife(): Promise<void> {
    await this.command('NOOP', this.client.noop());
  }

  /** So many bytes came over it. */
  get heard(): number {
    return this.client.stats().received;
  }

  /** As `probe`, where mails are not told of that should be there. */
  async lookAgain(): Promise<void> {
    await this.probe();
    // What came in the meantime is not seen yet.
    this.hint();
  }

  /** As `Waiting.wait`. @param isOpen a mailbox is open: without one nothing is announced */
  wait(
    ms: number,
    pollMs: number,
    isOpen: boolean,
    signal: AbortSignal,
  ): Promise<'hint' | 'time' | 'interrupt'> {
    return this.#waiting.wait(ms, pollMs, this.canIdle && isOpen, signal);
  }

  /** Closes: nobody would hear a word of goodbye. */
  abandon(): void {
    this.client.close();
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
    const began = monotonicNow();
    let heard = 0;
    const fetching = async (): Promise<void> => {
      const uid = numbers === 'uid';
      const piece = new Piece();
      for await (const message of this.client.fetch(range, { ...query, uid: true }, { uid })) {
        if (heard++ === 0) this.#answered(began);
        take(message);
        // imapflow itself reads 640 KB in one go.
        if (piece.isLong) await piece.over();
      }
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
    const began = monotonicNow();
    try {
      const result = await (patience === 'while bytes come'
        ? this.#whileBytesCome(what, running)
        : withDeadline(what, this.#commandMs * (patience ? LONGER : 1), running));
      this.#answered(began);
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

  #answered(asked: number): void {
    this.#roundTripMs = Math.min(this.#roundTripMs, monotonicNow() - asked);
  }

  async #whileBytesCome<T>(what: string, running: Promise<T>): Promise<T> {
    for (;;) {
      const before = this.heard;
      try {
        return await withDeadline(what, this.#commandMs, running);
      } catch (error) {
        if ((error as Error).name !== 'DeadlineError' || this.heard === before) throw error;
      }
    }
  }
}
