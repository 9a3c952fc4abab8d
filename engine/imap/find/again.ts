// Reads a mail again from its server, for one whose content is not in the ledger: it was too large to be stored, or
// it was run before and is to be run once more.
// Invariant: only the very same mail is handed out, whatever number it has now; null means that it is not there.
import type { MailTraits } from '../../ledger/mail-traits';
import { findMails } from './find';
import { type MailAgain, readMail } from './read';
import type { ImapLogin } from '../session/login';
import { ImapSession } from '../session/session';

/** What the ledger knows of a mail. */
export interface KnownMail extends MailTraits {
  readonly mailbox: string;
}

/** One connection to an account, to read any number of mails from it, one after another. */
export class ImapRereader {
  readonly #session: ImapSession;

  private constructor(session: ImapSession) {
    this.#session = session;
  }

  /** @throws ImapFault */
  static async connect(login: ImapLogin, signal: AbortSignal): Promise<ImapRereader> {
    return new ImapRereader(await ImapSession.connect(login, signal));
  }

  /**
   * @param mostBytes of a larger mail only the headers are read
   * @returns null: the mailbox does not have it any more @throws ImapFault: it could not be asked
   */
  async read(mail: KnownMail, mostBytes?: number): Promise<MailAgain | null> {
    const { opened } = this.#session;
    const { uidValidity } = opened?.name === mail.mailbox ? opened : await this.#session.open(mail.mailbox);
    const found = await findMails(this.#session, uidValidity, [mail]);
    const uid = found.get(mail)?.[0];
    if (uid === undefined) return null;
    return readMail(this.#session, uid, mail.size, mostBytes);
  }

  async end(): Promise<void> {
    await this.#session.end();
  }
}
