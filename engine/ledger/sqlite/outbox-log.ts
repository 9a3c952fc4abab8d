// What people see of the outbox in the SQLite ledger, and what they do with it: the log, counts, acts, bounces.
// Invariant: a listing looks through windows of the log, so that a filter that finds nothing holds up nobody.
import { setImmediate } from 'node:timers/promises';
import { monotonicNow } from '../../runtime/time';
import { globOf } from '../common/any-case';
import { bouncedIdsOf, bouncedOf, type BounceRow } from '../common/bounced';
import { AHEAD_MARGIN_MS } from '../common/clock';
import { doerOf } from '../common/deed';
import { storable } from '../common/storable';
import { askableEntryFilter, type EntryColumns, entryOf, FORGOTTEN_REQUEST } from '../common/entry';
import { LOOK_MS } from '../common/look';
import {
  type EntryAct,
  type EntryCounts,
  type EntryFilter,
  MOST_ENTRY_DELAY_MS,
  type Outbox,
} from '../outbox';
import { limitOf, NOW, type SqliteConnection } from './connection';
import type { Method, Part } from './part';

const WINDOW = 5_000;

/** Else it was stored before the clock was set back. */
export const IS_REST = `
  outgoing_lane.rests_until <= ${NOW} + ${MOST_ENTRY_DELAY_MS} and outgoing_lane.rested_at <= ${NOW} + ${AHEAD_MARGIN_MS}`;

export const ENTRY_FACTS = `
  select outgoing.seq, id, key, kind, lane, state, request, recipient, subject, message_id as messageId,
    workflow_id as workflowId, node_id as nodeId, node_name as nodeName, event_id as event,
    tries, iif(state = 'UNKNOWN', coalesce(due_at, lease_until), due_at) as dueAt, queued_at as queuedAt, begun_at as begunAt, settled_at as settledAt,
    last_error as lastError, last_answer as lastAnswer, doubted,
    exists (select 1 from outgoing_content where entry_seq = outgoing.seq) as hasContent,
    (select rests_until from outgoing_lane
     where outgoing_lane.lane = outgoing.lane and outgoing.state = 'QUEUED' and rests_until > ${NOW} and ${IS_REST}) as restsUntil
  from outgoing`;

const selectNamed = `
  ${ENTRY_FACTS}
  where id in (select value from json_each(?1)) or key in (select value from json_each(?2))`;

const selectListed = `
  ${ENTRY_FACTS} where seq in (select value from json_each(?)) order by seq desc`;

const cutAll = `
  select min(seq) as low, max(seq) as high from (
    select seq from outgoing where seq <= ?1 order by seq desc limit ${WINDOW})`;
const cutUnsent = `
  select min(seq) as low, max(seq) as high from (
    select outgoing.seq from json_each(?2) asked cross join outgoing indexed by outgoing_unsent
      on outgoing.state = asked.value and outgoing.state <> 'SENT' and outgoing.seq <= ?1
    order by outgoing.seq desc limit ${WINDOW})`;

// Whatever is settled is little, but for what was sent; that has no index of its own.
const countStates = `
  select state, count(*) as n from outgoing indexed by outgoing_unsent where state <> 'SENT' group by state
  union all
  select 'SENT', (select count(*) from outgoing) - (select count(*) from outgoing indexed by outgoing_unsent where state <> 'SENT')
  union all
  select 'delayed', count(*) from outgoing where state = 'QUEUED' and due_at > ${NOW}`;

const selectOldest = `select min(queued_at) as at from outgoing where state = 'QUEUED'`;

// ?3: the states that are meant.
const ids = `
  id in (select value from json_each(?1)) and (?3 is null or state in (select value from json_each(?3)))`;
const hasContent = 'exists (select 1 from outgoing_content where entry_seq = outgoing.seq)';
const act = `json(?2)`;

const hurry = `update outgoing set due_at = ${NOW}, act = ${act} where ${ids} and state = 'QUEUED' returning id`;

const again = `
  update outgoing set
    state = 'QUEUED', tries = 0, refusals = 0, looks = 0, due_at = ${NOW}, lease_until = null, settled_at = null, drop_at = null, act = ${act}
  where ${ids} and state in ('FAILED', 'UNKNOWN', 'CANCELLED', 'BOUNCED') and ${hasContent}
  returning id`;

// Who asks for it now asks for it before its receiver does.
const endRests = `
  delete from outgoing_lane
  where lane in (select lane from outgoing where id in (select value from json_each(?)))`;

const settleBy = (state: 'CANCELLED' | 'SENT', from: string): string => `
  update outgoing set
    state = '${state}', due_at = null, lease_until = null, settled_at = ${NOW}, drop_at = ${NOW} + keep_ms, act = ${act}
  where ${ids} and state in (${from})
  returning id`;

const cancel = settleBy('CANCELLED', `'QUEUED', 'UNKNOWN', 'FAILED'`);
const mark = settleBy('SENT', `'UNKNOWN'`);

// It can be neither sent nor looked for any more.
const forget = `
  update outgoing set
    recipient = null, subject = null, request = ${FORGOTTEN_REQUEST}, last_error = null, last_answer = null, due_at = null, lease_until = null,
    act = ${act}
  where ${ids} and state not in ('QUEUED', 'SENDING')
    and (recipient is not null or subject is not null or ${hasContent})
  returning id`;

const forgetContents = `
  delete from outgoing_content
  where entry_seq in (select seq from outgoing where id in (select value from json_each(?)))`;

const selectBounceable = `
  select seq, id, state, message_id as messageId, queued_at as queuedAt, begun_at as begunAt, last_error as lastError
  from outgoing
  where message_id in (select value from json_each(?))
    and (state in ('SENT', 'UNKNOWN', 'BOUNCED') or state = 'SENDING' and handed)`;

// That one came back from somebody else, too, is told as what a person does is; nobody did it.
const bounce = `
  update outgoing set
    state = 'BOUNCED', due_at = null, lease_until = null, handed = 0, doubted = 0,
    settled_at = iif(state = 'BOUNCED', settled_at, ${NOW}), drop_at = iif(state = 'BOUNCED', drop_at, ${NOW} + keep_ms),
    last_error = ?2, act = iif(state = 'BOUNCED', json_object('at', ${NOW}), act)
  where seq = ?1`;

const sweepEntries = `
  delete from outgoing where seq in (select seq from outgoing where drop_at <= ${NOW} ${limitOf('?')})`;
const sweepLanes = `delete from outgoing_lane where rests_until <= ${NOW} - 86400000`;
const sweepBegun = `
  delete from outgoing_begun where rowid in (
    select rowid from outgoing_begun where at <= ${NOW} - 3600000 ${limitOf('?')})`;

const entriesOf: Method<'entriesOf'> = (connection, names) => {
  const [byId, byKey] = 'ids' in names ? [names.ids.map(storable), []] : [[], names.keys.map(storable)];
  return connection.all<EntryColumns>(selectNamed, JSON.stringify(byId), JSON.stringify(byKey)).map(entryOf);
};

interface Window {
  readonly low: number;
  readonly high: number;
}

/** The newest first. @param before the `seq` to begin below */
async function* windows(
  connection: SqliteConnection,
  filter: EntryFilter,
  before = Number.MAX_SAFE_INTEGER,
): AsyncGenerator<Window> {
  // An index finds the few that are its.
  if (isNarrow(filter)) {
    yield { low: 0, high: before - 1 };
    return;
  }
  const { states } = filter;
  const isUnsent = states !== undefined && !states.includes('SENT');
  for (let high = before - 1; ;) {
    const window = isUnsent
      ? connection.get<{ low: number | null; high: number }>(cutUnsent, high, JSON.stringify(states))!
      : connection.get<{ low: number | null; high: number }>(cutAll, high)!;
    if (window.low === null) return;
    yield { low: window.low, high: window.high };
    high = window.low - 1;
    await setImmediate();
  }
}

const isNarrow = ({ event, messageId }: EntryFilter): boolean =>
  event !== undefined || messageId !== undefined;

// The signs before columns keep SQLite from leaving the window's range for another index.
function condition(given: EntryFilter): { sql: string; parameters: (string | number)[] } {
  const filter = askableEntryFilter(given);
  const parts: [string, string | number | undefined][] = [
    ['+state in (select value from json_each(?))', filter.states && JSON.stringify(filter.states)],
    ['+kind = ?', filter.kind],
    ['+lane = ?', filter.lane],
    ['+workflow_id = ?', filter.workflowId],
    ['event_id = ?', filter.event],
    ['recipient glob ?', filter.recipient === undefined ? undefined : globOf(filter.recipient)],
    ['subject glob ?', filter.subject === undefined ? undefined : globOf(filter.subject)],
    ['message_id = ?', filter.messageId],
    ['queued_at >= ?', filter.from],
    ['queued_at < ?', filter.until],
  ];
  const asked = parts.filter((part): part is [string, string | number] => part[1] !== undefined);
  return {
    sql: ['seq between ? and ?', ...asked.map(([sql]) => sql)].join(' and '),
    parameters: asked.map(([, parameter]) => parameter),
  };
}

const entries: Method<'entries'> = async (connection, filter, page) => {
  const { sql, parameters } = condition(filter);
  const select = `select seq from outgoing where ${sql} order by seq desc ${limitOf('?')}`;
  const began = monotonicNow();
  const found: number[] = [];
  let next: number | null = null;
  for await (const { low, high } of windows(connection, filter, page.after ?? undefined)) {
    const rest = page.limit + 1 - found.length;
    found.push(
      ...connection.all<{ seq: number }>(select, low, high, ...parameters, rest).map(({ seq }) => seq),
    );
    if (found.length > page.limit || monotonicNow() - began > LOOK_MS) {
      // The first of all is 1: below it there is nothing to go on with.
      next = found.length > page.limit ? found[page.limit - 1]! : low > 1 ? low : null;
      break;
    }
  }
  const listed = connection.all<EntryColumns>(selectListed, JSON.stringify(found.slice(0, page.limit)));
  return { entries: listed.map(entryOf), next };
};

const entriesFound: Method<'entriesFound'> = async (connection, filter, most) => {
  const { sql, parameters } = condition(filter);
  const select = `select count(*) as n from (select 1 from outgoing where ${sql} ${limitOf('?')})`;
  let found = 0;
  for await (const { low, high } of windows(connection, filter)) {
    found += connection.get<{ n: number }>(select, low, high, ...parameters, most - found)!.n;
    if (found >= most) break;
  }
  return found;
};

const countEntries: Method<'countEntries'> = (connection) => {
  const rows = connection.all<{ state: string; n: number }>(countStates);
  const of = (state: string): number => rows.find((row) => row.state === state)?.n ?? 0;
  const counts: EntryCounts = {
    waiting: of('QUEUED') - of('delayed'),
    delayed: of('delayed'),
    active: of('SENDING'),
    completed: of('SENT'),
    failed: of('FAILED'),
    unknown: of('UNKNOWN'),
    bounced: of('BOUNCED'),
    cancelled: of('CANCELLED'),
  };
  return counts;
};

const oldestQueuedAt: Method<'oldestQueuedAt'> = (connection) =>
  connection.get<{ at: number | null }>(selectOldest)!.at;

const STATEMENTS: Readonly<Record<EntryAct, readonly string[]>> = {
  retry: [hurry, again],
  cancel: [cancel],
  markSent: [mark],
  forget: [forget],
};

const actOnEntries: Method<'actOnEntries'> = (connection, given, what, by, states) =>
  connection.transaction(() => {
    // One who does the same again is told again.
    const told = JSON.stringify({ what, by: doerOf(by), at: Date.now() });
    const changed = new Set<string>();
    // What is queued anew by one statement is not hurried by the next.
    for (const statement of [...STATEMENTS[what]])
      for (const { id } of connection.all<{ id: string }>(
        statement,
        JSON.stringify(given.filter((one) => !changed.has(one))),
        told,
        states ? JSON.stringify(states) : null,
      ))
        changed.add(id);
    if (what === 'retry') connection.run(endRests, JSON.stringify([...changed]));
    if (what === 'forget') connection.run(forgetContents, JSON.stringify([...changed]));
    return [...changed];
  });

const noteBounces: Method<'noteBounces'> = (connection, bounces) =>
  bounces.length === 0
    ? []
    : connection.transaction(() => {
        const rows = connection.all<BounceRow>(selectBounceable, JSON.stringify(bouncedIdsOf(bounces)));
        const bounced = bouncedOf(rows, bounces);
        for (const { seq, reason } of bounced) connection.run(bounce, seq, reason);
        return bounced.map(({ id }) => id);
      });

type Log =
  | 'entriesOf'
  | 'entries'
  | 'entriesFound'
  | 'countEntries'
  | 'oldestQueuedAt'
  | 'actOnEntries'
  | 'noteBounces';

export const outboxLog: Part<Pick<Outbox, Log>> = {
  entriesOf,
  entries,
  entriesFound,
  countEntries,
  oldestQueuedAt,
  actOnEntries,
  noteBounces,
};

/** @returns how many entries it deleted */
export function sweepOutbox(connection: SqliteConnection, limit: number): number {
  connection.run(sweepLanes);
  connection.run(sweepBegun, limit);
  return connection.run(sweepEntries, limit);
}
