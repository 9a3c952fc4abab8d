// Which mails are too old for those who might take them, found out by lists where reading each would cost more: somebody
// labels hundreds of old mails, and new mail waits behind them.
// Invariant: a mail is left out only if it is in no list of what was received since; where that is not sure, it is read.
import type { Priority } from '../../http/quota';
import { judgedIdentities, type Wanted } from './candidates';
import { receivedBefore, receivedSince } from './listing';
import { FOR_GOOD, type Round } from './round';
import { listed, unindexed } from './unindexed';

const PAGE = 500;
/** So many are read. */
const FEW = 25;
/** A page costs a quarter of what a mail costs: the lists cost an eighth of what reading would. */
const PAGES_PER_MAIL = 0.5;

/** @returns those that are certainly of interest by their date come first */
export async function withoutOld(
  round: Round,
  mails: readonly Wanted[],
  priority: Priority,
): Promise<readonly Wanted[]> {
  const doubtful = mails.filter(isDoubtful);
  if (doubtful.length <= FEW) return mails;
  const recent = await recentIds(round, doubtful, priority);
  const left = doubtful.filter(({ id }) => !recent || recent.has(id));
  if (recent) for (const mail of doubtful) if (!recent.has(mail.id)) passOver(round, mail);
  return [...mails.filter((mail) => !isDoubtful(mail)), ...left];
}

/** Whether it was only moved, and nobody takes it if it is old. */
const isDoubtful = ({ due }: Wanted): boolean =>
  [...due.values()].every(({ added, since }) => !added && since > -Infinity);

/** @returns null: that would take too many pages */
async function recentIds(
  { job: { api } }: Round,
  doubtful: readonly Wanted[],
  priority: Priority,
): Promise<ReadonlySet<string> | null> {
  const since = Math.min(...doubtful.flatMap(({ due }) => [...due.values()].map((reason) => reason.since)));
  const list = { includeSpamTrash: true, maxResults: PAGE };
  const found = new Set<string>();
  let left = Math.ceil(doubtful.length * PAGES_PER_MAIL);
  for await (const ids of listed(api, { ...list, q: receivedSince(since) }, priority)) {
    if (left-- === 0) return null;
    for (const id of ids) found.add(id);
  }
  const known = { ids: new Set(found), words: receivedBefore(since) };
  for await (const ids of unindexed(api, list, known, priority)) {
    if (left-- === 0) return null;
    for (const id of ids) found.add(id);
  }
  return found;
}

/** It will not become any younger. */
function passOver(round: Round, { id, due }: Wanted): void {
  for (const [subscriptionId, reason] of due) {
    const reading = round.places.get(subscriptionId)?.beginning.reading;
    if (!reading) continue;
    for (const identity of judgedIdentities(reading, id, reason)) {
      round.passOver(subscriptionId, identity, reason, FOR_GOOD);
    }
  }
}
