// Changes to the mails of the open mailbox, which is open to be changed.
// Invariant: nothing is deleted that others have marked.
import type { ImapConnection } from './connection';

export class MailboxEdits {
  readonly #connection: ImapConnection;

  constructor(connection: ImapConnection) {
    this.#connection = connection;
  }

  /** The flag or keyword as the server spells it, if the open mailbox keeps it (PERMANENTFLAGS); else null. */
  keptFlag(flag: string): string | null {
    const { mailbox } = this.#connection.client;
    const kept = mailbox ? mailbox.permanentFlags : undefined;
    if (!kept) return flag;
    const same = [...kept].find((one) => one.toLowerCase() === flag.toLowerCase());
    return same ?? (kept.has('\\*') && !flag.startsWith('\\') ? flag : null);
  }

  /** Whether mails can be moved in one step (RFC 6851). */
  get canMove(): boolean {
    return this.#connection.has('MOVE');
  }

  /** Adds a flag or keyword to mails; the mailbox is open to be changed. @throws Refusal */
  async addFlag(uids: readonly number[], flag: string): Promise<void> {
    const options = { uid: true, silent: true };
    await this.#connection.change(
      'Marking mail',
      this.#connection.client.messageFlagsAdd(uids.join(','), [flag], options),
    );
  }

  /** @throws Refusal */
  async copy(uids: readonly number[], mailbox: string): Promise<void> {
    await this.#connection.change(
      'Copying mail',
      this.#connection.client.messageCopy(uids.join(','), mailbox, { uid: true }),
    );
  }

  /** Only where `canMove`: imapflow's own way around it can delete what others have marked. @throws Refusal */
  async move(uids: readonly number[], mailbox: string): Promise<void> {
    await this.#connection.change(
      'Moving mail',
      this.#connection.client.messageMove(uids.join(','), mailbox, { uid: true }),
    );
  }

  /**
   * Deletes mails. A server without UIDPLUS (RFC 4315) can only delete all that are marked, by whomever: there they
   * are marked as deleted, and go when somebody expunges the mailbox. @throws Refusal
   */
  async delete(uids: readonly number[]): Promise<void> {
    if (!this.#connection.has('UIDPLUS')) await this.addFlag(uids, '\\Deleted');
    else
      await this.#connection.change(
        'Deleting mail',
        this.#connection.client.messageDelete(uids.join(','), { uid: true }),
      );
  }
}
