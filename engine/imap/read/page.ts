// Records one page of mails for those whom they are due to, and moves the cursors past it.
// Invariants: mails, events and cursors commit together; the memory it takes is bounded by a page and two groups of
// bodies, one being read while the other is recorded; nothing is downloaded that is recorded already.
import { packContent } from '../../ledger/content';
import type { Cursor, NewMessage } from '../../ledger/ledger';
import { senderOf, subjectOf } from '../../mail/envelope';
import { headerBlock, readHeaders } from '../../mail/headers';
import { imapIdentity, messageIdOf, softIdentity, weakIdentity } from '../../mail/identity';
import { groupedBySize } from '../../runtime/groups';
import type { NewMail, SyncJob } from './job';
import type { Recorder } from './recorder';
import { chosen, factNeeds } from './selection';
import type { MailFacts } from '../session/facts';
import { WithheldMail } from '../session/session';

const GROUP_BYTES = 8 * 1024 * 1024;
/** So that n8n has its turn between two commits. */
const GROUP_MAILS = 100;
/** A mail that the server lists and does not hand out is asked for so often before it is recorded without content. */
const MOST_ASKED = 3;

/** Below this size a mail may be read together with what is told of it, in octets. */
const SMALL_BYTES = 64 * 1024;
/** Where fewer are small, it is not tried: the beginnings of the others would be read for nothing. */
const LEAST_SMALL = 0.75;

export interface Page {
  readonly facts: readonly MailFacts[];
  /** Those whom a mail is due to, if it is not recorded yet and their filters let it through. */
  readonly dueTo: (facts: MailFacts) => number[];
  /** The mailbox was renumbered: mails without a Message-ID may be known by their headers only. */
  readonly renumbered: boolean;
  /** The cursors once the page is recorded; those of refused subscriptions are left out. */
  readonly moves: () => readonly { readonly subscriptionId: number; readonly cursor: Cursor }[];
}

/** @returns false: the signal aborted before the page was done, and its cursors are where they were */
export async function recordPage(
  job: SyncJob,
  page: Page,
  recorder: Recorder,
  signal: AbortSignal,
): Promise<boolean> {
  const candidates = await Promise.all(page.facts.map((mail) => toCandidate(job, page, mail)));
  const known = page.renumbered ? await withWeakIdentity(job, candidates) : candidates;
  const fresh = (await job.ledger.unrecorded(known)).filter(({ due }) => due.length > 0);
  // What is not stored has no body.
  const bodySize = (mail: NewMail): number => (isStored(job, mail) ? mail.facts.size : 0);
  const groups = groupedBySize(await chosen(job, fresh), bodySize, GROUP_BYTES, GROUP_MAILS);
  const isOver = (): boolean => signal.aborted;
  for (const group of groups) {
    if (isOver()) return false;
    const isLast = group === groups.at(-1);
    const messages = await readMessages(job, group);
    // Reading may have taken long: nothing is recorded for a trigger that was closed meanwhile.
    if (isOver()) return false;
    await recorder.add(messages, isLast ? page.moves() : []);
  }
  if (groups.length === 0) await recorder.add([], page.moves());
  return true;
}

/** Whether mails like these are better read together with what is told of them. */
export const areMostlySmall = (mails: readonly MailFacts[]): boolean =>
  mails.filter(({ size }) => size < SMALL_BYTES).length >= mails.length * LEAST_SMALL;

/** What is told of a page's mails; `withContent`, with the content of small ones. */
export async function readPage(
  job: SyncJob,
  uids: readonly number[],
  known: ReadonlyMap<number, MailFacts>,
  { withContent = false } = {},
): Promise<MailFacts[]> {
  if (uids.every((uid) => known.has(uid))) return uids.map((uid) => known.get(uid)!);
  const needs = factNeeds(job.subscriptions);
  const most = Math.max(...job.subscriptions.map(({ reading }) => reading.mostStoredBytes));
  const wholeBelow = withContent ? Math.min(SMALL_BYTES, most) : 0;
  const asked = uids.filter((uid) => !givenUp(job, uid));
  const read = await askedFor(job, () => job.session.facts(asked, needs, wholeBelow));
  const unread = uids.filter((uid) => givenUp(job, uid));
  return [...read, ...unread.map(unreadFacts)].sort((a, b) => a.uid - b.uid);
}

/** A mail is given up by this reading, not lost: its run reads it again. */
const givenUp = ({ withheld }: SyncJob, uid: number): boolean => (withheld.get(uid) ?? 0) >= MOST_ASKED;

const unreadFacts = (uid: number): MailFacts => ({
  uid,
  size: 0,
  receivedAt: null,
  emailId: undefined,
  fields: Buffer.alloc(0),
});

async function askedFor<T>(job: SyncJob, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof WithheldMail) {
      for (const uid of error.uids) job.withheld.set(uid, (job.withheld.get(uid) ?? 0) + 1);
    }
    throw error;
  }
}

async function toCandidate(job: SyncJob, page: Page, facts: MailFacts): Promise<NewMail> {
  const headers = readHeaders(facts.fields);
  const { mailbox, uidValidity } = job;
  return {
    facts,
    messageId: messageIdOf(headers),
    sender: senderOf(headers),
    subject: await subjectOf(headers),
    identity: imapIdentity({ mailbox, uidValidity, uid: facts.uid, emailId: facts.emailId }),
    accountWide: facts.emailId !== undefined,
    softIdentity: softIdentity(headers, facts.size),
    due: page.dueTo(facts),
  };
}

async function withWeakIdentity(job: SyncJob, mails: readonly NewMail[]): Promise<NewMail[]> {
  const nameless = mails.filter(({ messageId, facts }) => messageId === null && facts.size > 0);
  if (nameless.length === 0) return [...mails];
  const blocks = await job.session.contents(
    nameless.map(({ facts }) => facts.uid),
    'headers',
  );
  return mails.map((mail) => {
    const block = blocks.get(mail.facts.uid);
    return block ? { ...mail, seemsLike: weakIdentity(block, mail.facts.size) } : mail;
  });
}

async function readMessages(job: SyncJob, group: readonly NewMail[]): Promise<NewMessage[]> {
  const stored = new Set(group.filter((mail) => isStored(job, mail)).map(({ facts }) => facts.uid));
  const unread = group.filter(({ facts }) => stored.has(facts.uid) && !facts.content);
  const contents = new Map(group.flatMap(({ facts: { uid, content } }) => (content ? [[uid, content]] : [])));
  if (unread.length > 0) {
    const uids = unread.map(({ facts }) => facts.uid);
    for (const [uid, raw] of await askedFor(job, () => job.session.contents(uids, 'whole')))
      contents.set(uid, raw);
  }
  // A mail that has no name must be known again, also if its content is not kept.
  const nameless = group.filter(
    ({ messageId, facts }) => messageId === null && !stored.has(facts.uid) && facts.size > 0,
  );
  const headers =
    nameless.length > 0
      ? await askedFor(job, () =>
          job.session.contents(
            nameless.map(({ facts }) => facts.uid),
            'headers',
          ),
        )
      : new Map<number, Buffer>();
  const messages = group.map(async ({ facts, seemsLike: _, ...mail }): Promise<NewMessage | null> => {
    const raw = stored.has(facts.uid) ? contents.get(facts.uid) : undefined;
    if (!raw && stored.has(facts.uid)) {
      job.log.info(`A mail in "${job.mailbox}" was deleted before it could be read`, { uid: facts.uid });
      return null;
    }
    const block = raw ? headerBlock(raw) : headers.get(facts.uid);
    return {
      ...mail,
      weakIdentity: block && mail.messageId === null ? weakIdentity(block, facts.size) : null,
      uid: facts.uid,
      uidValidity: job.uidValidity,
      receivedAt: facts.receivedAt,
      size: facts.size,
      content: raw ? await packContent(raw) : null,
    };
  });
  return (await Promise.all(messages)).filter((message) => message !== null);
}

/** Whether any of those it is due to stores mails of its size. */
const isStored = (job: SyncJob, { facts, due }: NewMail): boolean =>
  !givenUp(job, facts.uid) &&
  job.subscriptions.some(
    ({ subscription, reading }) => due.includes(subscription.id) && facts.size <= reading.mostStoredBytes,
  );
