// How far older mail of a source was read: two columns in every ledger, one value in the port.
import type { Backfill } from './states';

export interface BackfillColumns {
  readonly backfillRead: number | null;
  readonly backfillLeft: number | null;
}

/** The row with `backfill` instead of its columns. */
export function withBackfill<Row extends BackfillColumns>({
  backfillRead: read,
  backfillLeft: left,
  ...row
}: Row): Omit<Row, keyof BackfillColumns> & { readonly backfill: Backfill | null } {
  return { ...row, backfill: read === null || left === null ? null : { read, left } };
}
