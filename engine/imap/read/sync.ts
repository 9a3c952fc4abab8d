// Reads what is new in an open mailbox and records it, in pages; then a page of older mail, where somebody asked
// for it. Whoever calls comes again while there is more.
// Invariants: cursors move only with what is recorded; what is new goes before what is old.
import type { Backfill } from '../../ledger/states';
import { beginningCursor } from './begin';
import { advanced, filled, type ImapCursor, readCursor, storedCursor } from './cursor';
import type { SyncJob } from './job';
import { areMostlySmall, readPage, recordPage } from './page';
import { PAGE_MAILS, readInTurn } from './pages';
import { Recorder } from './recorder';
import { factNeeds } from './selection';
import type { MailFacts } from '../session/facts';
import type { News, OpenedMailbox } from '../session/session';

/** UIDs that are held at a time. */
const LIST_MOST = 10_000;

/** How far older mail was read. */
export interface Older extends Backfill {
  /** So many mails wait for their run already that no more are added to them. */
  readonly waits: boolean;
}

export interface Synced {
  /** Null: there is no older mail to read. */
  readonly older: Older | null;
}

type Cursors = Map<number, ImapCursor>;

/** Ends early, without harm, when the signal aborts. @throws ImapFault, LedgerFault */
export async function syncMailbox(job: SyncJob, opened: OpenedMailbox, signal: AbortSignal): Promise<Synced> {
  if (job.subscriptions.length === 0) {
    // Nobody reads now: an announcement that nobody takes would wake whoever waits again and again.
    await job.session.probe();
    return { older: null };
  }
  const cursors = await beginningCursors(job, opened);
  // A subscription that is refused keeps its place, while the others go on.
  const refused = (id: number, fault: Error): void => {
    cursors.delete(id);
    job.refused(id, fault);
  };
  const running = { ...job, refused };
  const recorder = new Recorder(job);
  try {
    if (await readNew(running, opened, cursors, recorder, signal)) {
      return { older: await readOlder(running, cursors, recorder, signal) };
    }
    return { older: null };
  } finally {
    await recorder.end();
  }
}

async function beginningCursors(job: SyncJob, opened: OpenedMailbox): Promise<Cursors> {
  const stored = await job.ledger.cursors(job.subscriptions.map(({ subscription }) => subscription.id));
  // The mailbox may have been opened long ago: what the others have read since is not new to a newcomer.
  const read = [...stored.values()]
    .map(readCursor)
    .map((cursor) => (cursor?.uidValidity === opened.uidValidity ? cursor.uid : 0));
  const now = { ...opened, uidNext: Math.max(opened.uidNext, ...read.map((uid) => uid + 1)) };
  const cursors: Cursors = new Map();
  const changed: Cursors = new Map();
  for (const beginning of job.subscriptions) {
    const { id } = beginning.subscription;
    const before = readCursor(stored.get(id));
    const cursor = await beginningCursor(before, now, beginning, job.session);
    cursors.set(id, cursor);
    if (cursor !== before) changed.set(id, cursor);
    if (before && before.uidValidity !== cursor.uidValidity) {
      job.log.warn(`The server renumbered the mailbox "${job.mailbox}"; it is read again`);
    }
  }
  if (changed.size > 0) await job.ledger.record({ hold: job.hold, messages: [], cursors: toStore(changed) });
  return cursors;
}

/** @returns whether everything new was read */
async function readNew(
  job: SyncJob,
  opened: OpenedMailbox,
  cursors: Cursors,
  recorder: Recorder,
  signal: AbortSignal,
): Promise<boolean> {
  const renumbered = [...cursors.values()].some(({ since }) => since !== undefined);
  // Where every mail is taken, the next page is read while this one is recorded, content and all.
  const ahead = !renumbered && job.subscriptions.every(({ reading }) => !reading.filter && !reading.criteria);
  let news: News | undefined;
  const list = async (above: number): Promise<readonly number[]> => {
    const isAll = news !== undefined && news.uids.length < LIST_MOST;
    if (isAll || cursors.size === 0) return [];
    news = await newMail(job, cursors, above);
    return news.uids;
  };
  const read = (page: readonly number[], before: readonly MailFacts[]): Promise<MailFacts[]> =>
    readPage(job, page, news!.facts, { withContent: ahead && areMostlySmall(before) });
  for await (const { to, mails } of readInTurn(list, read, { ahead })) {
    const before = new Map(cursors);
    const moves = (): ReturnType<typeof toStore> => {
      for (const [id, cursor] of cursors) cursors.set(id, advanced(cursor, to));
      return toStore(cursors);
    };
    const dueTo = ({ uid, receivedAt }: { uid: number; receivedAt: number | null }): number[] =>
      [...before]
        .filter(
          ([, { uid: read, since }]) => uid > read && (since === undefined || (receivedAt ?? since) >= since),
        )
        .map(([id]) => id);
    const done = await recordPage(job, { facts: mails, dueTo, renumbered, moves }, recorder, signal);
    if (!done) return false;
  }
  // Everything was read: from here on only the UID counts.
  const done: Cursors = new Map();
  for (const [id, { since, ...cursor }] of cursors) {
    if (since !== undefined) done.set(id, advanced(cursor, opened.uidNext - 1));
  }
  if (done.size > 0) await recorder.add([], toStore(done));
  for (const [id, cursor] of done) cursors.set(id, cursor);
  return true;
}

/** @param above up to this UID everything was listed already, whether it is recorded yet or not */
async function newMail({ session, subscriptions }: SyncJob, cursors: Cursors, above: number): Promise<News> {
  const lowest = (some: readonly ImapCursor[]): number =>
    Math.min(...some.map(({ uid }) => Math.max(uid, above)));
  const all = [...cursors.values()];
  const again = all.filter(({ since }) => since !== undefined);
  if (again.length === 0) return session.news(lowest(all), LIST_MOST, factNeeds(subscriptions));
  // Those who read again need what was received since then; the others what is above their UID.
  const since = Math.min(...again.map((cursor) => cursor.since!));
  const uids = new Set(await session.uidsSince(lowest(again), since));
  const rest = all.filter((cursor) => cursor.since === undefined);
  const byUid = rest.length > 0 ? (await session.news(lowest(rest), LIST_MOST, factNeeds([]))).uids : [];
  for (const uid of byUid) uids.add(uid);
  // Beyond what was listed there may be more for those who go by UID: nobody's cursor may pass that yet.
  const highest = byUid.length < LIST_MOST ? Infinity : byUid.at(-1)!;
  const listed = [...uids].filter((uid) => uid <= highest);
  return { uids: listed.sort((a, b) => a - b), facts: new Map() };
}

/** Reads one page of older mail, for all who want it. */
async function readOlder(
  job: SyncJob,
  cursors: Cursors,
  recorder: Recorder,
  signal: AbortSignal,
): Promise<Older | null> {
  const filling = [...cursors].filter(([, { fill }]) => fill);
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
  const { uids, lookedTo } = await job.session.uidsBelow(below, downTo, PAGE_MAILS, since);
  const before = new Map(cursors);
  const dueTo = ({ uid, receivedAt }: { uid: number; receivedAt: number | null }): number[] =>
    [...before]
      .filter(
        ([, { fill }]) =>
          fill && uid < fill.below && uid >= fill.downTo && (receivedAt ?? Infinity) >= (fill.since ?? 0),
      )
      .map(([id]) => id);
  const moves = (): ReturnType<typeof toStore> => {
    for (const [id, cursor] of cursors) cursors.set(id, filled(cursor, lookedTo, uids.length));
    return toStore(cursors);
  };
  const facts = await readPage(job, uids, new Map());
  await recordPage(job, { facts, dueTo, renumbered: false, moves }, recorder, signal);
  return progress(job, cursors, false);
}

async function progress(job: SyncJob, cursors: Cursors, waits: boolean): Promise<Older | null> {
  const fills = [...cursors.values()].flatMap(({ fill }) => fill ?? []);
  if (fills.length === 0) return null;
  const [from, to] = [
    Math.max(...fills.map(({ below }) => below)),
    Math.min(...fills.map(({ downTo }) => downTo)),
  ];
  const left = (await job.session.countBelow(from)) - (to > 1 ? await job.session.countBelow(to) : 0);
  return { read: Math.max(...fills.map(({ read }) => read)), left: Math.max(left, 0), waits };
}

const toStore = (cursors: Cursors): { subscriptionId: number; cursor: ReturnType<typeof storedCursor> }[] =>
  [...cursors].map(([subscriptionId, cursor]) => ({ subscriptionId, cursor: storedCursor(cursor) }));
