// How runs end in the SQLite ledger, what then becomes of a mail's content, and who is told.
// Invariant: every update names the state and the attempt that it leaves; `attempt` is the fence.
import { inOrder } from '../common/in-order';
import { LAPSED } from '../common/stored';
import type { SeenLease } from '../offers';
import type { Pointer } from '../pointer';
import type { Ended, Settled } from '../runs';
import { limitOf, NOW, type SqliteConnection } from './connection';
import { type Ending, enqueueErrands } from './errands';
import { dropAnswersOfEvents } from './once-answers';
import type { Method } from './part';

const settleEvents = `
  update event set state = ?1, lease_until = null, last_error = null, settled_at = ${NOW}
  from json_each(?2) pointer
  where event.id = pointer.value ->> 'event' and event.attempt = pointer.value ->> 'attempt'
    and event.state = 'RUNNING'
  returning seq, id as event, attempt, state, message_id as messageId, exists (
    select 1 from subscription where subscription.id = subscription_id and after_success is not null) as isFollowed`;

const nextDelay = `
  iif(subscription.guarantee = 'atMostOnce', null,
    cast(json_extract(subscription.retry_delays_ms, '$[' || event.failures || ']') as integer)) as delay`;

// A failed run takes the subscription's next delay, and up to a tenth more; where there is none left, it is the end.
// `materialized`: SQLite would read the whole table of events otherwise.
const endFailing = `
  update event set
    failures = failures + 1,
    last_error = ?1,
    lease_until = null,
    state = iif(delay is null, ending, 'RETRY'),
    due_at = ${NOW} + delay + (random() & 0x7fffffff) % (delay / 10 + 1),
    settled_at = iif(delay is null, ${NOW}, null)
  from failing where event.seq = failing.seq and event.state = 'RUNNING'`;

const settleFailed = `
  with failing as materialized (
    select event.seq, 'DEAD' as ending, ${nextDelay}
    from json_each(?2) pointer
    cross join event on event.id = pointer.value ->> 'event' and event.attempt = pointer.value ->> 'attempt'
    join subscription on subscription.id = event.subscription_id
  )
  ${endFailing}
  returning seq, id as event, attempt, state`;

// A lease that lies further ahead than ?3 is from before the clock was set back. ?4: only those that were seen not to
// be renewed, as JSON; null: all.
const lapseRunning = `
  with failing as materialized (
    select event.seq, iif(subscription.guarantee = 'atMostOnce', 'UNKNOWN', 'DEAD') as ending, ${nextDelay}
    from json_each(?2) listening
    cross join subscription on subscription.id = listening.value
    cross join event on event.subscription_id = subscription.id and event.lease_until is not null
      and (event.lease_until <= ${NOW} or event.lease_until > ${NOW} + ?3)
    where ?4 is null or exists (
      select 1 from json_each(?4) unrenewed
      where unrenewed.value ->> 'run' = event.run_id and event.lease_until <= unrenewed.value ->> 'until')
  )
  ${endFailing}
  returning seq, state`;

const isDone = `
  not exists (
    select 1 from event where event.message_id = content.message_id and event.state not in ('DONE', 'GONE'))`;

const longestKept = `
  (select max(subscription.keep_content_ms)
   from event join subscription on subscription.id = event.subscription_id
   where event.message_id = content.message_id)`;

const deleteContent = `
  delete from content
  where message_id in (select value from json_each(?)) and ${isDone} and ${longestKept} = 0`;

const limitContent = `
  update content set drop_at = ${NOW} + ${longestKept}
  where message_id in (select value from json_each(?)) and ${isDone}`;

const selectEnded = `
  select event.seq, event.id as event, event.state, event.failures, event.execution_id as executionId,
    source.account, source.mailbox, message.uid, event.last_error as lastError, message.sender, message.subject
  from (
    select seq from event
    where subscription_id in (select value from json_each(?)) and reported_at is null
      and state in ('DEAD', 'UNKNOWN')
    order by seq ${limitOf('?')}) ended
  cross join event on event.seq = ended.seq
  join message on message.id = event.message_id
  join source on source.id = message.source_id
  order by event.seq`;

const markReported = `
  update event set reported_at = ${NOW}
  where seq in (select value from json_each(?)) and state in ('DEAD', 'UNKNOWN')`;

interface SettledRow extends Settled, Ending {
  readonly state: Settled['state'];
  readonly messageId: number;
  /** Something is to be done with the mail. */
  readonly isFollowed: 0 | 1;
}

export const settle: Method<'settle'> = (connection, pointers, outcome) => {
  if (pointers.length === 0) return [];
  const asked = JSON.stringify(pointers);
  if (outcome.kind === 'failure') {
    return connection.transaction(() => {
      const settled = connection.all<Settled & Ending>(settleFailed, outcome.error, asked);
      enqueueErrands(connection, settled);
      return settledOf(pointers, settled);
    });
  }
  const state = outcome.kind === 'success' ? 'DONE' : 'GONE';
  return connection.transaction(() => {
    const settled = connection.all<SettledRow>(settleEvents, state, asked);
    enqueueErrands(
      connection,
      settled.filter(({ isFollowed }) => isFollowed === 1),
    );
    if (state === 'DONE') dropAnswersOfEvents(connection, JSON.stringify(settled.map(({ seq }) => seq)));
    releaseContent(
      connection,
      settled.map(({ messageId }) => messageId),
    );
    return settledOf(pointers, settled);
  });
};

/**
 * Within a transaction. @param subscriptionIds JSON @param longestMs no lease lies further ahead
 * @param unrenewed only these; undefined: all @returns how many runs were found whose lease had run out
 */
export function lapse(
  connection: SqliteConnection,
  subscriptionIds: string,
  longestMs: number,
  unrenewed: readonly SeenLease[] | undefined,
): number {
  const seen = unrenewed ? JSON.stringify(unrenewed) : null;
  const lapsed = connection.all<Ending>(lapseRunning, LAPSED, subscriptionIds, longestMs, seen);
  enqueueErrands(connection, lapsed);
  return lapsed.length;
}

/**
 * Content goes with its mail's last event, or some time after that. That of a mail with a DEAD or UNKNOWN event
 * stays, to be run again.
 */
export function releaseContent(connection: SqliteConnection, messageIds: readonly number[]): void {
  const ids = JSON.stringify(messageIds);
  const deleted = connection.run(deleteContent, ids);
  if (deleted < messageIds.length) connection.run(limitContent, ids);
}

export const takeEnded: Method<'takeEnded'> = (connection, subscriptionIds, limit) => {
  return connection.transaction(() => {
    const rows = connection.all<Ended & { seq: number }>(selectEnded, JSON.stringify(subscriptionIds), limit);
    if (rows.length > 0) connection.run(markReported, JSON.stringify(rows.map(({ seq }) => seq)));
    return rows.map(({ seq: _, ...ended }) => ended);
  });
};

/** SQLite returns changed rows in any order, and with more than was asked. */
const settledOf = (pointers: readonly Pointer[], rows: readonly Settled[]): Settled[] =>
  inOrder(pointers, rows).map(({ event, attempt, state }) => ({ event, attempt, state }));
