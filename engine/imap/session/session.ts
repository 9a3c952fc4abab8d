// An IMAP connection with one mailbox open: opens it, and reads what is in it.
// Invariant: a mail is missing from an answer only if it is not there any more.
import type { FetchQueryObject, MailboxObject, SearchObject } from 'imapflow';
import { errorText } from '../../runtime/log';
import { ImapConnection, MOST_READ_BYTES } from './connection';
import { restrictedTo, type SearchCriteria } from '../rules/criteria';
import { MailboxEdits } from './edits';
import { type FactNeeds, factQuery, factsOf, type MailFacts, NO_NEEDS } from './facts';
import { ImapFault, mailboxFault } from './fault';
import { accountName, type ImapLogin } from './login';
import { Lowest } from './lowest';
import type { ListedMailbox } from './mailboxes';
import { Refusal } from './refusal';
import { sequenceSet } from './sequence-set';

/** So that a search of many mails' text does not take too long, nor its command grow beyond 8 KB. */
const UIDS_A_SEARCH = 200;
/** So many new mails are asked for with everything at once. */
const FEW_MAILS = 50;

export interface OpenedMailbox {
  readonly name: string;
  readonly uidValidity: string;
  /** The UID that the next mail will have at least, when the mailbox was opened. */
  readonly uidNext: number;
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
  readonly #connection: ImapConnection;
  /** Changes to the mails of the mailbox, once it is open to be changed. */
  readonly edits: MailboxEdits;
  /** How many mails there were when it was last looked for new ones. */
  #existed = 0;
  /** It was opened just now: what the server told of it then need not be asked. */
  #isFresh = false;
  #opened: OpenedMailbox | undefined;
  #purpose: 'to read' | 'to change' = 'to read';

  private constructor(connection: ImapConnection) {
    this.#connection = connection;
    this.edits = new MailboxEdits(connection);
  }

  /** Connects and logs in. @param options see `ImapConnection.connect` @throws ImapFault */
  static async connect(
    login: ImapLogin,
    signal: AbortSignal,
    options: { readonly commandMs?: number; readonly noIdle?: boolean } = {},
  ): Promise<ImapSession> {
    return new ImapSession(await ImapConnection.connect(login, signal, options));
  }

  /** Whether the server announces new mail (RFC 2177). */
  get canIdle(): boolean {
    return this.#connection.canIdle;
  }

  /** There may be new mail: the running or the next `wait` ends at once. */
  hint(): void {
    this.#connection.hint();
  }

  /** Makes the running `wait` end at once, without news. */
  interrupt(): void {
    this.#connection.interrupt();
  }

  /** As `ImapConnection.wait`. */
  wait(ms: number, pollMs: number, signal: AbortSignal): Promise<'hint' | 'time' | 'interrupt'> {
    return this.#connection.wait(ms, pollMs, this.#opened !== undefined, signal);
  }

  /** As `ImapConnection.probe`. */
  probe(): Promise<void> {
    return this.#connection.probe();
  }

  /** As `ImapConnection.end`. */
  end(): Promise<void> {
    return this.#connection.end();
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
    this.#isFresh = false;
    this.hint();
    return opened;
  }

  /** Whether the open mailbox can be changed: it was opened so, and the server allows it. */
  get canChange(): boolean {
    const { mailbox } = this.#connection.client;
    return this.#purpose === 'to change' && mailbox !== false && mailbox.readOnly !== true;
  }

  async #open(mailbox: string, purpose: 'to read' | 'to change'): Promise<OpenedMailbox> {
    this.#purpose = purpose;
    this.#opened = undefined;
    let opened: MailboxObject;
    try {
      opened = await this.#connection.command(
        'Opening the mailbox',
        this.#connection.client.mailboxOpen(mailbox, { readOnly: purpose === 'to read' }),
      );
    } catch (error) {
      if ((error as ImapFault).kind !== 'other') throw error;
      const names = await this.mailboxes().catch(() => []);
      const said = (error as ImapFault).cause as { responseText?: string } | undefined;
      throw mailboxFault(mailbox, this.#connection.login, names, said?.responseText ?? errorText(error));
    }
    this.#existed = opened.exists;
    this.#isFresh = true;
    const uidNext = opened.uidNext || (await this.newestUid()) + 1;
    this.#connection.takeHint();
    return (this.#opened = {
      name: mailbox,
      uidValidity: String(opened.uidValidity),
      uidNext,
    });
  }

  /** The account's mailboxes, in the server's order. */
  async list(): Promise<ListedMailbox[]> {
    const list = await this.#connection.command('Listing mailboxes', this.#connection.client.list());
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

  /**
   * What is new: UIDs above `after`, ascending, `most` of them at the most. Asks for what nobody announced, too.
   * @param needs what is wanted of each mail; where few are new, it comes with the same answer
   */
  async news(after: number, most: number, needs: FactNeeds): Promise<News> {
    const isFresh = this.#isFresh;
    this.#isFresh = false;
    // Coming out of IDLE the server has told what is new; otherwise a NOOP makes it look.
    if (!this.#connection.takeHint() && !isFresh) await this.probe();
    const exists = this.#exists();
    // Where it was just opened, nobody has counted: UIDs tell what may have come before that.
    const unseen = (this.#opened?.uidNext ?? 0) - 1 - after;
    const isBurst = Math.max(exists - this.#existed, unseen) > FEW_MAILS;
    const isAsOpened = isFresh && exists === this.#existed && this.#opened;
    const newest = async (): Promise<number> =>
      isAsOpened ? isAsOpened.uidNext - 1 : await this.newestUid();
    const news = isBurst
      ? { uids: await this.#uidsAbove(after, await newest(), most), facts: new Map<number, MailFacts>() }
      : await this.#fewAbove(after, most, needs);
    if (news.uids.length < most) this.#existed = exists;
    return news;
  }

  async #fewAbove(after: number, most: number, needs: FactNeeds): Promise<News> {
    const lowest = new Lowest(most);
    const facts = new Map<number, MailFacts>();
    // `*` is the last mail even where its UID is not above `after` (RFC 3501, 6.4.8).
    await this.#connection.fetch('Looking for new mail', `${after + 1}:*`, factQuery(needs), (message) => {
      if (message.uid <= after) return;
      lowest.add(message.uid);
      if (message.headers && facts.size < FEW_MAILS) facts.set(message.uid, factsOf(message));
    });
    return { uids: lowest.numbers, facts };
  }

  /** In windows, as `uidsBelow`. */
  async #uidsAbove(after: number, newest: number, most: number): Promise<number[]> {
    const uids: number[] = [];
    let width = most;
    for (let low = after + 1; low <= newest && uids.length < most; low += width, width *= 2) {
      const high = Math.min(newest, low + width - 1);
      for (const uid of await this.#allIn(low, high)) uids.push(uid);
    }
    return uids.sort((a, b) => a - b).slice(0, most);
  }

  /**
   * The UIDs in a window. SEARCH tells them in a tenth of the time of FETCH, but by an index, which may lag: so it is
   * looked whether what it found stands together in the mailbox, with nothing before and after it.
   */
  async #allIn(low: number, high: number): Promise<number[]> {
    const found = (await this.#connection.search({ uid: `${low}:${high}` })).sort((a, b) => a - b);
    const [first, last] = [found[0], found.at(-1)];
    if (first !== undefined && last !== undefined) {
      const places: number[] = [];
      const edges = `${low}:${first},${last}:${high}`;
      await this.#connection.fetch('Looking for new mail', edges, {}, ({ seq }) => places.push(seq));
      const isEach = new Set(places).size === new Set([first, last]).size;
      if (isEach && Math.max(...places) - Math.min(...places) + 1 === found.length) return found;
    }
    return (await this.#uidsIn(`${low}:${high}`)).filter((uid) => uid >= low && uid <= high);
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
        : this.#connection.search({ since: daysBefore(since), uid: `${low}:${high}` }));
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
    await this.#connection.fetch(
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
    await this.#connection.fetch('Counting older mail', String(uid), {}, ({ seq }) => (below = seq - 1));
    return below;
  }

  /** UIDs above `after` of mails received on the day of `since` (ms since 1970) or later, ascending. */
  async uidsSince(after: number, since: number): Promise<number[]> {
    const found = await this.#connection.search({ since: daysBefore(since), uid: `${after + 1}:*` });
    return found.filter((uid) => uid > after).sort((a, b) => a - b);
  }

  /** UIDs of mails of this size (RFC822.SIZE), ascending. */
  async uidsOfSize(size: number): Promise<number[]> {
    return (await this.#connection.search({ larger: size - 1, smaller: size + 1 })).sort((a, b) => a - b);
  }

  /**
   * Which of these mails match, as the server judges. A mail that was deleted does not.
   * @throws ImapFault `other` where the server knows nothing of such a rule
   */
  async matching(uids: readonly number[], criteria: SearchCriteria): Promise<Set<number>> {
    const { host } = this.#connection.login;
    const { gmailOnly } = criteria;
    const only = 'Custom Email Rules has a rule that only Gmail knows';
    if (gmailOnly !== null && !this.#connection.has('X-GM-EXT-1'))
      throw new ImapFault('other', `${only} (${gmailOnly}), and ${host} is not Gmail. Take the rule out.`);
    // Where a server has it (RFC 5032), imapflow turns a date into seconds before now, which is another rule.
    this.#connection.client.capabilities.delete('WITHIN');
    const asked = new Set(uids);
    const matching = new Set<number>();
    for (let at = 0; at < uids.length; at += UIDS_A_SEARCH) {
      const query = restrictedTo(uids.slice(at, at + UIDS_A_SEARCH).join(','), criteria);
      const found = await this.#searchBy(query);
      for (const uid of found) if (asked.has(uid)) matching.add(uid);
    }
    return matching;
  }

  /**
   * What the server tells of each mail. A mail that was deleted is missing from the answer.
   * @param wholeBelow a mail of fewer octets comes with its content; 0: none does
   */
  async facts(uids: readonly number[], needs: FactNeeds = NO_NEEDS, wholeBelow = 0): Promise<MailFacts[]> {
    const facts = new Map<number, MailFacts>();
    const query = factQuery(needs, wholeBelow);
    await this.#connection.fetch('Reading mail headers', sequenceSet(uids), query, (message) => {
      facts.set(message.uid, factsOf(message, wholeBelow));
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
    await this.#connection.fetch('Reading mail', sequenceSet(uids), query, ({ uid, source, headers }) => {
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
    return accountName(this.#connection.login);
  }

  /** The UID of the newest mail, or 0 in an empty mailbox. */
  async newestUid(): Promise<number> {
    if (this.#exists() === 0) return 0;
    let last = 0;
    await this.#connection.fetch(
      'Looking for the last mail',
      '*',
      {},
      ({ uid }) => (last = Math.max(last, uid)),
      'seq',
    );
    return last;
  }

  /** A UID without an answer was deleted, or the server is failing: only the first is fine. */
  async #confirmGone(asked: readonly number[], answered: ReadonlyMap<number, unknown>): Promise<void> {
    const missing = asked.filter((uid) => !answered.has(uid));
    if (missing.length === 0) return;
    const there: number[] = [];
    await this.#connection.fetch('Looking for deleted mail', missing.join(','), {}, ({ uid }) =>
      there.push(uid),
    );
    const withheld = there.filter((uid) => missing.includes(uid));
    if (withheld.length > 0) throw new WithheldMail(this.#connection.login.host, withheld);
  }

  #fullName(mailbox: string): string {
    if (mailbox.toUpperCase() === 'INBOX') return 'INBOX';
    const prefix = this.#connection.client.namespace?.prefix ?? '';
    return mailbox.startsWith(prefix) ? mailbox : prefix + mailbox;
  }

  #exists(): number {
    const { mailbox } = this.#connection.client;
    return mailbox ? mailbox.exists : 0;
  }

  async #uidsIn(range: string): Promise<number[]> {
    const uids: number[] = [];
    await this.#connection.fetch('Looking for older mail', range, {}, ({ uid }) => uids.push(uid));
    return uids;
  }

  async #searchBy(query: SearchObject): Promise<number[]> {
    try {
      return await this.#connection.searchBy(query);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      const { host } = this.#connection.login;
      const text = `${host} refused to search by Custom Email Rules (${error.message}). Check them.`;
      throw new ImapFault('other', text, { cause: error });
    }
  }
}

/** SEARCH SINCE compares dates without a time zone: a day earlier is sure to hold them all. */
const daysBefore = (time: number): Date => new Date(time - 86_400_000);
