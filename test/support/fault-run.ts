// One fault of an IMAP connection, tried on the engine as a published trigger uses it, with mails before it, during
// it and after it.
// Invariant: every mail is appended past the proxy, so that the server has it whatever the fault does.
import assert from 'node:assert/strict';
import type { ImapFlow } from 'imapflow';
import type { ImapLogin } from '../../engine/imap/session/login';
import type { Dovecot } from './dovecot';
import type { FaultProxy } from './fault-proxy';
import type { Outcome, Transport } from './fault-table';
import { rawMail } from './mails';
import { until } from './until';
import { type Joined, Watching } from './watching';

export interface Fault {
  /** What happens to the connection, and how it is noticed: for people. */
  readonly what: string;
  readonly noticed: string;
  readonly begin: (run: FaultRun) => Promise<void> | void;
  /** An outage lasts so long after its mails have come, ms; anything else until they are found. */
  readonly lastsMs?: number;
  /** From the mail's arrival, or the end of the outage, until it must be recorded, ms. */
  readonly withinMs?: number;
  /** It begins before the trigger does. */
  readonly fromTheStart?: boolean;
  /** It is a client's doing, not the connection's. */
  readonly byClient?: boolean;
  readonly mailbox?: string;
  readonly mailBytes?: number;
  readonly connections: 'only one' | 'several';
  readonly mostLogins?: number;
}

/** A heartbeat of 60 s and a deadline of 30 s, and as much again for a machine that has other things to do. */
const FOUND_WITHIN_MS = 180_000;
/** More than a heartbeat: a mail that is found once more is found by then. */
const QUIET_MS = 70_000;
const DAY_MS = 86_400_000;

export class FaultRun {
  readonly #fault: Fault;
  readonly proxy: FaultProxy;
  readonly #watching: Watching;
  readonly #dovecot: Dovecot;
  readonly #user: string;
  #joined: Joined | undefined;
  /** The UIDs of the mails that the trigger must give. */
  readonly #due: number[] = [];
  /** All that was put into the mailbox, and when it came. */
  readonly #mails: [raw: string, receivedAt: Date][] = [];

  private constructor(fault: Fault, proxy: FaultProxy, watching: Watching, dovecot: Dovecot, user: string) {
    this.#fault = fault;
    this.proxy = proxy;
    this.#watching = watching;
    this.#dovecot = dovecot;
    this.#user = user;
  }

  /** @param login through the proxy */
  static async of(
    fault: Fault,
    dovecot: Dovecot,
    proxy: FaultProxy,
    login: ImapLogin,
    transport: Transport,
  ): Promise<Outcome> {
    const watching = await Watching.start();
    const run = new FaultRun(fault, proxy, watching, dovecot, login.user);
    try {
      return await run.#measure(login, transport);
    } catch (error) {
      const log = watching.log.map((line) => `\n  ${line}`).join('');
      throw new Error(`${(error as Error).message}\nThe engine's log:${log}`, { cause: error });
    } finally {
      await run.#joined?.leave();
      await watching.dispose();
    }
  }

  get mailbox(): string {
    return this.#fault.mailbox ?? 'INBOX';
  }

  /** A mail arrives that the trigger must give. */
  async deliver(): Promise<void> {
    const { mailBytes = 1 } = this.#fault;
    const text = 'Durable mail, line by line.\r\n'.repeat(Math.ceil(mailBytes / 29));
    this.#due.push(await this.#append(rawMail({ subject: `due ${this.#due.length}`, text })));
  }

  /** The mailbox is made anew, with the mails that it held. */
  async renumber(): Promise<void> {
    await this.#asClient(async (client) => {
      await client.mailboxDelete(this.mailbox);
      await client.mailboxCreate(this.mailbox);
    });
    for (const [mail, date] of this.#mails.splice(0)) await this.#append(mail, date);
  }

  /** Waits until every mail that is due is recorded. */
  async allFound(withinMs: number): Promise<void> {
    const missing = (): number[] => this.#due.filter((uid) => !this.#recorded().includes(uid));
    await until('every mail is recorded', () => missing().length === 0, withinMs, 100);
  }

  async connectionIs(state: 'idling' | 'polling'): Promise<void> {
    await until(`it is ${state}`, () => this.#watching.source().connection === state, FOUND_WITHIN_MS);
  }

  #recorded(): number[] {
    return this.#watching.uids(this.#joined!.subscription);
  }

  async #append(mail: string, date = new Date()): Promise<number> {
    this.#mails.push([mail, date]);
    // A session that idles on a deleted mailbox takes the index log of the one made anew for its own, broken, and
    // removes it (Dovecot 2.3). Whoever has that log open is then told that the mailbox was deleted, until it has let it
    // alone for 10 s: hence a new client for each try. A mail that was refused so may have been taken all the same.
    return until('the server takes the mail', () =>
      this.#asClient(async (client) => {
        const { exists, uidNext } = await client.mailboxOpen(this.mailbox, { readOnly: true });
        if (exists === this.#mails.length) return uidNext - 1;
        const appended = await client.append(this.mailbox, Buffer.from(mail), [], date);
        return appended && appended.uid;
      }),
    );
  }

  /** Past the proxy, each time with a client of its own. */
  async #asClient<T>(work: (client: ImapFlow) => Promise<T>): Promise<T> {
    const client = await this.#dovecot.client(this.#user);
    try {
      return await work(client);
    } finally {
      await client.logout();
    }
  }

  async #measure(login: ImapLogin, transport: Transport): Promise<Outcome> {
    const { what, noticed, lastsMs, withinMs = FOUND_WITHIN_MS, fromTheStart, begin } = this.#fault;
    if (this.mailbox !== 'INBOX') await this.#asClient((client) => client.mailboxCreate(this.mailbox));
    const longAgo = new Date(Date.now() - DAY_MS);
    await this.#append(rawMail({ subject: 'old', date: longAgo }), longAgo);
    if (fromTheStart) await begin(this);
    this.#joined = await this.#watching.join(login, { mailbox: this.mailbox });
    if (fromTheStart) {
      this.#joined.begun = true;
    } else {
      await this.connectionIs('idling');
      await this.deliver();
      await this.allFound(withinMs);
      await begin(this);
    }
    await this.deliver();
    await this.deliver();
    let since = performance.now();
    if (lastsMs !== undefined) {
      await new Promise((resolve) => setTimeout(resolve, lastsMs));
      const { mostLogins = Infinity } = this.#fault;
      assert.ok(this.proxy.logins <= mostLogins, `${this.proxy.logins} logins are too many`);
      await this.proxy.heal();
      since = performance.now();
    }
    await this.allFound(withinMs);
    const foundMs = performance.now() - since;
    await this.proxy.heal();
    await this.deliver();
    await this.allFound(FOUND_WITHIN_MS);
    await new Promise((resolve) => setTimeout(resolve, QUIET_MS));
    return {
      ...{ what, noticed, transport, foundMs, afterTheOutage: lastsMs !== undefined },
      ...this.#count(),
      connections: this.proxy.accepted,
    };
  }

  #count(): { lost: number; repeated: number } {
    const recorded = this.#recorded();
    const once = this.#due.filter((uid) => recorded.includes(uid)).length;
    return { lost: this.#due.length - once, repeated: recorded.length - once };
  }
}
