// What stands in columns of both ledgers in another shape than in the port, and the texts and numbers that both store.
import type { Errand } from '../errands';
import type { Backfill } from '../states';
import type { Cursor } from '../subscriptions';
import { storableJson } from './storable';

/** What an event says whose lease ran out. */
export const LAPSED = 'The run did not end: the process that ran it stopped or stalled.';

/** Who was told of a subscription that nobody serves: the log, or the workflow's people. */
export const TOLD = { log: 1, people: 2 } as const;

export interface BackfillColumns {
  readonly backfillRead: number | null;
  readonly backfillLeft: number | null;
}

export const backfillOf = ({ backfillRead: read, backfillLeft: left }: BackfillColumns): Backfill | null =>
  read === null || left === null ? null : { read, left };

export interface ReaderColumns {
  /** Whose lease has not run out. */
  readonly holder: string | null;
  /** When the last one gave the source back, or its lease ran out; null: none had it, or a version before this did not note it. */
  readonly leftAt: number | null;
  readonly lastSuccessAt: number | null;
  /** Since when the first of those listens that do; null: nobody does. */
  readonly servedSince: number | null;
}

/** Since when no process reads a source, though a trigger listens; null: one does, or nobody listens. */
export const unreadSinceOf = ({
  holder,
  leftAt,
  lastSuccessAt,
  servedSince,
}: ReaderColumns): number | null =>
  holder !== null || servedSince === null
    ? null
    : Math.max(leftAt ?? -Infinity, lastSuccessAt ?? -Infinity, servedSince);

export const storedErrand = (errand: Errand | null): string | null => (errand ? storableJson(errand) : null);

export const parseErrand = (stored: string): Errand => JSON.parse(stored) as Errand;

export const parseCursor = (stored: string | null): Cursor | null =>
  stored ? (JSON.parse(stored) as Cursor) : null;
