// Which mails are worth reading, and for whom: from what the history tells, before anything is read.
// Invariants: what may be taken is never left out: where labels are missing, the mail is read; a mail is read once for
// all; what is recorded, or was judged since, is not read again.
import type { Candidate } from '../../ledger/recording';
import type { HistoryRecord, MessageRef } from '../api/types';
import { interestedFrom } from './begin';
import { gmailIdentity } from '../mail/identity';
import type { GmailReading } from './reading';
import type { Place, Round } from './round';
import { canBringIn, eventLabelsAmong, isAskedFor, meetsLabels } from './selection';

/** Why a mail may be due to a subscription. */
export interface Reason {
  /** The newest record that tells of it, or LISTED. */
  readonly record: bigint;
  /** It is new, or listed: it counts with the labels that it has now. */
  readonly added: boolean;
  /** Labels that it was given. */
  readonly labels: readonly string[];
  /** Only if it was received since then, ms since 1970. */
  readonly since: number;
  /** The subscription's search has found it. */
  readonly searched: boolean;
  /** The record told its labels, and they are what the subscription wants. */
  readonly told?: boolean;
}

export interface Wanted {
  readonly id: string;
  /** By subscription. */
  readonly due: ReadonlyMap<number, Reason>;
}

export class WantedMails {
  readonly #mails = new Map<string, Map<number, Reason>>();

  add(id: string, subscriptionId: number, reason: Reason): void {
    const due = this.#mails.get(id) ?? new Map<number, Reason>();
    this.#mails.set(id, due);
    const before = due.get(subscriptionId);
    due.set(subscriptionId, before ? both(before, reason) : reason);
  }

  all(): Wanted[] {
    return [...this.#mails].map(([id, due]) => ({ id, due }));
  }
}

const both = (a: Reason, b: Reason): Reason => ({
  record: a.record > b.record ? a.record : b.record,
  added: a.added || b.added,
  labels: [...new Set([...a.labels, ...b.labels])],
  since: Math.min(a.since, b.since),
  searched: a.searched || b.searched,
  told: a.told === true || b.told === true,
});

/** What a page of the history tells, for each only what is newer than its own cursor. */
export function wantedIn(records: readonly HistoryRecord[], places: ReadonlyMap<number, Place>): Wanted[] {
  const wanted = new WantedMails();
  for (const [id, place] of places) {
    const past = BigInt(place.cursor.historyId);
    const { reading } = place.beginning;
    for (const { id: recordId, messagesAdded = [], labelsAdded = [] } of records) {
      const record = BigInt(recordId);
      if (record <= past) continue;
      for (const { message } of messagesAdded) {
        const labels = reasonOfAdded(reading, message);
        const told = (message.labelIds ?? []).length > 0;
        const reason = { record, added: true, since: -Infinity, searched: false, told };
        if (labels) wanted.add(message.id, id, { ...reason, labels });
      }
      for (const { message, labelIds } of labelsAdded) {
        const reason = reasonOfLabels(place, labelIds);
        if (reason) wanted.add(message.id, id, { record, added: false, searched: false, ...reason });
      }
    }
  }
  return wanted.all();
}

/** @returns the labels that count for it; null: it cannot be due. Gmail leaves empty lists out: they say nothing. */
function reasonOfAdded(reading: GmailReading, { labelIds = [] }: MessageRef): readonly string[] | null {
  if (labelIds.length === 0) return [];
  // What is moved to where it counts later has a record of its own, which comes behind.
  if (!isAskedFor(reading, labelIds) || !meetsLabels(reading.filter, labelIds)) return null;
  if (reading.event === 'received') return [];
  if (reading.event === 'sent') return labelIds.includes('SENT') ? [] : null;
  const labels = eventLabelsAmong(reading, labelIds);
  return labels.length > 0 ? labels : null;
}

/** Its labels of now are not looked at: they may be half of a change. */
function reasonOfLabels(
  { beginning: { reading }, cursor }: Place,
  labelIds: readonly string[],
): Pick<Reason, 'labels' | 'since'> | null {
  const { event, filter } = reading;
  if (event === 'sent') return labelIds.includes('SENT') ? { labels: [], since: -Infinity } : null;
  if (event !== 'received') {
    const labels = eventLabelsAmong(reading, labelIds);
    return labels.length > 0 ? { labels, since: -Infinity } : null;
  }
  if (!canBringIn(reading, labelIds)) return null;
  const enters = filter.labels?.ids.some((id) => labelIds.includes(id)) ?? false;
  return { labels: [], since: enters ? -Infinity : interestedFrom(reading, cursor) };
}

/** Whether only the mail itself says which labels it is about. */
const isOpen = ({ event }: GmailReading, { added, labels }: Reason): boolean =>
  added && labels.length === 0 && (event === 'labelAdded' || event === 'starred');

/** Under which identities it would be recorded, as far as that is known without reading it. */
export function knownIdentities(reading: GmailReading, id: string, reason: Reason): string[] {
  const { event } = reading;
  if (event === 'received' || event === 'sent') return [gmailIdentity(event, id)];
  return reason.labels.map((label) => gmailIdentity(event, id, label));
}

/** What is remembered of a mail that was not taken. */
export const judgedIdentities = (reading: GmailReading, id: string, reason: Reason): string[] =>
  isOpen(reading, reason) ? [gmailIdentity('labelAdded', id)] : knownIdentities(reading, id, reason);

/** The mails that are neither recorded yet nor judged already, each with those who still need it. */
export async function notKnown(round: Round, wanted: readonly Wanted[]): Promise<Wanted[]> {
  const candidates = new Map<string, { identity: string; due: number[] }>();
  const open = new Set<string>();
  for (const { id, due } of wanted) {
    for (const [subscriptionId, reason] of due) {
      const reading = round.places.get(subscriptionId)?.beginning.reading;
      if (!reading) continue;
      const left = judgedIdentities(reading, id, reason).filter(
        (identity) => !round.isPassedOver(subscriptionId, identity, reason),
      );
      if (isOpen(reading, reason)) {
        if (left.length > 0) open.add(`${subscriptionId} ${id}`);
        continue;
      }
      for (const identity of left) {
        const candidate = candidates.get(identity) ?? { identity, due: [] };
        candidates.set(identity, candidate);
        candidate.due.push(subscriptionId);
      }
    }
  }
  const needed = await stillDue(round, [...candidates.values()]);
  return wanted.flatMap(({ id, due }) => {
    const left = new Map<number, Reason>();
    for (const [subscriptionId, reason] of due) {
      const reading = round.places.get(subscriptionId)?.beginning.reading;
      if (!reading) continue;
      if (open.has(`${subscriptionId} ${id}`)) left.set(subscriptionId, reason);
      const known = knownIdentities(reading, id, reason);
      if (known.some((identity) => needed.has(`${subscriptionId} ${identity}`)))
        left.set(subscriptionId, reason);
    }
    return left.size > 0 ? [{ id, due: left }] : [];
  });
}

async function stillDue(
  { job }: Round,
  candidates: readonly { identity: string; due: readonly number[] }[],
): Promise<ReadonlySet<string>> {
  if (candidates.length === 0) return new Set();
  const asked = candidates.map((one): Candidate => ({ ...one, softIdentity: null, accountWide: false }));
  const fresh = await job.ledger.unrecorded(asked);
  return new Set(fresh.flatMap(({ identity, due }) => due.map((id) => `${id} ${identity}`)));
}
