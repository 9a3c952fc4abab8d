// Whether an endpoint has failed for so long that it is set aside.
// Invariants: one success within that time is enough to leave it; so is a person who saved it anew or took it back; where it
// cannot be found out with few looks, it is left.
import type { Endpoint } from '../../ledger/endpoints';
import type { Entry, EntryFilter, Outbox } from '../../ledger/outbox';
import { endpointOfEntry } from './endpoint';
import { WEBHOOK_KIND } from './webhook-request';
import { laneOf } from './webhook-url';

const PAGE = 200;
/** Others may have the same host. */
const MOST_PAGES = 25;
/** Its last failure has to be as new as this part of the time: of one that is told nothing nobody knows. */
const LATELY = 1 / 3;

export interface FailingFor {
  /** How long nothing may have succeeded, ms. */
  readonly ms: number;
  /** ms since 1970. */
  readonly now: number;
}

/** @returns why it is set aside; null: it is not */
export async function failingFor(
  outbox: Pick<Outbox, 'entries'>,
  endpoint: Endpoint,
  { ms, now }: FailingFor,
): Promise<string | null> {
  const cutoff = now - ms;
  const begins = Math.max(endpoint.createdAt, endpoint.missedAt ?? 0);
  if (begins > cutoff) return null;
  const of = { kind: WEBHOOK_KIND, lane: laneOf(new URL(endpoint.url)) };
  const find = (filter: EntryFilter, isIt: (entry: Entry) => boolean): Promise<Entry | 'none' | 'unsure'> =>
    found(outbox, { ...of, ...filter }, (entry) => endpointOfEntry(entry) === endpoint.id && isIt(entry));

  const hasFailed = ({ lastError }: Entry): boolean => lastError !== null;
  const failed: EntryFilter = { states: ['FAILED', 'QUEUED'], from: begins };
  const last = await find(failed, (entry) => hasFailed(entry) && (entry.begunAt ?? 0) >= now - ms * LATELY);
  if (typeof last === 'string') return null;
  const first = await find({ ...failed, until: cutoff }, hasFailed);
  if (typeof first === 'string') return null;
  const success = await find({ states: ['SENT'] }, ({ settledAt }) => (settledAt ?? 0) >= cutoff);
  if (success !== 'none') return null;
  return `Everything that it was to be told for ${days(ms)} has failed, the last with: ${last.lastError}`;
}

async function found(
  outbox: Pick<Outbox, 'entries'>,
  filter: EntryFilter,
  isIt: (entry: Entry) => boolean,
): Promise<Entry | 'none' | 'unsure'> {
  let after: number | null = null;
  for (let page = 0; page < MOST_PAGES; page++) {
    const { entries, next } = await outbox.entries(filter, { after, limit: PAGE });
    const entry = entries.find(isIt);
    if (entry) return entry;
    if (next === null) return 'none';
    after = next;
  }
  return 'unsure';
}

const days = (ms: number): string => {
  const count = Math.round(ms / 86_400_000);
  return count < 2 ? 'a day' : `${count} days`;
};
