// Finds mails again that the ledger knows: by UID, and in a mailbox that was renumbered by what they are.
// Invariant: only what can be the very same mail is found; two that look the same are both told.
import { readHeaders } from '../../mail/headers';
import type { MailTraits } from '../../ledger/mail-traits';
import { imapIdentity, isAccountWide, softIdentity } from '../../mail/identity';
import { type MailFacts, NO_NEEDS } from '../session/facts';
import { whole } from '../session/handed-out';
import type { MailboxListing } from '../session/listing';
import type { MailReading } from '../session/mails';

type Found<Mail> = Map<Mail, number[]>;
interface Looking {
  readonly listing: Pick<MailboxListing, 'ofSize'>;
  readonly mails: Pick<MailReading, 'facts'>;
  /** The mailbox, for people. */
  readonly place: string;
}

/** So many mails of the same size are looked at together. */
const PAGE_MAILS = 50;

/** The UIDs of the mails in the open mailbox; none for one that is not there. A UID by which it was known is not verified. */
export async function findMails<Mail extends MailTraits>(
  session: Looking,
  uidValidity: string,
  mails: readonly Mail[],
): Promise<Found<Mail>> {
  const found: Found<Mail> = new Map();
  const renumbered: Mail[] = [];
  for (const mail of mails) {
    // A UID means the same mail for as long as UIDVALIDITY is the same (RFC 3501, 2.3.1.1).
    if (mail.uid !== null && mail.uidValidity === uidValidity) found.set(mail, [mail.uid]);
    else renumbered.push(mail);
  }
  for (const [mail, uids] of await findAlike(session, renumbered)) found.set(mail, uids);
  return found;
}

/** The UIDs of the mails in the open mailbox, whatever it is, by what they are; none for one that is not there. */
export async function findAlike<Mail extends MailTraits>(
  session: Looking,
  mails: readonly Mail[],
): Promise<Found<Mail>> {
  const found: Found<Mail> = new Map(mails.map((mail) => [mail, []]));
  for (const size of new Set(mails.map((mail) => mail.size))) {
    // Of a mail that the server never handed out nothing is known: no other is taken for it.
    if (size === 0) continue;
    const sought = mails.filter((mail) => mail.size === size);
    const uids = await session.listing.ofSize(size);
    for (let at = 0; at < uids.length; at += PAGE_MAILS) {
      const facts = await session.mails.facts(uids.slice(at, at + PAGE_MAILS), NO_NEEDS);
      for (const one of whole(facts, session.place).values()) {
        for (const mail of sought) if (isSame(mail, one)) found.get(mail)!.push(one.uid);
      }
    }
  }
  return found;
}

/** Whether no other mail can be taken for it: it has an id of the server's, or of its sender's program. */
export const isUnlike = ({ identity, softIdentity }: MailTraits): boolean =>
  isAccountWide(identity) || softIdentity !== null;

function isSame(mail: MailTraits, { uid, emailId, size, receivedAt, fields }: MailFacts): boolean {
  // The server's own id is all there is to it, without the place; if it had one when the mail was recorded.
  if (emailId && isAccountWide(mail.identity))
    return imapIdentity({ mailbox: '', uidValidity: '', uid, emailId }) === mail.identity;
  if (mail.softIdentity === null) return mail.receivedAt !== null && receivedAt === mail.receivedAt;
  return softIdentity(readHeaders(fields ?? Buffer.alloc(0)), size) === mail.softIdentity;
}
