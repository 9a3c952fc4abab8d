// From mails that are due to somebody to what is recorded of them: content, or why there is none.
// Invariant: what is recorded as a mail's content is the whole mail; one that is not handed out is recorded without it
// once it was asked for often enough, and its run reads it again.
import { LARGE_BYTES, newContent, piecesOf, unpackContent } from '../../ledger/content';
import type { NotedBounce } from '../../ledger/outbox';
import type { NewMessage } from '../../ledger/recording';
import { bounceIn } from '../../mail/bounce/bounce';
import { hintsAtBounce } from '../../mail/bounce/parts';
import { senderOf, subjectOf } from '../../mail/envelope';
import { headerBlock, readHeaders } from '../../mail/headers';
import { messageIdOf, softIdentity, weakIdentity } from '../../mail/identity';
import { inPieces } from '../../runtime/turns';
import { askFor, type Got } from './asking';
import type { NewMail, SyncJob } from './job';
import { type PackedMail, readLarge } from './large';
import { isWholeHeader, type MailFacts } from '../session/facts';
import type { ImapFault } from '../session/fault';

export interface ReadMessages {
  readonly messages: NewMessage[];
  /** The connection broke before all were read. */
  readonly broken: ImapFault | null;
}

interface ReadMail {
  readonly mail: NewMail;
  readonly raw: Buffer | undefined;
  /** A large one, instead. */
  readonly packed: PackedMail | undefined;
  /** Its header block, where that is all that was read. */
  readonly block: Buffer | undefined;
}

export async function readMessages(job: SyncJob, group: readonly NewMail[]): Promise<ReadMessages> {
  const { session, withheld } = job;
  const whole = new Map(group.flatMap(({ facts: { uid, content } }) => (content ? [[uid, content]] : [])));
  const unread = group.filter((mail) => isStored(job, mail) && !mail.facts.content).map(({ facts }) => facts);
  const isLarge = ({ size }: MailFacts): boolean => size > LARGE_BYTES;
  const small = unread.filter((mail) => !isLarge(mail));
  const contents = await askFor(job, small, (mails) => session.mails.contents(mails));
  const large = await askForEach(job, contents.broken ? [] : unread.filter(isLarge));
  // A mail that has no name must be known again, also if its content is not kept.
  const nameless =
    contents.broken || large.broken ? [] : group.filter((mail) => isNameless(mail) && !isStored(job, mail));
  const headers = await askFor(
    job,
    nameless.map(({ facts }) => facts),
    (mails) => session.mails.headers(mails.map(({ uid }) => uid)),
  );
  const asked = [contents, large, headers];
  const broken = asked.map((got) => got.broken).find((fault) => fault !== null) ?? null;
  const refused = (uid: number): boolean => asked.some((got) => got.refused.has(uid));
  const ready: ReadMail[] = [];
  const gaveUp: NewMail[] = [];
  for (const mail of group) {
    const { uid } = mail.facts;
    const raw = whole.get(uid) ?? contents.answers.get(uid);
    const packed = large.answers.get(uid);
    const isRead = raw !== undefined || packed !== undefined;
    const block = isRead ? undefined : headers.answers.get(uid);
    const isReady =
      isRead || withheld.isGivenUp(uid) || (!isStored(job, mail) && (block || !isNameless(mail)));
    if (isReady) {
      if (!isRead && withheld.isGivenUp(uid)) gaveUp.push(mail);
      withheld.settled(uid);
      ready.push({ mail, raw, packed, block });
    } else if (!broken && !refused(uid)) {
      withheld.settled(uid);
      job.log.info(`A mail in "${job.mailbox}" was deleted before it could be read`, { uid });
    }
  }
  if (gaveUp.length > 0) job.gaveUp(gaveUp);
  return { messages: await inPieces(ready, (read) => messageOf(job, read)), broken };
}

/** One after the other: each is large. */
async function askForEach(job: SyncJob, mails: readonly MailFacts[]): Promise<Got<PackedMail>> {
  const answers = new Map<number, PackedMail>();
  const refused = new Set<number>();
  for (const mail of mails) {
    const got = await askFor(job, [mail], () => readLarge(job.session.mails, mail));
    for (const [uid, packed] of got.answers) answers.set(uid, packed);
    for (const uid of got.refused) refused.add(uid);
    if (got.broken) return { answers, refused, broken: got.broken };
  }
  return { answers, refused, broken: null };
}

async function messageOf(job: SyncJob, { mail: read, raw, packed, block }: ReadMail): Promise<NewMessage> {
  const { facts, seemsLike: _, isLarge: __, ...mail } = read;
  const header = (): Buffer | undefined => (raw ? headerBlock(raw) : (packed?.header ?? block));
  // Where the server told too little of its header, the mail itself says it.
  const names = (raw ?? packed) && !isWholeHeader(facts.fields) ? await namesOf(header()!, facts.size) : mail;
  const nameless = names.messageId === null ? header() : undefined;
  return {
    ...mail,
    ...names,
    weakIdentity: nameless ? weakIdentity(nameless, facts.size) : null,
    uid: facts.uid,
    uidValidity: job.uidValidity,
    receivedAt: facts.receivedAt,
    size: facts.size || (raw?.length ?? packed?.size ?? 0),
    content: packed?.content ?? (raw ? await newContent(raw) : null),
    bounce: await bounceOf(raw, packed),
  };
}

/** Of a large one its first piece says it. */
async function bounceOf(
  raw: Buffer | undefined,
  packed: PackedMail | undefined,
): Promise<NotedBounce | null> {
  if (raw) return bounceIn(raw);
  if (!packed || !hintsAtBounce(packed.header)) return null;
  return bounceIn(await unpackContent(piecesOf(packed.content)[0]!));
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
