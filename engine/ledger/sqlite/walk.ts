// Goes through the events of the SQLite ledger for people, the newest first, in windows: between two of them the other
// calls have their turn in the file's thread, so that a filter that finds nothing in a million events holds up nobody.
// Invariant: a window is a range of `seq`; an event that is recorded meanwhile is in none.
import { setImmediate } from 'node:timers/promises';
import { askableFilter } from '../askable';
import { addressOf, globOf } from '../common/any-case';
import type { EventFilter } from '../inspection';
import type { EventState } from '../states';
import type { SqliteConnection } from './connection';

// Measured: 5,000 events are read in 5 ms and changed in 60.
const WINDOW = 5_000;

/** A range of `seq`, both ends in it. */
interface Window {
  readonly low: number;
  readonly high: number;
}

/** Where to look: all events, or only those that are not DONE, which an index lists. */
export interface Walk {
  readonly from: string;
  readonly cut: string;
}

const ALL: Walk = {
  from: 'event not indexed where true',
  cut: `
    select min(seq) as low, max(seq) as high from (
      select seq from event where seq <= ? order by seq desc limit ${WINDOW})`,
};

const NOT_DONE: Walk = {
  from: `event indexed by event_not_done where event.state <> 'DONE'`,
  cut: `
    select min(seq) as low, max(seq) as high from (
      select seq from event indexed by event_not_done
      where state <> 'DONE' and seq <= ? order by seq desc limit ${WINDOW})`,
};

export const walkFor = (states: readonly EventState[] | undefined): Walk =>
  states && !states.includes('DONE') ? NOT_DONE : ALL;

/** @param before the `seq` to begin below */
export async function* windows(
  connection: SqliteConnection,
  walk: Walk,
  before = Number.MAX_SAFE_INTEGER,
): AsyncGenerator<Window> {
  for (let high = before - 1; ;) {
    const window = connection.get<{ low: number | null; high: number }>(walk.cut, high)!;
    if (window.low === null) return;
    yield { low: window.low, high: window.high };
    high = window.low - 1;
    await setImmediate();
  }
}

/** What a filter asks of an event in a window: `and …`, with its parameters, the window's ends first. */
export interface Condition {
  readonly sql: string;
  readonly parameters: readonly (string | number)[];
}

const isAnnotated = `
  exists (
    select 1 from (select ? as asked) filter cross join annotation on annotation.event_seq = event.seq
    where (asked ->> 'name' is null or name = asked ->> 'name')
      and (asked ->> 'category' is null or category = asked ->> 'category')
      and (asked ->> 'priority' is null or priority = asked ->> 'priority'))`;

// The signs before columns keep SQLite from leaving the window's range for another index.
export function condition(filter: EventFilter): Condition {
  const parts: (readonly [sql: string, parameter: string | number])[] = [];
  const { states, workflowId, sourceId, sender, subject, leastFailures, annotation, since, until } =
    askableFilter(filter);
  if (states) parts.push(['+event.state in (select value from json_each(?))', JSON.stringify(states)]);
  if (workflowId !== undefined) {
    parts.push(['+event.subscription_id in (select id from subscription where workflow_id = ?)', workflowId]);
  }
  if (sourceId !== undefined) {
    parts.push(['+event.subscription_id in (select id from subscription where source_id = ?)', sourceId]);
  }
  if (leastFailures !== undefined) parts.push(['event.failures >= ?', leastFailures]);
  if (since !== undefined) parts.push(['event.created_at >= ?', since]);
  if (until !== undefined) parts.push(['event.created_at < ?', until]);
  if (sender !== undefined) {
    parts.push([
      'exists (select 1 from message where message.id = event.message_id and message.sender glob ?)',
      globOf(addressOf(sender)),
    ]);
  }
  if (subject !== undefined) {
    parts.push([
      'exists (select 1 from message where message.id = event.message_id and message.subject glob ?)',
      globOf(subject),
    ]);
  }
  if (annotation !== undefined) parts.push([isAnnotated, JSON.stringify(annotation)]);
  return {
    sql: ['and event.seq between ? and ?', ...parts.map(([sql]) => `and ${sql}`)].join(' '),
    parameters: parts.map(([, parameter]) => parameter),
  };
}
