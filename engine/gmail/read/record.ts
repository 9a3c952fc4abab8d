// Records the mails that are worth reading for those who take them, and moves cursors with the last of them.
// Invariants: mails, events and cursors commit together; nothing is read that is recorded already; the memory it takes
// is bounded by a group of mails.
import { newContent } from '../../ledger/content';
import type { NewMessage } from '../../ledger/recording';
import { bounceIn } from '../../mail/bounce/bounce';
import { senderOf, subjectOf } from '../../mail/envelope';
import { headerBlock, readHeaders } from '../../mail/headers';
import { messageIdOf } from '../../mail/identity';
import type { Priority } from '../../http/quota';
import { GmailFault } from '../api/fault';
import type { RawMessage } from '../api/types';
import { gmailMailBytes } from '../mail/stored';
import { notKnown, type Wanted } from './candidates';
import { readInGroups } from './pool';
import { askableNow, nowOf, searchKey } from './postponed';
import { Reader, type ReadMail, type Want } from './read';
import { withoutOld } from './recent';
import type { Cursors, Round } from './round';
import { type Answer, askSearch, lookAgainIn } from './search';

const LIMITS = { atOnce: 5, mostItems: 25, mostBytes: 8 * 1024 * 1024 };

export interface Taking {
  readonly priority: Priority;
  /** The cursors once all is recorded; `held`: something is still due to these. */
  readonly moves?: (held: ReadonlySet<number>) => Cursors;
  /** Called with each mail that could be read. */
  readonly seen?: (message: RawMessage) => void;
}

export interface Taken {
  /** Subscriptions to which something is due that could not be read or judged yet. */
  readonly held: ReadonlySet<number>;
  /** How many mails were recorded. */
  readonly count: number;
}

/** @returns null: the signal aborted before all was recorded, and cursors are where they were @throws GmailFault, LedgerFault */
export async function takeMails(
  round: Round,
  wanted: readonly Wanted[],
  { priority, moves = () => new Map(), seen = () => undefined }: Taking,
): Promise<Taken | null> {
  const reader = new Reader(round, priority, seen);
  const held = reader.held;
  const askable = askableNow(round, await notKnown(round, wanted), held);
  const mails = await withoutOld(round, askable, priority);
  if (mails.length > 0) await round.reads();
  let count = 0;
  const read = (one: Wanted): Promise<ReadMail | null> => reader.read(one);
  try {
    for await (const { items, isLast } of readInGroups(
      troubleLast(round, mails),
      read,
      LIMITS,
      round.signal,
    )) {
      const matching = await withoutDiffering(round, items, priority, held);
      const messages = (await Promise.all(matching.map((mail) => messagesOf(round, mail)))).flat();
      // Reading may have taken long: nothing is recorded for a trigger that was closed meanwhile.
      if (round.signal.aborted) return null;
      await round.record(messages, isLast ? moves(held) : new Map());
      count += matching.filter(({ gone }) => !gone).length;
      for (const { id, message } of matching) if (!message) round.job.memory.withheld.delete(id);
    }
  } finally {
    reader.countBusy();
  }
  return round.signal.aborted ? null : { held, count };
}

/** What could not be read before comes last, so that it is seen whether others can be. */
function troubleLast({ job }: Round, mails: readonly Wanted[]): Wanted[] {
  const tries = ({ id }: Wanted): number => job.memory.withheld.get(id)?.tries ?? 0;
  return [...mails].sort((a, b) => tries(a) - tries(b));
}

/** What is left when the searches were asked. A subscription whose search is refused takes no part any more. */
async function withoutDiffering(
  round: Round,
  mails: readonly ReadMail[],
  priority: Priority,
  held: Set<number>,
): Promise<ReadMail[]> {
  const searchOf = ({ subscriptionId, reason }: Want): string | null => {
    if (reason.searched) return null;
    return round.places.get(subscriptionId)?.beginning.reading.filter.search || null;
  };
  const answers = new Map<string, ReadonlyMap<string, Answer>>();
  for (const search of new Set(mails.flatMap(({ wants }) => wants.flatMap((want) => searchOf(want) ?? [])))) {
    const asked = mails.filter(({ wants }) => wants.some((want) => searchOf(want) === search));
    const dated = asked.flatMap(({ message }) => message ?? []);
    try {
      if (dated.length > 0) answers.set(search, await askSearch(round.job.api, search, dated, priority));
    } catch (error) {
      if (!(error instanceof GmailFault) || error.kind !== 'refused') throw error;
      const asking = [...round.places].filter(
        ([, place]) => place.beginning.reading.filter.search === search,
      );
      round.refuse(
        asking.map(([id]) => id),
        error,
      );
    }
  }
  const isTaken = (want: Want, message: RawMessage | null): boolean => {
    if (!round.places.has(want.subscriptionId)) return false;
    const search = searchOf(want);
    // What cannot be read cannot be judged: its run shows what is wrong.
    if (search === null || !message) return true;
    return isMatching(round, want, message, answers.get(search)?.get(message.id) ?? 'unknown', held);
  };
  return mails
    .map((mail) => ({ ...mail, wants: mail.wants.filter((want) => isTaken(want, mail.message)) }))
    .filter(({ wants }) => wants.length > 0);
}

function isMatching(
  round: Round,
  { subscriptionId, identity, reason }: Want,
  { id: mail, historyId }: RawMessage,
  answer: Answer,
  held: Set<number>,
): boolean {
  const { job } = round;
  const { unsearched } = job.memory;
  const key = searchKey(subscriptionId, identity);
  if (answer === 'unknown') {
    const now = nowOf(job);
    const since = unsearched.get(key)?.since ?? now;
    const againInMs = lookAgainIn(now - since);
    if (againInMs !== null) {
      unsearched.set(key, { since, askAt: now + againInMs });
      held.add(subscriptionId);
      round.again(againInMs);
      return false;
    }
    job.log.warn(`Gmail's search does not know a mail of ${job.address} yet: it is taken`, { id: mail });
  }
  unsearched.delete(key);
  if (answer !== 'differs') return true;
  round.passOver(subscriptionId, identity, reason, BigInt(historyId));
  return false;
}

/** One for each identity: they share what was read. */
async function messagesOf(round: Round, { message, gone = false, wants }: ReadMail): Promise<NewMessage[]> {
  const headers = message && readHeaders(headerBlock(message.raw));
  const told = {
    softIdentity: null,
    accountWide: false,
    weakIdentity: null,
    messageId: headers && messageIdOf(headers),
    sender: headers && senderOf(headers),
    subject: headers && (await subjectOf(headers)),
    uid: null,
    uidValidity: null,
    receivedAt: message && message.internalDate,
    size: message ? message.raw.length : 0,
    bounce: message && bounceIn(message.raw),
  };
  const identities = new Set(wants.map(({ identity }) => identity));
  return Promise.all(
    [...identities].map(async (identity) => {
      const same = wants.filter((want) => want.identity === identity);
      const due = same.map(({ subscriptionId }) => subscriptionId);
      const content =
        message && isStored(round, due, message) ? await newContent(storedBytes(message, same)) : null;
      return { ...told, identity, content, due, gone };
    }),
  );
}

function storedBytes(message: RawMessage, wants: readonly Want[]): Buffer {
  const { event, label } = wants.find((want) => want.event === 'received') ?? wants[0]!;
  return gmailMailBytes(message, event, label === null ? [] : [label]);
}

const isStored = (round: Round, due: readonly number[], { raw }: RawMessage): boolean =>
  due.some((id) => raw.length <= (round.places.get(id)?.beginning.reading.mostStoredBytes ?? 0));
