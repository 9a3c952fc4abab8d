// An IMAP connection with one mailbox open: connects, opens, waits. What is in the mailbox is listed by `news` and
// `listing`, read by `mails` and changed by `edits`.
import type { MailboxObject } from 'imapflow';
import { type ConnectOptions, ImapConnection } from './connection';
import { restrictedTo, type SearchCriteria } from '../rules/criteria';
import { MailboxEdits } from './edits';
import { type ImapFault, isRefusal, type RefusedCommand, wordsOf } from './fault';
import { MailboxListing } from './listing';
import { accountName, type ImapLogin } from './login';
import { mailboxFault } from './mailbox-fault';
import type { ListedMailbox } from './mailboxes';
import { MailReading } from './mails';
import { MailboxNews, type OpenedMailbox } from './news';
import { Refusal } from './refusal';
import { refusedRules, rulesOnlyOfGmail } from './rule-faults';

/** So that a search of many mails' text does not take too long, nor its command grow beyond 8 KB. */
const UIDS_A_SEARCH = 200;

export class ImapSession {
  readonly #connection: ImapConnection;
  /** Changes to the mails of the mailbox, once it is open to be changed. */
  readonly edits: MailboxEdits;
  /** What is new in the open mailbox. */
  readonly news: MailboxNews;
  /** Which mails are in it. */
  readonly listing: MailboxListing;
  /** What the server tells of them, and their content. */
  readonly mails: MailReading;
  #opened: OpenedMailbox | undefined;
  #purpose: 'to read' | 'to change' = 'to read';

  private constructor(connection: ImapConnection) {
    this.#connection = connection;
    this.edits = new MailboxEdits(connection);
    this.listing = new MailboxListing(connection);
    this.news = new MailboxNews(connection, this.listing);
    this.mails = new MailReading(connection);
  }

  /** Connects and logs in. @throws ImapFault */
  static async connect(
    login: ImapLogin,
    signal: AbortSignal,
    options: ConnectOptions = {},
  ): Promise<ImapSession> {
    return new ImapSession(await ImapConnection.connect(login, signal, options));
  }

  /** Whether the server announces new mail (RFC 2177). */
  get canIdle(): boolean {
    return this.#connection.canIdle;
  }

  /** As `ImapConnection.roundTripMs`. */
  get roundTripMs(): number {
    return this.#connection.roundTripMs;
  }

  /** There may be new mail: the running or the next `wait` ends at once. */
  hint(): void {
    this.#connection.hint();
  }

  /** There was news that nobody has looked at yet: the next `wait` ends at once. */
  get isHinted(): boolean {
    return this.#connection.isHinted;
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

  /** As `ImapConnection.signOfLife`. */
  signOfLife(): Promise<void> {
    return this.#connection.signOfLife();
  }

  /** As `ImapConnection.heard`. */
  get heard(): number {
    return this.#connection.heard;
  }

  /** As `ImapConnection.abandon`. */
  abandon(): void {
    this.#connection.abandon();
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
    this.news.open(opened, false);
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
    let selected: MailboxObject;
    try {
      selected = await this.#connection.command(
        'Opening the mailbox',
        this.#connection.client.mailboxOpen(mailbox, { readOnly: purpose === 'to read' }),
      );
    } catch (error) {
      throw isRefusal(error) ? await this.#notOpened(mailbox, error) : error;
    }
    const { uidNext, uidValidity } = selected;
    const opened = {
      name: mailbox,
      uidValidity: String(uidValidity),
      uidNext: uidNext || (await this.listing.newestUid()) + 1,
    };
    this.news.open(opened, true);
    this.#connection.takeHint();
    return (this.#opened = opened);
  }

  async #notOpened(mailbox: string, refusal: RefusedCommand): Promise<ImapFault> {
    const listed = await this.list().catch(() => null);
    const isSame = (name: string): boolean => this.isSameMailbox(name, mailbox);
    return mailboxFault(mailbox, this.#connection.login, listed, isSame, wordsOf(refusal));
  }

  /** The account's mailboxes, in the server's order. */
  async list(): Promise<ListedMailbox[]> {
    const list = await this.#connection.command('Listing mailboxes', this.#connection.client.list());
    return list.map(({ path, pathAsListed, specialUse, delimiter, flags }) => ({
      path,
      pathAsListed,
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
   * Which of these mails match, as the server judges. A mail that was deleted does not.
   * @throws ImapFault `other` where the server knows nothing of such a rule, `busy` where it does not search now
   */
  async matching(uids: readonly number[], criteria: SearchCriteria): Promise<Set<number>> {
    const { host } = this.#connection.login;
    const { gmailOnly } = criteria;
    if (gmailOnly !== null && !this.#connection.has('X-GM-EXT-1')) throw rulesOnlyOfGmail(host, gmailOnly);
    // Where a server has it (RFC 5032), imapflow turns a date into seconds before now, which is another rule.
    this.#connection.client.capabilities.delete('WITHIN');
    const asked = new Set(uids);
    const matching = new Set<number>();
    for (let at = 0; at < uids.length; at += UIDS_A_SEARCH) {
      const query = restrictedTo(uids.slice(at, at + UIDS_A_SEARCH).join(','), criteria);
      const found = await this.#connection.search(query).catch((error: unknown) => {
        throw error instanceof Refusal ? refusedRules(host, error) : error;
      });
      for (const uid of found) if (asked.has(uid)) matching.add(uid);
    }
    return matching;
  }

  /** Whether two names mean one mailbox: INBOX in any case, others with or without the account's prefix. */
  isSameMailbox(one: string, other: string): boolean {
    return this.#fullName(one) === this.#fullName(other);
  }

  /** Names the account. */
  get account(): string {
    return accountName(this.#connection.login);
  }

  /** The open mailbox, for people. */
  get place(): string {
    return `the mailbox "${this.#opened?.name ?? ''}" of ${this.account}`;
  }

  #fullName(mailbox: string): string {
    if (mailbox.toUpperCase() === 'INBOX') return 'INBOX';
    const prefix = this.#connection.client.namespace?.prefix ?? '';
    return mailbox.startsWith(prefix) ? mailbox : prefix + mailbox;
  }
}
