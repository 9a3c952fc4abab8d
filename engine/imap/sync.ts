// Reads what is new in an open mailbox and records it, in pages.
// Invariants: mails, events and the cursor past them commit together; the memory it takes is bounded by a page
// and a group of bodies, whatever waits in the mailbox; nothing is downloaded that is recorded already.
import { packContent } from '../ledger/content';
import type { Candidate, Ledger, NewMessage, Subscription } from '../ledger/ledger';
import { readHeaders } from '../mail/headers';
import { senderOf, subjectOf } from '../mail/envelope';
import { imapIdentity, messageIdOf, softIdentity } from '../mail/identity';
import type { Log } from '../runtime/log';
import { advanced, type ImapCursor, readCursor, startingCursor, storedCursor } from './cursor';
import type { ImapSession, MailFacts, OpenedMailbox } from './session';

const PAGE_MAILS = 50;
const GROUP_BYTES = 8 * 1024 * 1024;

interface SyncSubscription {
  readonly subscription: Subscription;
  /** See `startingCursor`. */
  readonly reachedLate: boolean;
  /** A mail above this size is not stored: it is read again when it runs. */
  readonly mostStoredBytes: number;
}

export interface SyncJob {
  readonly session: ImapSession;
  readonly opened: OpenedMailbox;
  readonly sourceId: number;
  readonly mailbox: string;
  readonly ledger: Ledger;
  readonly subscriptions: readonly SyncSubscription[];
  readonly log: Log;
  /** Called after each commit with the subscriptions that have new events. */
  readonly recorded: (subscriptionIds: readonly number[]) => void;
}

interface NewMail extends Candidate {
  readonly facts: MailFacts;
  readonly messageId: string | null;
  readonly sender: string | null;
  readonly subject: string | null;
}

type Cursors = Map<number, ImapCursor>;

/** Records everything that is new for the subscriptions. Ends early, without harm, when the signal aborts. */
export async function syncMailbox(job: SyncJob, signal: AbortSignal): Promise<void> {
  if (job.subscriptions.length === 0) return;
  const cursors = await startingCursors(job);
  const uids = await newUids(job.session, cursors);
  for (let at = 0; at < uids.length && !signal.aborted; at += PAGE_MAILS) {
    await syncPage(job, cursors, uids.slice(at, at + PAGE_MAILS), signal);
  }
  if (!signal.aborted) await finishReadingBack(job, cursors);
}

async function startingCursors(job: SyncJob): Promise<Cursors> {
  const stored = await job.ledger.cursors(job.subscriptions.map(({ subscription }) => subscription.id));
  // The mailbox may have been opened long ago: what the others have read since is not new to a newcomer.
  const read = Math.max(
    0,
    ...[...stored.values()]
      .map(readCursor)
      .map((cursor) => (cursor?.uidValidity === job.opened.uidValidity ? cursor.uid : 0)),
  );
  const opened = { ...job.opened, uidNext: Math.max(job.opened.uidNext, read + 1) };
  const cursors: Cursors = new Map();
  const changed: Cursors = new Map();
  for (const { subscription, reachedLate } of job.subscriptions) {
    const before = readCursor(stored.get(subscription.id));
    const cursor = startingCursor(before, opened, subscription, reachedLate);
    cursors.set(subscription.id, cursor);
    if (cursor !== before) changed.set(subscription.id, cursor);
    if (before && cursor !== before) {
      job.log.warn(`The server renumbered the mailbox "${job.mailbox}"; it is read again`);
    }
  }
  if (changed.size > 0)
    await job.ledger.record({ sourceId: job.sourceId, messages: [], cursors: toStore(changed) });
  return cursors;
}

async function newUids(session: ImapSession, cursors: Cursors): Promise<number[]> {
  const after = Math.min(...[...cursors.values()].map(({ uid }) => uid));
  const readingBack = [...cursors.values()].filter(({ since }) => since !== undefined);
  if (readingBack.length === 0) return session.uidsAfter(after);
  // Those who read back need what was received since then; the others what is above their UID.
  const rest = [...cursors.values()].filter(({ since }) => since === undefined);
  const since = Math.min(...readingBack.map((cursor) => cursor.since!));
  const uids = new Set(await session.uidsSince(after, since));
  if (rest.length > 0) {
    for (const uid of await session.uidsAfter(Math.min(...rest.map(({ uid }) => uid)))) uids.add(uid);
  }
  return [...uids].sort((a, b) => a - b);
}

async function syncPage(
  job: SyncJob,
  cursors: Cursors,
  page: readonly number[],
  signal: AbortSignal,
): Promise<void> {
  const candidates = await Promise.all(
    (await job.session.facts(page)).map((facts) => toCandidate(job, cursors, facts)),
  );
  const wanted = (await job.ledger.unrecorded(candidates)).filter(({ due }) => due.length > 0);
  const groups = groupBySize(wanted, (mail) => isStored(job, mail));
  // The last group takes the cursor past the whole page; with none, only the cursor moves.
  for (const [index, group] of (groups.length > 0 ? groups : [[]]).entries()) {
    if (signal.aborted) return;
    const messages = await readMessages(job, group);
    const upTo = index >= groups.length - 1 ? page.at(-1)! : group.at(-1)!.facts.uid;
    for (const [id, cursor] of cursors) cursors.set(id, advanced(cursor, upTo));
    const news = await job.ledger.record({ sourceId: job.sourceId, messages, cursors: toStore(cursors) });
    if (news.length > 0) job.recorded(news);
  }
}

/** Whether any of those it is due to stores mails of its size. */
const isStored = (job: SyncJob, { facts, due }: NewMail): boolean =>
  job.subscriptions.some(
    ({ subscription, mostStoredBytes }) => due.includes(subscription.id) && facts.size <= mostStoredBytes,
  );

async function toCandidate(job: SyncJob, cursors: Cursors, facts: MailFacts): Promise<NewMail> {
  const headers = readHeaders(facts.identityFields);
  const place = {
    mailbox: job.mailbox,
    uidValidity: job.opened.uidValidity,
    uid: facts.uid,
    emailId: facts.emailId,
  };
  const due = [...cursors]
    .filter(
      ([, { uid, since }]) =>
        facts.uid > uid && (since === undefined || (facts.receivedAt ?? since) >= since),
    )
    .map(([id]) => id);
  return {
    facts,
    messageId: messageIdOf(headers),
    sender: senderOf(headers),
    subject: await subjectOf(headers),
    identity: imapIdentity(place),
    softIdentity: softIdentity(headers, facts.size),
    due,
  };
}

async function readMessages(job: SyncJob, group: readonly NewMail[]): Promise<NewMessage[]> {
  const stored = group.filter((mail) => isStored(job, mail)).map(({ facts }) => facts.uid);
  const contents =
    stored.length > 0 ? await job.session.contents(stored, 'whole') : new Map<number, Buffer>();
  const messages = group.map(async ({ facts, ...mail }): Promise<NewMessage | null> => {
    const raw = contents.get(facts.uid);
    if (!raw && stored.includes(facts.uid)) {
      job.log.info(`A mail in "${job.mailbox}" was deleted before it could be read`, { uid: facts.uid });
      return null;
    }
    return {
      ...mail,
      uid: facts.uid,
      uidValidity: job.opened.uidValidity,
      receivedAt: facts.receivedAt,
      size: facts.size,
      content: raw ? await packContent(raw) : null,
    };
  });
  return (await Promise.all(messages)).filter((message) => message !== null);
}

/** In order; each group's bodies fit in memory together. What is not stored has none. */
function groupBySize(mails: readonly NewMail[], isStored: (mail: NewMail) => boolean): NewMail[][] {
  const groups: NewMail[][] = [];
  let bytes = Infinity;
  for (const mail of mails) {
    const size = isStored(mail) ? mail.facts.size : 0;
    if (bytes + size > GROUP_BYTES) {
      groups.push([]);
      bytes = 0;
    }
    groups.at(-1)!.push(mail);
    bytes += size;
  }
  return groups;
}

/** Everything was read: from here on only the UID counts. */
async function finishReadingBack(job: SyncJob, cursors: Cursors): Promise<void> {
  const done: Cursors = new Map();
  for (const [id, { since, ...cursor }] of cursors) {
    if (since !== undefined) done.set(id, advanced(cursor, job.opened.uidNext - 1));
  }
  if (done.size > 0)
    await job.ledger.record({ sourceId: job.sourceId, messages: [], cursors: toStore(done) });
}

const toStore = (cursors: Cursors): { subscriptionId: number; cursor: ReturnType<typeof storedCursor> }[] =>
  [...cursors].map(([subscriptionId, cursor]) => ({ subscriptionId, cursor: storedCursor(cursor) }));
