// One IMAP connection with one mailbox open: the only file that imports imapflow, and only when it connects.
// Invariants: an instance is used once; every command has a deadline, after which the connection is closed,
// because imapflow itself recovers from neither an unanswered IDLE nor a half-open socket in useful time;
// an empty answer is believed only of a connection that is still usable.
import type {
  FetchMessageObject,
  FetchQueryObject,
  ImapFlow,
  MailboxObject,
  MessageStructureObject,
  SearchObject,
} from 'imapflow';
import { errorText } from '../runtime/log';
import { monotonicNow, pause, withDeadline } from '../runtime/time';
import { clientOptions, throttleLogger } from './client-options';
import { restrictedTo, type SearchCriteria } from './criteria';
import { ImapFault, mailboxFault, toFault } from './fault';
import { accountName, type ImapLogin, renewedLogin } from './login';
import type { ListedMailbox } from './mailboxes';
import { Refusals } from './refusal';

const CONNECT_MS = 20_000;
const COMMAND_MS = 30_000;
/** Copying mails takes a server so many times what it has for a command. */
const LONGER = 4;
const LOGOUT_MS = 2_000;
/** So that a search of many mails' text does not take too long, nor its command grow beyond 8 KB. */
const UIDS_A_SEARCH = 200;
// At this time imapflow would break IDLE off by itself, and not begin it again: every heartbeat is sooner.
const SOCKET_TIMEOUT_MS = 30 * 60_000;
/** A mail above this size is never fetched whole. */
const MOST_READ_BYTES = 250 * 1024 * 1024;
const MAX_LITERAL_BYTES = MOST_READ_BYTES + 1024 * 1024;

/** The header fields that a mail is identified and filtered by. */
const FIELDS = ['message-id', 'from', 'to', 'cc', 'date', 'subject'];
const NO_NEEDS: FactNeeds = { flags: false, structure: false };

/** So many new mails are asked for with everything at once. */
const FEW_MAILS = 50;

export interface OpenedMailbox {
  readonly name: string;
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
  /** Message-ID, From, To, Cc, Date and Subject, as a header block. */
  readonly fields: Buffer;
  /** Where it was asked for. */
  readonly flags?: ReadonlySet<string>;
  /** BODYSTRUCTURE, where it was asked for. */
  readonly structure?: MessageStructureObject;
}

/** What is fetched of each mail besides what identifies it. */
export interface FactNeeds {
  readonly flags: boolean;
  readonly structure: boolean;
}

export interface News {
  readonly uids: number[];
  /** Of some of them. */
  readonly facts: ReadonlyMap<number, MailFacts>;
}

/** The server lists mails and does not hand them out. */
export class WithheldMail extends ImapFault {
  constructor(
    host: string,
    readonly uids: readonly number[],
  ) {
    super('other', `${host} did not hand out the mail with UID ${uids.join(', ')}.`);
  }
}

export class ImapSession {
  readonly #client: ImapFlow;
  readonly #login: ImapLogin;
  readonly #commandMs: number;
  readonly #fault: (error: unknown) => ImapFault;
  readonly #refusals: Refusals;
  readonly #closed = new AbortController();
  #hinted = false;
  /** How many mails there were when it was last looked for new ones. */
  #existed = 0;
  #stopWaiting: (() => void) | undefined;
  #opened: OpenedMailbox | undefined;
  #ending: Promise<void> | undefined;
  #noIdle = false;
  #purpose: 'to read' | 'to change' = 'to read';

  private constructor(
    client: ImapFlow,
    login: ImapLogin,
    commandMs: number,
    fault: (error: unknown) => ImapFault,
    refusals: Refusals,
  ) {
    this.#client = client;
    this.#login = login;
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
  ): Promise<ImapSession> {
    try {
      return await ImapSession.#connect(login, signal, options);
    } catch (error) {
      const renewed = (error as ImapFault).kind === 'login' ? await renewedLogin(login) : undefined;
      if (!renewed) throw error;
      return ImapSession.#connect(renewed, signal, options);
    }
  }

  static async #connect(
    login: ImapLogin,
    signal: AbortSignal,
    { commandMs = COMMAND_MS, noIdle = false }: { readonly commandMs?: number; readonly noIdle?: boolean },
  ): Promise<ImapSession> {
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
    const fault = (error: unknown): ImapFault => toFault(error, login, throttledMs);
    const session = new ImapSession(client, login, commandMs, fault, refusals);
    session.#noIdle = noIdle;
    const stop = (): void => client.close();
    signal.addEventListener('abort', stop, { once: true });
    try {
      await withDeadline('Connecting', CONNECT_MS + commandMs, client.connect());
      return session;
    } catch (error) {
      client.close();
      throw fault(error);
    } finally {
      signal.removeEventListener('abort', stop);
    }
  }

  /** Whether the server announces new mail (RFC 2177). */
  get canIdle(): boolean {
    return !this.#noIdle && this.#client.capabilities.has('IDLE');
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

  /** The mailbox that is open. */
  get opened(): OpenedMailbox | undefined {
    return this.#opened;
  }

  /** Opens the mailbox to read only. @throws ImapFault that names the mailboxes there are, if it cannot */
  async open(mailbox: string): Promise<OpenedMailbox> {
    return this.#open(mailbox, 'to read');
  }

  /**
   * Opens the mailbox to change what is in it, or leaves it open so. Mails that came meanwhile are there without
   * having been announced: whoever waits next finds a hint. @throws ImapFault as `open`
   */
  async openToChange(mailbox: string): Promise<OpenedMailbox> {
    if (this.#opened?.name === mailbox && this.canChange) return this.#opened;
    const opened = await this.#open(mailbox, 'to change');
    this.hint();
    return opened;
  }

  /** Whether the open mailbox can be changed: it was opened so, and the server allows it. */
  get canChange(): boolean {
    const { mailbox } = this.#client;
    return this.#purpose === 'to change' && mailbox !== false && mailbox.readOnly !== true;
  }

  async #open(mailbox: string, purpose: 'to read' | 'to change'): Promise<OpenedMailbox> {
    this.#purpose = purpose;
    this.#opened = undefined;
    let opened: MailboxObject;
    try {
      opened = await this.#command(
        'Opening the mailbox',
        this.#client.mailboxOpen(mailbox, { readOnly: purpose === 'to read' }),
      );
    } catch (error) {
      if ((error as ImapFault).kind !== 'other') throw error;
      const names = await this.mailboxes().catch(() => []);
      const said = (error as ImapFault).cause as { responseText?: string } | undefined;
      throw mailboxFault(mailbox, this.#login, names, said?.responseText ?? errorText(error));
    }
    this.#existed = opened.exists;
    const uidNext = opened.uidNext || (await this.newestUid()) + 1;
    this.#hinted = false;
    return (this.#opened = {
      name: mailbox,
      uidValidity: String(opened.uidValidity),
      uidNext,
    });
  }

  /** The account's mailboxes, in the server's order. */
  async list(): Promise<ListedMailbox[]> {
    const list = await this.#command('Listing mailboxes', this.#client.list());
    return list.map(({ path, specialUse, delimiter, flags }) => ({
      path,
      specialUse: specialUse || null,
      delimiter: delimiter || '',
      selectable: !flags.has('\\Noselect') && !flags.has('\\NonExistent'),
    }));
  }

  /** The names of those that can hold mails. */
  async mailboxes(): Promise<string[]> {
    return (await this.list()).filter(({ selectable }) => selectable).map(({ path }) => path);
  }

  /** Asks for a sign of life; what was announced before counts as seen. @throws ImapFault */
  async probe(): Promise<void> {
    await this.#command('NOOP', this.#client.noop());
    this.#hinted = false;
  }

  /**
   * What is new: UIDs above `after`, ascending, `most` of them at the most. Asks for what nobody announced, too.
   * @param needs what is wanted of each mail; where few are new, it comes with the same answer
   */
  async news(after: number, most: number, needs: FactNeeds): Promise<News> {
    // Coming out of IDLE the server has told what is new; otherwise a NOOP makes it look.
    if (this.#hinted) this.#hinted = false;
    else await this.probe();
    const exists = this.#exists();
    // Where it was just opened, nobody has counted: UIDs tell what may have come before that.
    const unseen = (this.#opened?.uidNext ?? 0) - 1 - after;
    const isBurst = Math.max(exists - this.#existed, unseen) > FEW_MAILS;
    const lowest = new Lowest(most);
    const facts = new Map<number, MailFacts>();
    // `*` is the last mail even where its UID is not above `after` (RFC 3501, 6.4.8).
    await this.#fetch(
      'Looking for new mail',
      `${after + 1}:*`,
      isBurst ? {} : factQuery(needs),
      (message) => {
        if (message.uid <= after) return;
        lowest.add(message.uid);
        if (!isBurst && message.headers && facts.size < FEW_MAILS) facts.set(message.uid, factsOf(message));
      },
    );
    const uids = lowest.numbers;
    if (uids.length < most) this.#existed = exists;
    return { uids, facts };
  }

  /**
   * The highest UIDs below `below`, down to `downTo`, ascending, `most` of them at the most.
   * @param since only mails received on that day or later (ms since 1970)
   * @returns and down to where it was looked: there is none between that and the lowest of them
   */
  async uidsBelow(
    below: number,
    downTo: number,
    most: number,
    since?: number,
  ): Promise<{ uids: number[]; lookedTo: number }> {
    // In windows, so that neither side ever lists the whole mailbox. UIDs may have gaps of any size: an empty
    // window is followed by one twice as wide.
    let width = most * 2;
    let high = below - 1;
    const uids: number[] = [];
    while (high >= downTo && uids.length < most) {
      const low = Math.max(downTo, high - width + 1);
      const found = await (since === undefined
        ? this.#uidsIn(`${low}:${high}`)
        : this.#search({ since: daysBefore(since), uid: `${low}:${high}` }));
      for (const uid of found) if (uid >= low && uid <= high) uids.push(uid);
      high = low - 1;
      width *= 2;
    }
    uids.sort((a, b) => a - b);
    return { uids: uids.slice(-most), lookedTo: uids.length > most ? uids.at(-most)! : high + 1 };
  }

  /** The UID of the mail that is the `count`th from the end; 1 where there are fewer. */
  async uidFromEnd(count: number): Promise<number> {
    const exists = this.#exists();
    if (exists <= count) return 1;
    let found = 1;
    await this.#fetch(
      'Looking for older mail',
      String(exists - count + 1),
      {},
      ({ uid }) => (found = uid),
      'seq',
    );
    return found;
  }

  /** How many mails there are below the UID, as a sequence number tells; about, where it is not there. */
  async countBelow(uid: number): Promise<number> {
    let below = 0;
    await this.#fetch('Counting older mail', String(uid), {}, ({ seq }) => (below = seq - 1));
    return below;
  }

  /** UIDs above `after` of mails received on the day of `since` (ms since 1970) or later, ascending. */
  async uidsSince(after: number, since: number): Promise<number[]> {
    const found = await this.#search({ since: daysBefore(since), uid: `${after + 1}:*` });
    return found.filter((uid) => uid > after).sort((a, b) => a - b);
  }

  /** UIDs of mails of this size (RFC822.SIZE), ascending. */
  async uidsOfSize(size: number): Promise<number[]> {
    return (await this.#search({ larger: size - 1, smaller: size + 1 })).sort((a, b) => a - b);
  }

  /**
   * Which of these mails match, as the server judges. A mail that was deleted does not.
   * @throws ImapFault `other` where the server knows nothing of such a rule
   */
  async matching(uids: readonly number[], criteria: SearchCriteria): Promise<Set<number>> {
    const { host } = this.#login;
    const { gmailOnly } = criteria;
    const only = 'Custom Email Rules has a rule that only Gmail knows';
    if (gmailOnly !== null && !this.#client.capabilities.has('X-GM-EXT-1'))
      throw new ImapFault('other', `${only} (${gmailOnly}), and ${host} is not Gmail. Take the rule out.`);
    // Where a server has it (RFC 5032), imapflow turns a date into seconds before now, which is another rule.
    this.#client.capabilities.delete('WITHIN');
    const asked = new Set(uids);
    const matching = new Set<number>();
    for (let at = 0; at < uids.length; at += UIDS_A_SEARCH) {
      const query = restrictedTo(uids.slice(at, at + UIDS_A_SEARCH).join(','), criteria);
      this.#refusals.forget();
      const found = await this.#command('Searching', this.#client.search(query, { uid: true }));
      if (!found) {
        const said = this.#refusals.refusal().message;
        throw new ImapFault(
          'other',
          `${host} refused to search by Custom Email Rules (${said}). Check them.`,
        );
      }
      for (const uid of found) if (asked.has(uid)) matching.add(uid);
    }
    return matching;
  }

  /** What the server tells of each mail, without its body. A mail that was deleted is missing from the answer. */
  async facts(uids: readonly number[], needs: FactNeeds = NO_NEEDS): Promise<MailFacts[]> {
    const facts = new Map<number, MailFacts>();
    await this.#fetch('Reading mail headers', uids.join(','), factQuery(needs), (message) => {
      facts.set(message.uid, factsOf(message));
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

  /**
   * One mail, whole, or only its headers if it is too large; null if it was deleted.
   * @param mostBytes above this it is too large; no mail above 250 MB is ever fetched whole
   */
  async mail(
    uid: number,
    size: number,
    mostBytes = MOST_READ_BYTES,
  ): Promise<{ raw: Buffer; truncated: boolean } | null> {
    const truncated = size > Math.min(mostBytes, MOST_READ_BYTES);
    const raw = (await this.contents([uid], truncated ? 'headers' : 'whole')).get(uid);
    return raw ? { raw, truncated } : null;
  }

  /** The flag or keyword as the server spells it, if the open mailbox keeps it (PERMANENTFLAGS); else null. */
  keptFlag(flag: string): string | null {
    const { mailbox } = this.#client;
    const kept = mailbox ? mailbox.permanentFlags : undefined;
    if (!kept) return flag;
    const same = [...kept].find((one) => one.toLowerCase() === flag.toLowerCase());
    return same ?? (kept.has('\\*') && !flag.startsWith('\\') ? flag : null);
  }

  /** Whether mails can be moved in one step (RFC 6851). */
  get canMove(): boolean {
    return this.#client.capabilities.has('MOVE');
  }

  /** Adds a flag or keyword to mails; the mailbox is open to be changed. @throws Refusal */
  async addFlag(uids: readonly number[], flag: string): Promise<void> {
    const options = { uid: true, silent: true };
    await this.#change('Marking mail', this.#client.messageFlagsAdd(uids.join(','), [flag], options));
  }

  /** @throws Refusal */
  async copy(uids: readonly number[], mailbox: string): Promise<void> {
    await this.#change('Copying mail', this.#client.messageCopy(uids.join(','), mailbox, { uid: true }));
  }

  /** Only where `canMove`: imapflow's own way around it can delete what others have marked. @throws Refusal */
  async move(uids: readonly number[], mailbox: string): Promise<void> {
    await this.#change('Moving mail', this.#client.messageMove(uids.join(','), mailbox, { uid: true }));
  }

  /**
   * Deletes mails. A server without UIDPLUS (RFC 4315) can only delete all that are marked, by whomever: there they
   * are marked as deleted, and go when somebody expunges the mailbox. @throws Refusal
   */
  async delete(uids: readonly number[]): Promise<void> {
    if (!this.#client.capabilities.has('UIDPLUS')) await this.addFlag(uids, '\\Deleted');
    else await this.#change('Deleting mail', this.#client.messageDelete(uids.join(','), { uid: true }));
  }

  /** Which of the UIDs are in the open mailbox. */
  async present(uids: readonly number[]): Promise<Set<number>> {
    return new Set(await this.#uidsIn(uids.join(',')));
  }

  /** Whether two names mean one mailbox: INBOX in any case, others with or without the account's prefix. */
  isSameMailbox(one: string, other: string): boolean {
    return this.#fullName(one) === this.#fullName(other);
  }

  /** Names the account. */
  get account(): string {
    return accountName(this.#login);
  }

  /** The UID of the newest mail, or 0 in an empty mailbox. */
  async newestUid(): Promise<number> {
    if (this.#exists() === 0) return 0;
    let last = 0;
    await this.#fetch('Looking for the last mail', '*', {}, ({ uid }) => (last = Math.max(last, uid)), 'seq');
    return last;
  }

  /**
   * Waits for a hint that there is new mail, by IDLE where the server has it, for at most `ms`; without IDLE, for
   * `pollMs`. Ends early when the connection does, or on abort; the next command tells.
   */
  async wait(ms: number, pollMs: number, signal: AbortSignal): Promise<'hint' | 'time' | 'interrupt'> {
    if (this.#hinted) return 'hint';
    const waiting = new AbortController();
    const stopWaiting = (): void => waiting.abort();
    this.#stopWaiting = stopWaiting;
    for (const ending of [this.#closed.signal, signal]) ending.addEventListener('abort', stopWaiting);
    if (this.#closed.signal.aborted || signal.aborted) stopWaiting();
    const began = monotonicNow();
    try {
      if (this.canIdle && this.#opened) {
        // IDLE ends by itself only where the server refuses or breaks it off: then this is a poll.
        await Promise.race([this.#client.idle().catch(() => undefined), pause(ms, waiting.signal)]);
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
    if (withheld.length > 0) throw new WithheldMail(this.#login.host, withheld);
  }

  #fullName(mailbox: string): string {
    if (mailbox.toUpperCase() === 'INBOX') return 'INBOX';
    const prefix = this.#client.namespace?.prefix ?? '';
    return mailbox.startsWith(prefix) ? mailbox : prefix + mailbox;
  }

  /** imapflow answers a refused change with `false`. */
  async #change(what: string, changing: Promise<unknown>): Promise<void> {
    this.#refusals.forget();
    if (!(await this.#command(what, changing, 'longer'))) throw this.#refusals.refusal();
  }

  #exists(): number {
    const { mailbox } = this.#client;
    return mailbox ? mailbox.exists : 0;
  }

  async #uidsIn(range: string): Promise<number[]> {
    const uids: number[] = [];
    await this.#fetch('Looking for older mail', range, {}, ({ uid }) => uids.push(uid));
    return uids;
  }

  async #search(query: SearchObject): Promise<number[]> {
    const found = await this.#command('Searching for mail', this.#client.search(query, { uid: true }));
    if (!found) throw new ImapFault('connection', `${this.#login.host} did not answer a search.`);
    return found;
  }

  /** No command may run inside `take`: imapflow would wait for itself. */
  async #fetch(
    what: string,
    range: string,
    query: FetchQueryObject,
    take: (message: FetchMessageObject) => void,
    numbers: 'uid' | 'seq' = 'uid',
  ): Promise<void> {
    const fetching = async (): Promise<void> => {
      const uid = numbers === 'uid';
      for await (const message of this.#client.fetch(range, { ...query, uid: true }, { uid })) take(message);
    };
    await this.#command(what, fetching(), 'while bytes come');
  }

  async #command<T>(what: string, running: Promise<T>, patience?: 'while bytes come' | 'longer'): Promise<T> {
    try {
      const result = await (patience === 'while bytes come'
        ? this.#whileBytesCome(what, running)
        : withDeadline(what, this.#commandMs * (patience ? LONGER : 1), running));
      // imapflow answers with nothing, instead of an error, when the connection went away under a command.
      if (!this.#client.usable)
        throw new ImapFault('connection', `The connection to ${this.#login.host} was lost.`);
      return result;
    } catch (error) {
      const fault = this.#fault(error);
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

const factQuery = ({ flags, structure }: FactNeeds): FetchQueryObject => ({
  size: true,
  internalDate: true,
  headers: FIELDS,
  ...(flags && { flags }),
  ...(structure && { bodyStructure: true }),
});

function factsOf(message: FetchMessageObject): MailFacts {
  const date = message.internalDate ? new Date(message.internalDate).getTime() : NaN;
  return {
    uid: message.uid,
    size: message.size ?? 0,
    receivedAt: Number.isNaN(date) ? null : date,
    emailId: message.emailId,
    fields: message.headers ?? Buffer.alloc(0),
    ...(message.flags && { flags: message.flags }),
    ...(message.bodyStructure && { structure: message.bodyStructure }),
  };
}

/** SEARCH SINCE compares dates without a time zone: a day earlier is sure to hold them all. */
const daysBefore = (time: number): Date => new Date(time - 86_400_000);

/** The lowest `most` of the numbers given to it. Servers send them in order, nearly always. */
class Lowest {
  readonly #most: number;
  readonly #kept: number[] = [];
  #highest = 0;

  constructor(most: number) {
    this.#most = most;
  }

  add(number: number): void {
    if (this.#kept.length < this.#most) {
      this.#kept.push(number);
      this.#highest = Math.max(this.#highest, number);
    } else if (number < this.#highest) {
      this.#kept[this.#kept.indexOf(this.#highest)] = number;
      this.#highest = this.#kept.reduce((highest, kept) => Math.max(highest, kept), 0);
    }
  }

  get numbers(): number[] {
    return this.#kept.sort((a, b) => a - b);
  }
}
