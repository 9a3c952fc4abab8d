// The accounts that are watched in this process, and how their mailboxes share a few connections.
// Invariant: an account has one line for each mailbox up to its limit, and never more lines than that; the mailboxes
// beyond it are visited in turn over the last line.
import type { SourceKey } from '../../ledger/sources';
import { lookKey } from '../../source/notices';
import type { StartWatch, Watch } from '../../source/source';
import type { WatchPorts } from '../../source/watched';
import { ImapLine } from './line';
import type { ImapLogin } from '../session/login';
import { WatchedMailbox } from './mailbox';
import type { ImapSubscriber } from './subscriber';
import { LINE_TIMES, type LineTimes } from './pace';
import { Silences, silenceTimesOf } from './silence';
import type { ImapReading } from '../read/reading';

/** A server that let in fewer connections than were asked for is asked again after this time. */
const FEWER_MS = 30 * 60_000;

export class ImapAccounts {
  readonly #accounts = new Map<string, ImapAccount>();
  /** Mailboxes that nobody listens to any more, and that may still be read, by source. */
  readonly #closing = new Map<number, Promise<unknown>>();
  readonly #ports: WatchPorts;
  readonly #times: LineTimes;
  readonly #silences: Silences;

  constructor(ports: WatchPorts, times: Partial<LineTimes> = {}) {
    this.#ports = ports;
    this.#times = { ...LINE_TIMES, ...times };
    const { membership, leases } = ports;
    this.#silences = new Silences({
      times: silenceTimesOf(leases.leaseMs),
      hasOthers: () => membership?.hasOthers ?? false,
      silent: (server) => this.#of(server).forEach((account) => account.cutOff()),
      heard: (server) => this.#of(server).forEach((account) => account.reached()),
    });
  }

  /** For the registry of sources. */
  readonly start: StartWatch<ImapLogin, ImapReading> = (key, sourceId, subscribers) =>
    this.#watch(key, sourceId, subscribers);

  #of(server: string): readonly ImapAccount[] {
    return [...this.#accounts].flatMap(([name, account]) => (name.endsWith(server) ? [account] : []));
  }

  #watch(key: SourceKey, sourceId: number, subscribers: () => readonly ImapSubscriber[]): Watch {
    const account =
      this.#accounts.get(key.account) ??
      new ImapAccount(key.account, this.#ports, this.#times, this.#silences);
    this.#accounts.set(key.account, account);
    const before = this.#closing.get(sourceId);
    const mailbox = new WatchedMailbox(
      key,
      sourceId,
      subscribers,
      this.#ports,
      (called) => account.interrupt(called),
      before,
      (nudged) => account.nudge(nudged),
    );
    account.add(mailbox);
    void before?.then(() => account.nudge(mailbox));
    const deafen = this.#ports.wake.listen(lookKey(sourceId), () => {
      mailbox.looked();
      account.look(mailbox);
    });
    return {
      nudge: () => account.nudge(mailbox),
      get isHeld() {
        return mailbox.isHeld;
      },
      stop: async () => {
        deafen();
        const left = account.remove(mailbox);
        const closed = Promise.all([before, mailbox.close()]).then(() => {
          if (this.#closing.get(sourceId) === closed) this.#closing.delete(sourceId);
        });
        this.#closing.set(sourceId, closed);
        if (account.isEmpty && this.#accounts.get(key.account) === account)
          this.#accounts.delete(key.account);
        await left;
      },
    };
  }
}

/** Connected, or about to be. */
const isAlive = ({ mode }: ImapLine): boolean => mode === 'connecting' || mode === 'following';

class ImapAccount {
  readonly #name: string;
  readonly #ports: WatchPorts;
  readonly #times: LineTimes;
  readonly #silences: Silences;
  readonly #lines: ImapLine[] = [];
  /** What the server let in when it had enough. */
  #let = Infinity;

  constructor(name: string, ports: WatchPorts, times: LineTimes, silences: Silences) {
    this.#name = name;
    this.#ports = ports;
    this.#times = times;
    this.#silences = silences;
  }

  get isEmpty(): boolean {
    return this.#lines.length === 0;
  }

  add(mailbox: WatchedMailbox): void {
    if (this.#lines.length < Math.max(this.#limit(mailbox), 1)) {
      this.#open(mailbox);
      return;
    }
    const shared = this.#lines.at(-1)!;
    shared.mailboxes.push(mailbox);
    shared.nudge();
  }

  /** Its server says nothing to this process any more: nor are others to give it what they read. */
  cutOff(): void {
    for (const line of this.#lines) line.cutOff();
  }

  /** Its server is heard again. */
  reached(): void {
    for (const { mailboxes } of this.#lines) for (const mailbox of mailboxes) mailbox.reached();
  }

  nudge(mailbox: WatchedMailbox): void {
    this.#lineOf(mailbox)?.nudge();
  }

  /** A person wants it visited, or tried again, now. */
  look(mailbox: WatchedMailbox): void {
    mailbox.notBefore = 0;
    this.#lineOf(mailbox)?.look();
  }

  /** Only actions are due in it. */
  interrupt(mailbox: WatchedMailbox): void {
    this.#lineOf(mailbox)?.interrupt();
  }

  /** Resolves when nothing of it is read any more. */
  async remove(mailbox: WatchedMailbox): Promise<void> {
    const line = this.#lineOf(mailbox);
    if (!line) return;
    line.mailboxes.splice(line.mailboxes.indexOf(mailbox), 1);
    const closed = mailbox.close();
    if (line.mailboxes.length > 0) {
      line.nudge();
    } else {
      this.#lines.splice(this.#lines.indexOf(line), 1);
      // Its connection is gone first: the server may let in no more than there are.
      await line.stop();
      this.#spread();
    }
    await closed;
  }

  /** A line became free: one of the mailboxes that share a line gets it. */
  #spread(): void {
    const shared = this.#lines.find(({ mailboxes }) => mailboxes.length > 1);
    const moving = shared?.mailboxes.at(-1);
    if (!shared || !moving || this.#lines.length >= this.#limit(moving)) return;
    shared.mailboxes.pop();
    shared.nudge();
    this.#open(moving);
  }

  #open(mailbox: WatchedMailbox): void {
    const tooMany = (line: ImapLine): boolean => this.#tooMany(line);
    this.#lines.push(new ImapLine(this.#name, this.#times, this.#silences, tooMany, mailbox));
  }

  /** The server lets no more connections in: those that are there have to do. */
  #tooMany(line: ImapLine): boolean {
    // One that is still being made may yet be refused as well: the last of them tells.
    const other = this.#lines.findLast((each) => each !== line && isAlive(each));
    if (!other || !this.#lines.includes(line)) return false;
    this.#let = this.#lines.length - 1;
    this.#ports.log.warn(
      `The server of ${this.#name} allows ${this.#let} connections now; its mailboxes share them`,
    );
    setTimeout(() => {
      this.#let = Infinity;
      this.#spread();
    }, FEWER_MS).unref();
    this.#lines.splice(this.#lines.indexOf(line), 1);
    other.mailboxes.push(...line.mailboxes.splice(0));
    // The last line is the one that is shared.
    this.#lines.push(...this.#lines.splice(this.#lines.indexOf(other), 1));
    other.nudge();
    void line.stop();
    return true;
  }

  #limit(joining: WatchedMailbox): number {
    const mailboxes = [...this.#lines.flatMap((line) => line.mailboxes), joining];
    const asked = mailboxes.flatMap((mailbox) =>
      mailbox.subscribers().map(({ mostConnections }) => mostConnections),
    );
    return Math.min(this.#let, ...asked);
  }

  #lineOf(mailbox: WatchedMailbox): ImapLine | undefined {
    return this.#lines.find(({ mailboxes }) => mailboxes.includes(mailbox));
  }
}
