// Reads a mail again from its server, for one whose content is not in the ledger: it was too large to be stored, or
// it was run before and is to be run once more.
// Invariant: only the very same mail is handed out, whatever number it has now; null means that it is not there.
import { imapIdentity, softIdentity } from '../mail/identity';
import { readHeaders } from '../mail/headers';
import type { ImapLogin } from './login';
import { ImapSession, type MailFacts, type OpenedMailbox } from './session';

/** What the ledger knows of a mail. */
export interface KnownMail {
  readonly mailbox: string;
  readonly identity: string;
  readonly softIdentity: string | null;
  readonly uid: number | null;
  readonly uidValidity: string | null;
  readonly receivedAt: number | null;
  /** Octets. */
  readonly size: number;
}

export interface MailAgain {
  /** The raw message; only its headers where `truncated`. */
  readonly raw: Buffer;
  readonly truncated: boolean;
}

/** One connection to an account, to read any number of mails from it, one after another. */
export class ImapRereader {
  readonly #session: ImapSession;
  #opened: (OpenedMailbox & { readonly mailbox: string }) | undefined;

  private constructor(session: ImapSession) {
    this.#session = session;
  }

  /** @throws ImapFault */
  static async connect(login: ImapLogin, signal: AbortSignal): Promise<ImapRereader> {
    return new ImapRereader(await ImapSession.connect(login, signal));
  }

  /** @returns null: the mailbox does not have it any more @throws ImapFault: it could not be asked */
  async read(mail: KnownMail): Promise<MailAgain | null> {
    if (this.#opened?.mailbox !== mail.mailbox) {
      this.#opened = { ...(await this.#session.open(mail.mailbox)), mailbox: mail.mailbox };
    }
    const uid = await this.#find(mail, this.#opened.uidValidity);
    if (uid === null) return null;
    return this.#session.mail(uid, mail.size);
  }

  async end(): Promise<void> {
    await this.#session.end();
  }

  async #find(mail: KnownMail, uidValidity: string): Promise<number | null> {
    // A UID means the same mail for as long as UIDVALIDITY is the same (RFC 3501, 2.3.1.1).
    if (mail.uid !== null && mail.uidValidity === uidValidity) return mail.uid;
    // Renumbered: what it is known by is compared, of those few that have its size.
    for (const facts of await this.#session.facts(await this.#session.uidsOfSize(mail.size))) {
      if (isSame(mail, facts, uidValidity)) return facts.uid;
    }
    return null;
  }
}

function isSame(mail: KnownMail, facts: MailFacts, uidValidity: string): boolean {
  const { uid, emailId } = facts;
  if (emailId) return imapIdentity({ mailbox: mail.mailbox, uidValidity, uid, emailId }) === mail.identity;
  if (mail.softIdentity === null) return mail.receivedAt !== null && facts.receivedAt === mail.receivedAt;
  return softIdentity(readHeaders(facts.identityFields), facts.size) === mail.softIdentity;
}
