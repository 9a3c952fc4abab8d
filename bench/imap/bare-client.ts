// What can be had at best: a client of the library both triggers are built on, that does nothing but idle and fetch.
import type { ImapFlow } from 'imapflow';
import type { Dovecot } from '../../test/support/dovecot';

export class BareClient {
  readonly #client: ImapFlow;
  readonly #listening: Promise<void>;
  #stopped = false;
  /** When each mail's bytes were there (monotonic, ms), by its subject. */
  readonly arrivals = new Map<string, number>();

  private constructor(client: ImapFlow, uid: number) {
    this.#client = client;
    this.#listening = this.#listen(uid);
  }

  static async listen(dovecot: Dovecot, user: string): Promise<BareClient> {
    const client = await dovecot.client(user);
    const { uidNext } = await client.mailboxOpen('INBOX', { readOnly: true });
    return new BareClient(client, uidNext - 1);
  }

  async close(): Promise<void> {
    this.#stopped = true;
    await this.#client.noop();
    await this.#listening;
    await this.#client.logout();
  }

  async #listen(from: number): Promise<void> {
    let last = from;
    let told = false;
    this.#client.on('exists', () => {
      told = true;
      // IDLE ends when something else is to be done.
      void this.#client.noop();
    });
    const isTold = (): boolean => told;
    while (!this.#stopped) {
      if (!isTold()) await this.#client.idle();
      if (!isTold()) continue;
      told = false;
      for await (const { uid, source } of this.#client.fetch(
        `${last + 1}:*`,
        { source: true },
        { uid: true },
      )) {
        if (uid <= last) continue;
        last = uid;
        const subject = /^Subject: (.*)$/m.exec(source?.toString('latin1') ?? '')?.[1]?.trim() ?? '';
        this.arrivals.set(subject, performance.now());
      }
    }
  }
}
