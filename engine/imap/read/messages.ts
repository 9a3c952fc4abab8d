// From mails that are due to somebody to what is recorded of them: content, or why there is none.
// Invariant: what is recorded as a mail's content is the whole mail; one that is not handed out is recorded without it
// once it was asked for often enough, and its run reads it again.
import { packContent } from '../../ledger/content';
import type { NewMessage } from '../../ledger/ledger';
import { senderOf, subjectOf } from '../../mail/envelope';
import { headerBlock, readHeaders } from '../../mail/headers';
import { messageIdOf, softIdentity, weakIdentity } from '../../mail/identity';
import { askFor } from './asking';
import type { NewMail, SyncJob } from './job';
import { isWholeHeader } from '../session/facts';
import type { ImapFault } from '../session/fault';

export interface ReadMessages {
  readonly messages: NewMessage[];
  /** The connection broke before all were read. */
  readonly broken: ImapFault | null;
}

export async function readMessages(job: SyncJob, group: readonly NewMail[]): Promise<ReadMessages> {
  const { session, withheld } = job;
  const whole = new Map(group.flatMap(({ facts: { uid, content } }) => (content ? [[uid, content]] : [])));
  const unread = group.filter((mail) => isStored(job, mail) && !mail.facts.content).map(({ facts }) => facts);
  const contents = await askFor(job, unread, (mails) => session.mails.contents(mails));
  // A mail that has no name must be known again, also if its content is not kept.
  const nameless = contents.broken ? [] : group.filter((mail) => isNameless(mail) && !isStored(job, mail));
  const headers = await askFor(
    job,
    nameless.map(({ facts }) => facts),
    (mails) => session.mails.headers(mails.map(({ uid }) => uid)),
  );
  const broken = contents.broken ?? headers.broken;
  const refused = (uid: number): boolean => contents.refused.has(uid) || headers.refused.has(uid);
  const messages: Promise<NewMessage>[] = [];
  const gaveUp: NewMail[] = [];
  for (const mail of group) {
    const { uid } = mail.facts;
    const raw = whole.get(uid) ?? contents.answers.get(uid);
    const block = raw ? headerBlock(raw) : headers.answers.get(uid);
    const isReady =
      raw !== undefined || withheld.isGivenUp(uid) || (!isStored(job, mail) && (block || !isNameless(mail)));
    if (isReady) {
      if (!raw && withheld.isGivenUp(uid)) gaveUp.push(mail);
      withheld.settled(uid);
      messages.push(messageOf(job, mail, raw, block));
    } else if (!broken && !refused(uid)) {
      withheld.settled(uid);
      job.log.info(`A mail in "${job.mailbox}" was deleted before it could be read`, { uid });
    }
  }
  if (gaveUp.length > 0) job.gaveUp(gaveUp);
  return { messages: await Promise.all(messages), broken };
}

async function messageOf(
  job: SyncJob,
  { facts, seemsLike: _, isLarge: __, ...mail }: NewMail,
  raw: Buffer | undefined,
  block: Buffer | undefined,
): Promise<NewMessage> {
  // Where the server told too little of its header, the mail itself says it.
  const names = raw && !isWholeHeader(facts.fields) ? await namesOf(headerBlock(raw), facts.size) : mail;
  return {
    ...mail,
    ...names,
    weakIdentity: block && names.messageId === null ? weakIdentity(block, facts.size) : null,
    uid: facts.uid,
    uidValidity: job.uidValidity,
    receivedAt: facts.receivedAt,
    size: facts.size || (raw?.length ?? 0),
    content: raw ? await packContent(raw) : null,
  };
}

/** What its header says that a mail is known and looked for by. @param header null: nothing is known of it */
export async function namesOf(
  header: Buffer | null,
  size: number,
): Promise<Pick<NewMail, 'messageId' | 'sender' | 'subject' | 'softIdentity'>> {
  const headers = readHeaders(header ?? Buffer.alloc(0));
  return {
    messageId: messageIdOf(headers),
    sender: senderOf(headers),
    subject: await subjectOf(headers),
    softIdentity: softIdentity(headers, size),
  };
}

const isNameless = ({ messageId, facts }: NewMail): boolean => messageId === null && facts.fields !== null;

/** Whether any of those it is due to stores mails of its size. */
function isStored({ withheld, subscriptions }: SyncJob, { facts, due, isLarge }: NewMail): boolean {
  if (withheld.isGivenUp(facts.uid) || isLarge) return false;
  return subscriptions.some(
    ({ subscription, reading }) => due.includes(subscription.id) && facts.size <= reading.mostStoredBytes,
  );
}
