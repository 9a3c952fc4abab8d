// What comparisons of mailboxes with the ledger share, whatever kind of mailbox it is: what each is given, and what it comes to.
import type { Ledger } from '../ledger/ledger';
import type { SourceHold } from '../ledger/source-holds';
import type { Log } from '../runtime/log';
import { CLOCK_MARGIN_MS } from '../runtime/time';
import type { ReadingData } from './reading-data';

/** What of a mail that was never seen is told. */
export interface MissedMail {
  /** Ms since 1970. */
  readonly receivedAt: number | null;
  /** Octets. */
  readonly size: number;
}

export interface AuditPorts<Missed extends MissedMail> {
  readonly ledger: Ledger;
  readonly log: Log;
  /** Only what the server received then or later, a mail server to the day; ms since 1970. */
  readonly since?: number;
  /** With it, what is missing is recorded. */
  readonly hold?: SourceHold;
  /** Somebody has new mails. */
  readonly recorded: (subscriptionIds: readonly number[]) => void;
  /** It was never seen, and is not recorded, either. */
  readonly found: (mail: Missed) => void;
  readonly signal: AbortSignal;
}

/**
 * What the server received before is not the subscription's own; null: all is. Of the last some mails nobody knows any more which
 * these were: what came since it began is meant.
 * @param beganAt ms since 1970
 */
export function ownFrom(beganAt: number, { start, skipBefore }: ReadingData): number | null {
  const skipped = skipBefore === null ? 0 : skipBefore + CLOCK_MARGIN_MS;
  if (start.kind === 'everything') return skipped || null;
  // The server's clock and the database's need not agree, and a mail that came before is nobody's loss.
  const begin = start.kind === 'since' ? start.at : beganAt + CLOCK_MARGIN_MS;
  return Math.max(begin, skipped);
}

/** Mails of the server, each counted once. */
export interface AuditCounts {
  /** All that were looked at; the sum of the others, without `recorded`. */
  listed: number;
  /** The ledger has, or had, them for each who takes them. */
  known: number;
  /** Nobody takes them: by their rules, or since they were there before. */
  notDue: number;
  /** Whoever collects has not come to them yet. */
  notYet: number;
  /** The server does not hand them out. */
  refused: number;
  /** Somebody takes them, is past them, and the ledger has never seen them. */
  missing: number;
  /** Of the missing: they were recorded now. */
  recorded: number;
}

export const noCounts = (): AuditCounts => ({
  ...{ listed: 0, known: 0, notDue: 0, notYet: 0, refused: 0, missing: 0, recorded: 0 },
});
