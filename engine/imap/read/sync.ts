// Reads what is new in an open mailbox and records it, in pages; then a page of older mail, where somebody asked
// for it. Whoever calls comes again while there is more.
// Invariants: cursors move only with what is recorded; what is new goes before what is old.
import type { Backfill } from '../../ledger/states';
import { beginningCursor } from './begin';
import { type ImapCursor, readCursor } from './cursor';
import { Cursors, type Moves, stored } from './cursors';
import type { SyncJob } from './job';
import { readPage, recordPage } from './page';
import { PAGE_MAILS, readInTurn } from './pages';
import { Recorder } from './recorder';
import { factNeeds } from './selection';
import { areMostlySmall, smallBytes } from './small-mails';
import type { MailFacts } from '../session/facts';
import { forLess, ImapFault } from '../session/fault';
import { FEW_MAILS, type News, type OpenedMailbox } from '../session/news';

/** UIDs that are listed, and held, at a time: so many are read out of an answer in 15 ms. */
const LIST_MOST = 4_000;

/** How far older mail was read. */
export interface Older extends Backfill {
  /** No more is read for now: so many mails wait for their run already, or one is to be asked for again. */
  readonly waits: boolean;
}

export interface Synced {
  /** Null: there is no older mail to read. */
  readonly older: Older | null;
}

/** Ends early, without harm, when the job's signal aborts. @throws ImapFault, LedgerFault */
export async function syncMailbox(job: SyncJob, opened: OpenedMailbox): Promise<Synced> {
  if (job.subscriptions.length === 0) {
    // Nobody reads now: an announcement that nobody takes would wake whoever waits again and again.
    await job.session.probe();
    return { older: null };
  }
  job.session.listing.atOnce = job.portion.most;
  const cursors = new Cursors(await beginningCursors(job, opened), job.withheld);
  // A subscription that is refused keeps its place, while the others go on.
  const refused = (id: number, fault: Error): void => {
    cursors.leaveOut(id);
    job.refused(id, fault);
  };
  const running = { ...job, refused };
  const recorder = new Recorder(job);
  try {
    if (await readNew(running, opened, cursors, recorder)) {
      return { older: await readOlder(running, cursors, recorder) };
    }
    return { older: null };
  } finally {
    job.withheld.readTo.clear();
    await recorder.end();
    cursors.keep();
  }
}

async function beginningCursors(job: SyncJob, opened: OpenedMailbox): Promise<Map<number, ImapCursor>> {
  const before = await job.ledger.cursors(job.subscriptions.map(({ subscription }) => subscription.id));
  // The mailbox may have been opened long ago: what the others have read since is not new to a newcomer.
  const read = [...before.values()]
    .map(readCursor)
    .map((cursor) => (cursor?.uidValidity === opened.uidValidity ? cursor.uid : 0))
    .concat(...job.withheld.readTo.values());
  const now = { ...opened, uidNext: Math.max(opened.uidNext, ...read.map((uid) => uid + 1)) };
  const cursors = new Map<number, ImapCursor>();
  const changed: [number, ImapCursor][] = [];
  for (const beginning of job.subscriptions) {
    const { id } = beginning.subscription;
    const stood = readCursor(before.get(id));
    const cursor = await beginningCursor(stood, now, beginning, job.session);
    cursors.set(id, cursor);
    if (cursor !== stood) changed.push([id, cursor]);
    if (stood && stood.uidValidity !== cursor.uidValidity) {
      job.log.warn(`The server renumbered the mailbox "${job.mailbox}"; it is read again`);
    }
  }
  if (changed.length > 0)
    await job.ledger.record({ hold: job.hold, messages: [], cursors: changed.map(stored) });
  return cursors;
}

/** @returns whether everything new was read, but for what is asked for again */
async function readNew(
  job: SyncJob,
  opened: OpenedMailbox,
  cursors: Cursors,
  recorder: Recorder,
): Promise<boolean> {
  const { withheld, portion, announcements, lastMails, signal } = job;
  const renumbered = cursors.all.some(({ since }) => since !== undefined);
  const isTroubled = portion.most < Infinity || withheld.held.length > 0;
  const takesAll = job.subscriptions.every(({ reading }) => !reading.filter && !reading.criteria);
  // Where every mail is taken, the next page is read while this one is recorded, content and all.
  const ahead = !renumbered && !isTroubled && takesAll;
  let news: News | undefined;
  let listed = 0;
  const list = async (above: number): Promise<readonly number[]> => {
    const isAll = news !== undefined && news.uids.length < LIST_MOST;
    if (isAll || cursors.all.length === 0) return [];
    const wholeBelow = ahead && lastMails.areSmall ? smallBytes(job.subscriptions) : 0;
    news = await newMail(job, cursors, Math.max(above, listed), wholeBelow);
    listed = news.uids.at(-1) ?? listed;
    // They come alone, behind the others.
    const fresh = news.uids.filter((uid) => !withheld.isHeld(uid));
    if (fresh.length > 0 && !renumbered) announcements.found();
    return fresh;
  };
  const read = (page: readonly number[], before: readonly MailFacts[]): Promise<MailFacts[]> =>
    readPage(job, page, news!.facts, { withContent: ahead && areMostlySmall(before) });
  const roundTripMs = (): number => job.session.roundTripMs;
  for await (const { to, mails } of readInTurn(list, read, { ahead, roundTripMs, mostListed: LIST_MOST })) {
    lastMails.came(mails);
    const dueTo = cursors.dueTo();
    const moves = (): Moves => cursors.advance(to);
    if (!(await recordPage(job, { facts: mails, dueTo, renumbered, moves }, recorder))) return false;
  }
  cursors.advance(listed);
  for (const uid of withheld.due) {
    if (!cursors.isNew(uid)) {
      // One that was found among older mail comes again with its page; whoever asked for another may have left.
      if (!cursors.isOlder(uid)) withheld.settled(uid);
      continue;
    }
    if (signal.aborted) return false;
    const facts = await readPage(job, [uid], new Map());
    const dueTo = cursors.heldFor();
    if (!(await recordPage(job, { facts, dueTo, renumbered, moves: () => [] }, recorder))) return false;
  }
  // Everything was read: from here on only the UID counts.
  if (withheld.held.length === 0) cursors.readAgain(opened.uidNext - 1);
  await recorder.add([], cursors.changed());
  return true;
}

/**
 * @param above up to this UID everything was listed already, whether it is recorded yet or not
 * @param wholeBelow of what was announced, mails of fewer octets come with their content
 */
async function newMail(job: SyncJob, cursors: Cursors, above: number, wholeBelow: number): Promise<News> {
  const { session, subscriptions, portion } = job;
  const lowest = (some: readonly ImapCursor[]): number =>
    Math.min(...some.map(({ uid }) => Math.max(uid, above)));
  const again = cursors.all.filter(({ since }) => since !== undefined);
  const rest = cursors.all.filter(({ since }) => since === undefined);
  try {
    if (again.length === 0) {
      const needs = portion.most < FEW_MAILS ? null : factNeeds(subscriptions);
      return await session.news.above(lowest(rest), LIST_MOST, needs, wholeBelow);
    }
    // Those who read again need what was received since then; the others what is above their UID.
    const since = Math.min(...again.map((cursor) => cursor.since!));
    const listed = session.listing.since(lowest(again), since).catch((error: unknown) => {
      throw portion.most > 1 ? forLess(error) : error;
    });
    const uids = new Set(await listed);
    const byUid = rest.length > 0 ? (await session.news.above(lowest(rest), LIST_MOST, null)).uids : [];
    for (const uid of byUid) uids.add(uid);
    // Beyond what was listed there may be more for those who go by UID: nobody's cursor may pass that yet.
    const highest = byUid.length < LIST_MOST ? Infinity : byUid.at(-1)!;
    return { uids: [...uids].filter((uid) => uid <= highest).sort((a, b) => a - b), facts: new Map() };
  } catch (error) {
    // Only where the listing itself broke, not the connection before it: it may have been too much at once.
    if (error instanceof ImapFault && error.lessNext) portion.broke(Math.min(portion.most, FEW_MAILS));
    throw error;
  }
}

/** Reads one page of older mail, for all who want it. */
async function readOlder(job: SyncJob, cursors: Cursors, recorder: Recorder): Promise<Older | null> {
  const filling = cursors.entries.filter(([, { fill }]) => fill);
  const fills = filling.flatMap(([, { fill }]) => fill!);
  if (fills.length === 0) return null;
  const waiting = await job.ledger.waiting(
    filling.map(([id]) => id),
    job.mostWaiting,
  );
  if (waiting >= job.mostWaiting) return progress(job, cursors, true);
  const below = Math.max(...fills.map((fill) => fill.below));
  const downTo = Math.min(...fills.map((fill) => fill.downTo));
  const sinces = fills.map(({ since }) => since ?? 0);
  const since = Math.min(...sinces) || undefined;
  const { uids, lookedTo } = await job.session.listing.below(below, downTo, PAGE_MAILS, since);
  const dueTo = cursors.olderFor();
  const facts: MailFacts[] = [];
  const asked = uids.filter((uid) => !job.withheld.isHeld(uid));
  if (asked.length > 0) facts.push(...(await readPage(job, asked, new Map())));
  for (const uid of job.withheld.due)
    if (uids.includes(uid)) facts.push(...(await readPage(job, [uid], new Map())));
  const isHeld = (): boolean => uids.some((uid) => job.withheld.isHeld(uid));
  // The page comes again, for those of its mails that are asked for again: the others are known by then.
  const moves = (): Moves => (isHeld() ? [] : cursors.fill(lookedTo, uids.length));
  await recordPage(job, { facts, dueTo, renumbered: false, moves }, recorder);
  return progress(job, cursors, isHeld());
}

async function progress(job: SyncJob, cursors: Cursors, waits: boolean): Promise<Older | null> {
  const fills = cursors.all.flatMap(({ fill }) => fill ?? []);
  if (fills.length === 0) return null;
  const [from, to] = [
    Math.max(...fills.map(({ below }) => below)),
    Math.min(...fills.map(({ downTo }) => downTo)),
  ];
  const { listing } = job.session;
  const left = (await listing.countBelow(from)) - (to > 1 ? await listing.countBelow(to) : 0);
  return { read: Math.max(...fills.map(({ read }) => read)), left: Math.max(left, 0), waits };
}
