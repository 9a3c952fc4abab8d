// Entries of the outbox as both ledgers store them: texts that are cut, and rows as the port tells of them.
import {
  type Entry,
  type EntryFilter,
  type EntryOrigin,
  type EntryOutcome,
  MOST_ENTRY_DELAY_MS,
  MOST_ENTRY_TEXT,
  type NewEntry,
  type SettledEntry,
} from '../outbox';
import { askableText } from '../askable';
import { LedgerFault } from '../fault';
import { newEventId } from './event-id';
import { storable, storableJson } from './storable';

/** A row, but for what a database spells in its own way. */
export interface EntryColumns {
  readonly id: string;
  readonly key: string;
  readonly kind: string;
  readonly lane: string;
  readonly state: Entry['state'];
  readonly request: string;
  readonly recipient: string | null;
  readonly subject: string | null;
  readonly messageId: string | null;
  readonly workflowId: string | null;
  readonly nodeId: string | null;
  readonly nodeName: string | null;
  readonly event: string | null;
  readonly tries: number;
  readonly dueAt: number | null;
  readonly queuedAt: number;
  readonly begunAt: number | null;
  readonly settledAt: number | null;
  readonly lastError: string | null;
  readonly lastAnswer: string | null;
  readonly hasContent: number | boolean;
  readonly doubted: number | boolean;
  readonly restsUntil: number | null;
}

export const originOf = ({ workflowId, nodeId, nodeName, event }: EntryColumns): Entry['origin'] => ({
  workflowId,
  nodeId,
  nodeName,
  event,
});

export const requestOf = (stored: string): Entry['request'] => JSON.parse(stored) as Entry['request'];

export const entryOf = (row: EntryColumns): Entry => ({
  id: row.id,
  key: row.key,
  kind: row.kind,
  lane: row.lane,
  state: row.state,
  request: requestOf(row.request),
  recipient: row.recipient,
  subject: row.subject,
  messageId: row.messageId,
  origin: originOf(row),
  tries: row.tries,
  dueAt: row.dueAt,
  queuedAt: row.queuedAt,
  begunAt: row.begunAt,
  settledAt: row.settledAt,
  lastError: row.lastError,
  lastAnswer: row.lastAnswer,
  hasContent: Boolean(row.hasContent),
  mayHaveArrived: Boolean(row.doubted),
  restsUntil: row.restsUntil,
});

/** SQL of both: a request that was forgotten still says which endpoint it told, since endpoints are not told of such. */
export const FORGOTTEN_REQUEST = `coalesce('{"endpoint":' || endpoint_id || '}', '{}')`;

/** A new entry, as it is stored, without its content. */
type StoredEntry = Omit<NewEntry, 'request' | 'content' | 'origin'> &
  EntryOrigin & { readonly id: string; readonly request: string };

export const storedEntry = (entry: NewEntry): StoredEntry => ({
  id: newEventId(),
  key: storable(entry.key),
  kind: storable(entry.kind),
  lane: storable(entry.lane),
  request: storableJson(entry.request),
  recipient: storable(entry.recipient),
  subject: storable(entry.subject),
  messageId: storable(entry.messageId),
  repeats: entry.repeats,
  workflowId: storable(entry.origin.workflowId),
  nodeId: storable(entry.origin.nodeId),
  nodeName: storable(entry.origin.nodeName),
  event: storable(entry.origin.event),
  keepMs: Math.max(0, Math.round(entry.keepMs)),
});

/** What is told of a try, as it is stored. */
export const entryText = (text: string | undefined): string | null =>
  // A character of two units is not cut in its middle.
  text === undefined ? null : storable(text.slice(0, MOST_ENTRY_TEXT).replace(/[\ud800-\udbff]$/, ''));

/** An outcome, as the statements of both ledgers read it. */
export interface StoredOutcome {
  readonly id: string;
  readonly fence: number;
  readonly became: EntryOutcome['became'];
  readonly error: string | null;
  readonly answer: string | null;
  /** Until it is tried, or looked for, again; null: never by itself. */
  readonly delayMs: number | null;
  readonly isReturned: boolean;
  readonly isRefusal: boolean;
  /** Null: as it was. */
  readonly mayHaveArrived: boolean | null;
}

export function storedOutcome({ id, fence, outcome }: SettledEntry): StoredOutcome {
  return {
    id,
    fence,
    became: outcome.became,
    error: entryText('error' in outcome ? outcome.error : undefined),
    answer: entryText('answer' in outcome ? outcome.answer : undefined),
    delayMs: delayOf(outcome),
    isReturned: outcome.became === 'QUEUED' && outcome.isReturned === true,
    isRefusal: outcome.became === 'QUEUED' && outcome.isRefusal === true,
    mayHaveArrived:
      outcome.became === 'UNKNOWN' || (outcome.became === 'QUEUED' ? (outcome.mayHaveArrived ?? null) : null),
  };
}

/** A person decides: that is told, also of one that was in doubt before. */
export const isAside = ({ outcome }: Pick<SettledEntry, 'outcome'>): boolean =>
  outcome.became === 'UNKNOWN' && outcome.lookAfterMs === null;

function delayOf(outcome: EntryOutcome): number | null {
  const ms =
    outcome.became === 'QUEUED' ? outcome.delayMs : outcome.became === 'UNKNOWN' ? outcome.lookAfterMs : null;
  return ms === null ? null : Math.min(MOST_ENTRY_DELAY_MS, Math.max(0, Math.round(ms)));
}

const TEXTS = [
  'kind',
  'lane',
  'workflowId',
  'event',
  'recipient',
  'subject',
  'messageId',
] as const satisfies (keyof EntryFilter)[];

/** @returns the same filter @throws LedgerFault `asked` */
export function askableEntryFilter(filter: EntryFilter): EntryFilter {
  for (const name of ['from', 'until'] as const) {
    const number = filter[name];
    if (number === undefined || Number.isSafeInteger(number)) continue;
    throw new LedgerFault('asked', `"${name}" has to be a whole number, and is ${number}.`);
  }
  const texts = TEXTS.flatMap((name): [string, string][] => {
    const text = filter[name];
    return text === undefined ? [] : [[name, askableText(text, name)]];
  });
  return { ...filter, ...Object.fromEntries(texts) };
}

/** Those of the due whose contents together have no more bytes, from the first on; one in any case. */
export function withinBytes<T extends { readonly seq: number }>(
  due: readonly T[],
  sizes: readonly { readonly seq: number; readonly bytes: number }[],
  mostBytes: number,
): readonly T[] {
  const bySeq = new Map(sizes.map(({ seq, bytes }) => [seq, bytes]));
  let bytes = 0;
  return due.filter(({ seq }, at) => (bytes += bySeq.get(seq) ?? 0) <= mostBytes || at === 0);
}
