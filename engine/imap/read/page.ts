// Records one page of mails for those whom they are due to, and moves the cursors past it.
// Invariants: mails, events and cursors commit together; the memory it takes is bounded by a page and two groups of
// bodies, one being read while the other is recorded; nothing is downloaded that is recorded already; a mail that is not
// handed out keeps no other from being recorded.
import type { Cursor } from '../../ledger/subscriptions';
import { imapIdentity, weakIdentity } from '../../mail/identity';
import { groupedBySize } from '../../runtime/groups';
import { inPieces } from '../../runtime/turns';
import { askFor } from './asking';
import type { NewMail, SyncJob } from './job';
import { namesOf, readMessages } from './messages';
import type { Recorder } from './recorder';
import { chosen, factNeeds } from './selection';
import { smallBytes } from './small-mails';
import type { MailFacts } from '../session/facts';
import { isRefusal } from '../session/fault';

const GROUP_BYTES = 8 * 1024 * 1024;
/** So that runs have their turn in the ledger between two commits. */
const GROUP_MAILS = 250;

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
export async function recordPage(job: SyncJob, page: Page, recorder: Recorder): Promise<boolean> {
  const { withheld } = job;
  const candidates = await inPieces(page.facts, (mail) => toCandidate(job, page, mail));
  const known = page.renumbered ? await withWeakIdentity(job, candidates) : candidates;
  const fresh = await unrecorded(job, known);
  const mails = await sized(job, await chosen(job, fresh));
  const isFresh = new Set(mails.map(({ facts }) => facts.uid));
  for (const { facts } of known) if (!isFresh.has(facts.uid)) withheld.settled(facts.uid);
  const groups = groupedBySize(mails, bytesOf, GROUP_BYTES, GROUP_MAILS);
  const isOver = (): boolean => job.signal.aborted;
  for (const group of groups) {
    if (isOver()) return false;
    const { messages, broken } = await readMessages(job, group);
    // Reading may have taken long: nothing is recorded for a trigger that was closed meanwhile.
    if (isOver()) return false;
    const isDone = group === groups.at(-1) && !broken;
    await recorder.add(messages, isDone ? page.moves() : []);
    if (broken) throw broken;
  }
  if (groups.length === 0) await recorder.add([], page.moves());
  return true;
}

/**
 * Those that are due to somebody, and not recorded yet. Of a mail whose content is here the ledger says so when it is
 * recorded: asked before, it would look twice.
 */
async function unrecorded({ ledger }: SyncJob, mails: readonly NewMail[]): Promise<NewMail[]> {
  const asked = mails.filter(({ facts }) => !facts.content);
  const answers = asked.length > 0 ? await ledger.unrecorded(asked) : [];
  const unknown = new Map(answers.map((mail) => [mail.facts.uid, mail]));
  return mails.flatMap((mail) => unknown.get(mail.facts.uid) ?? mail).filter(({ due }) => due.length > 0);
}

/**
 * What is told of a page's mails; `withContent`, with the content of small ones. Those that are asked for again are left
 * out. @throws ImapFault
 */
export async function readPage(
  job: SyncJob,
  uids: readonly number[],
  known: ReadonlyMap<number, MailFacts>,
  { withContent = false } = {},
): Promise<MailFacts[]> {
  if (uids.every((uid) => known.has(uid))) return uids.map((uid) => known.get(uid)!);
  const { session, withheld } = job;
  const needs = factNeeds(job.subscriptions);
  const wholeBelow = withContent ? smallBytes(job.subscriptions) : 0;
  const asked = uids.filter((uid) => !withheld.isGivenUp(uid)).map((uid) => ({ uid }));
  const { answers, refused, broken } = await askFor(job, asked, (mails) =>
    session.mails.facts(
      mails.map(({ uid }) => uid),
      needs,
      wholeBelow,
    ),
  );
  if (broken) throw broken;
  // What is not there any more needs nothing.
  for (const { uid } of asked) if (!answers.has(uid) && !refused.has(uid)) withheld.settled(uid);
  const unread = await unreadFacts(
    job,
    uids.filter((uid) => withheld.isGivenUp(uid)),
  );
  return [...answers.values(), ...unread].sort((a, b) => a.uid - b.uid);
}

/** Of mails that are given up: what tells them from others, if the server says even that. */
async function unreadFacts({ session }: SyncJob, uids: readonly number[]): Promise<MailFacts[]> {
  if (uids.length === 0) return [];
  const { answers, fault } = await session.mails.bare(uids);
  if (!fault) return [...answers.values()];
  if (!isRefusal(fault)) throw fault;
  return uids.map((uid) => ({ uid, size: 0, receivedAt: null, emailId: undefined, fields: null }));
}

async function toCandidate(job: SyncJob, page: Page, facts: MailFacts): Promise<NewMail> {
  const { mailbox, uidValidity } = job;
  return {
    facts,
    ...(await namesOf(facts.fields, facts.size)),
    identity: imapIdentity({ mailbox, uidValidity, uid: facts.uid, emailId: facts.emailId }),
    accountWide: facts.emailId !== undefined,
    due: page.dueTo(facts),
  };
}

/** Those whose header is not handed out are left out, and asked for again. @throws ImapFault */
async function withWeakIdentity(job: SyncJob, mails: readonly NewMail[]): Promise<NewMail[]> {
  const nameless = mails.filter(({ messageId, facts }) => messageId === null && facts.fields !== null);
  if (nameless.length === 0) return [...mails];
  const { answers, refused, broken } = await askFor(
    job,
    nameless.map(({ facts }) => facts),
    (some) => job.session.mails.headers(some.map(({ uid }) => uid)),
  );
  if (broken) throw broken;
  return mails
    .filter(({ facts }) => !refused.has(facts.uid) || job.withheld.isGivenUp(facts.uid))
    .map((mail) => {
      const block = answers.get(mail.facts.uid);
      return block ? { ...mail, seemsLike: weakIdentity(block, mail.facts.size) } : mail;
    });
}

/** With `isLarge` set on mails of unknown size that are larger than is stored. @throws ImapFault */
async function sized(job: SyncJob, mails: readonly NewMail[]): Promise<NewMail[]> {
  const unsized = mails.filter(({ facts }) => facts.size === 0 && !job.withheld.isGivenUp(facts.uid));
  if (unsized.length === 0) return [...mails];
  const most = Math.max(...job.subscriptions.map(({ reading }) => reading.mostStoredBytes));
  const { answers, broken } = await askFor(
    job,
    unsized.map(({ facts }) => facts),
    (some) =>
      job.session.mails.largerThan(
        some.map(({ uid }) => uid),
        most,
      ),
  );
  if (broken) throw broken;
  return mails.map((mail) => (answers.get(mail.facts.uid) ? { ...mail, isLarge: true } : mail));
}

/** A mail of unknown size is read by itself: nobody knows what else fits into memory beside it. */
const bytesOf = ({ facts: { size, fields }, isLarge }: NewMail): number =>
  size > 0 || isLarge || fields === null ? size : GROUP_BYTES;
