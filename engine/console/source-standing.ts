// How a source is, for people: what is broken and what is only quiet is decided here, for the page, its title and /healthz, and
// each comes with a sentence that says what to do.
// Invariant: a source that is read is never broken, and one that is not read, though somebody listens, is, at the latest after
// the times below; a process that takes over from one that is gone has as long.
import type { Standing } from './api';
import type { SourceHealth } from '../ledger/inspection';

const MINUTE_MS = 60_000;
/** As long as an outage lasts before people are told of it by default. */
const LASTING_MS = 5 * MINUTE_MS;
/** Nobody may set a mailbox to be looked at less often than every 25 minutes, or an account than once an hour. */
const LOOKED_WITHIN_MS = { idling: 30 * MINUTE_MS, polling: 70 * MINUTE_MS } as const;
/** Quiet, and no more than that: no mail for so long. */
const QUIET_MS = 24 * 60 * MINUTE_MS;

export interface SourceStanding {
  readonly standing: Standing;
  readonly says: string;
}

/** @param now ms since 1970 */
export function standingOf(source: SourceHealth, now: number): SourceStanding {
  const is = (standing: Standing, ...says: readonly string[]): SourceStanding => ({
    standing,
    says: says.filter((sentence) => sentence !== '').join(' '),
  });
  const read = source.lastSuccessAt;
  const lasted = read === null ? Infinity : now - read;
  if (!source.served) {
    return is('off', 'No published workflow listens to it, so it is not read.', 'Publish one to read it.');
  }
  const unreadMs = source.unreadSince === null ? null : now - source.unreadSince;
  if (unreadMs !== null && unreadMs > LASTING_MS) {
    const last = read === null ? 'it was never read' : `it was last read ${ago(lasted)} ago`;
    return is('broken', `No process reads it; ${last}.`, lastFault(source), PUBLISH_AGAIN);
  }
  if (isFailing(source)) {
    const hasLasted = read === null || now - Math.max(source.failingSince ?? read, read) > LASTING_MS;
    // What a process says last of it is no longer so when that process is gone: nobody tries it again.
    if (unreadMs !== null) {
      const todo = hasLasted ? PUBLISH_AGAIN : 'The next process tries it again by itself.';
      return is(hasLasted ? 'broken' : 'troubled', 'No process reads it just now.', lastFault(source), todo);
    }
    const why = sentence(source.lastError ?? 'Nobody knows why.');
    const next = nextTry(source, now);
    if (read === null) return is('broken', `It was never read: ${why}`, next, PUT_RIGHT);
    if (hasLasted) return is('broken', `It has not been read for ${ago(lasted)}: ${why}`, next, PUT_RIGHT);
    return is('troubled', `It could not be read just now: ${why}`, next || 'It is tried again by itself.');
  }
  if (source.connection === 'closed') return is('busy', 'It is about to be read.');
  if (source.connection === 'idling' || source.connection === 'polling') {
    if (unreadMs === null && !isCatchingUp(source) && lasted > LOOKED_WITHIN_MS[source.connection]) {
      return is('broken', `Nobody has looked at it for ${ago(lasted)}.`, PUBLISH_AGAIN);
    }
    if (source.state === 'error' || source.state === 'retry_scheduled') {
      const why = sentence(source.lastError ?? 'The log of the process that reads it says what.');
      return is('troubled', `It is read, but something is wrong: ${why}`, 'It is tried again by itself.');
    }
  }
  if (source.actionError !== null) {
    const waiting = source.actionsWaiting === 1 ? '1 action waits' : `${source.actionsWaiting} actions wait`;
    const why = sentence(source.actionError);
    return is('troubled', `It is read, but ${waiting} for its server: ${why}`, 'Tried again by itself.');
  }
  return calm(source, now, is);
}

const PUT_RIGHT = 'Check the server and the credential, then choose "Try again now".';
const PUBLISH_AGAIN =
  'See whether the n8n that runs its workflow is up; if it is, unpublish that workflow and publish it.';

const hasFailedSince = ({ lastErrorAt, lastSuccessAt }: SourceHealth): boolean =>
  lastErrorAt !== null && (lastSuccessAt === null || lastErrorAt > lastSuccessAt);

/** It has failed since it was last read, and is not being read again yet. */
function isFailing(source: SourceHealth): boolean {
  const { state, connection, failingSince } = source;
  if (!hasFailedSince(source) || connection === 'closed') return false;
  // What failed for a process that is gone, this one has yet to try.
  if (connection === 'connecting') return failingSince !== null;
  return state === 'error' || state === 'retry_scheduled' || connection === 'backing_off';
}

/** It is being looked at now, by a process that has not read it to its end yet. */
const isCatchingUp = ({ state, since }: SourceHealth): boolean =>
  since === null || state === 'gap_checking' || state === 'gap_syncing';

/** Of a process that is gone. */
const lastFault = (source: SourceHealth): string =>
  hasFailedSince(source) && source.lastError !== null
    ? `The last one could not: ${sentence(source.lastError)}`
    : '';

function calm(
  { state, backfill, connection, lastMailAt, lastSuccessAt, actionsWaiting }: SourceHealth,
  now: number,
  is: (standing: Standing, ...says: readonly string[]) => SourceStanding,
): SourceStanding {
  const waiting = actionsWaiting === 0 ? '' : `${actionsWaiting} actions are being done on its server.`;
  if (connection === 'connecting' || connection === 'backing_off')
    return is('busy', 'It is being connected.');
  if (state === 'gap_checking' || state === 'gap_syncing') {
    return is('busy', 'Mail that came while it was not read is looked for.', waiting);
  }
  if (state === 'pending' || state === 'syncing') {
    const much = backfill ? `: ${backfill.read} read, about ${backfill.left} left` : '';
    return is('busy', `Mail that was there before is being read${much}. New mail comes first.`, waiting);
  }
  const looked = lastSuccessAt === null ? 'It is read.' : `It is read, last ${ago(now - lastSuccessAt)} ago.`;
  if (lastMailAt !== null && now - lastMailAt > QUIET_MS) {
    return is('quiet', looked, `No mail has come for ${ago(now - lastMailAt)}.`, waiting);
  }
  return is('well', looked, waiting);
}

const nextTry = ({ nextTryAt }: SourceHealth, now: number): string =>
  nextTryAt !== null && nextTryAt > now ? `Next try in ${ago(nextTryAt - now)}.` : '';

/** Of a time that has passed, or is to come, as people say it. */
function ago(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000));
  if (seconds < 90) return `${seconds} s`;
  if (seconds < 5_400) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.round(seconds / 3_600)} h`;
  return `${Math.round(seconds / 86_400)} days`;
}

const sentence = (text: string): string => (/[.!?…]$/.test(text.trim()) ? text.trim() : `${text.trim()}.`);
