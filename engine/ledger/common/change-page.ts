// Positions of changes, and the page that is read after one: the same in every ledger.
// Invariant: a page begins right after the change that the position names, as that was told; or there is none.
import type { Change, ChangeFilter, ChangePage, ChangeType } from '../changes';

/** A change as it is stored. */
export interface StoredChange {
  /** The ledger's own id. */
  readonly ledger: string;
  /** What it is ordered by: numbers, the last one of its own. */
  readonly place: readonly (string | number)[];
  readonly at: number;
  readonly type: ChangeType;
  readonly sourceId: number | null;
  readonly event: string | null;
  readonly workflowId: string | null;
  /** JSON. */
  readonly details: string;
}

const LEDGER_DIGITS = 8;

/** It names the moment, too: a ledger that was restored from a backup gives the same places to other changes. */
export const positionOf = ({ ledger, place, at }: Pick<StoredChange, 'ledger' | 'place' | 'at'>): string =>
  [ledger.slice(0, LEDGER_DIGITS), ...place, at].join('.');

/** @param numbers of how many a place is made @returns null: it is none of the kind */
export function placeOfPosition(position: string, numbers: number): readonly string[] | null {
  const parts = position.split('.');
  const place = parts.slice(1, -1);
  return parts.length === numbers + 2 && place.every((part) => /^\d{1,18}$/.test(part)) ? place : null;
}

/**
 * @param rows from the position's own on, itself first, one more than are to be looked at: where it is not there, what came
 *   after it may be gone, too
 */
export function pageOf(
  rows: readonly StoredChange[],
  after: string,
  limit: number,
  filter: ChangeFilter = {},
): ChangePage | 'reset' {
  const [own, ...later] = rows;
  if (!own || positionOf(own) !== after) return 'reset';
  const looked = later.slice(0, limit).map(asTold);
  return {
    changes: looked.filter((row) => letsThrough(filter, row)).map(changeOf),
    position: positionOf(looked.at(-1) ?? own),
    more: later.length > limit,
  };
}

/** What is in doubt, and still looked for, has only been updated: it is UNKNOWN for people when nobody looks any more. */
const asTold = (row: StoredChange): StoredChange =>
  row.type === 'outbox.unknown' && typeof detailsOf(row)['dueAt'] === 'number'
    ? { ...row, type: 'outbox.updated' }
    : row;

const detailsOf = ({ details }: StoredChange): Record<string, unknown> =>
  JSON.parse(details) as Record<string, unknown>;

const letsThrough = ({ types, sourceId, workflowId, since }: ChangeFilter, row: StoredChange): boolean =>
  (types === undefined || types.includes(row.type)) &&
  (sourceId === undefined || row.sourceId === sourceId) &&
  (workflowId === undefined || row.workflowId === workflowId) &&
  (since === undefined || row.at >= since);

const changeOf = (row: StoredChange): Change => ({
  position: positionOf(row),
  type: row.type,
  at: row.at,
  sourceId: row.sourceId,
  event: row.event,
  workflowId: row.workflowId,
  details: detailsOf(row),
});
