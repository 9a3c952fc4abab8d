// What both ledgers have in common about members.
import { createHash } from 'node:crypto';
import type { Complaint, Share, SourceStanding } from '../members';
import { AHEAD_MARGIN_MS } from './clock';

/** So long after it was silent a member is forgotten. */
export const FORGET_MS = 3_600_000;
/** Another n8n that has not said for so long that it listens to a trigger does not any more. */
export const LISTENS_MS = 40_000;
/** So long a complaint counts that is not said again. */
export const COMPLAINT_MS = 86_400_000;
/** Nobody says for longer at once that he is alive, or that he cannot reach something, ms. */
const MOST_SAID_MS = 600_000;
const AHEAD_MS = MOST_SAID_MS + AHEAD_MARGIN_MS;

/** SQL of both: the member is alive. What lies too far ahead was said before the clock was set back. */
export const isAlive = (now: string): string =>
  `(alive_until > ${now} and alive_until <= ${now} + ${AHEAD_MS})`;

/** SQL of both: whoever wants it can reach it, as far as is known. */
export const canReach = (now: string): string =>
  `(coalesce(unreachable_until, 0) <= ${now} or unreachable_until > ${now} + ${AHEAD_MS})`;

/** The most sources that a share names. */
const MOST_NAMED = 50;

export interface ShareRow {
  readonly holder: string;
  /** JSON. */
  readonly wanters: string;
  readonly count: number;
  /** JSON. */
  readonly sourceIds: string;
}

export const shareOf = ({ holder, wanters, count, sourceIds }: ShareRow): Share => ({
  holder,
  count,
  wanters: (JSON.parse(wanters) as string[]).sort(),
  sourceIds: (JSON.parse(sourceIds) as number[]).sort((a, b) => a - b).slice(0, MOST_NAMED),
});

export interface StandingRow extends Omit<SourceStanding, 'complaints'> {
  /** JSON. */
  readonly complaints: string;
}

export const standingOf = ({ complaints, ...standing }: StandingRow): SourceStanding => ({
  ...standing,
  complaints: JSON.parse(complaints) as Complaint[],
});

/** Two of one digest say the same: an index takes no text of any length. */
export const digestOf = (said: string): string => createHash('sha256').update(said).digest('base64url');
