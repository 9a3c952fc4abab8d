// The delivering half of the SQLite ledger: an event's life from offer to settle.
// Invariant: every update names the state and the attempt that it leaves; `attempt` is the fence.
import type { Claim, EventState, Offer, OfferRequest, Outcome, Pointer } from '../ledger';
import { NOW, type SqliteConnection } from './connection';

const countInFlight = `
  select count(*) as inFlight from event
  where subscription_id in (select value from json_each(?)) and lease_until > ${NOW}`;

// Two index ranges, each read in order and cut at the limit: the cost does not grow with the backlog.
const offerDue = `
  update event set state = 'QUEUED', attempt = attempt + 1, due_at = null, lease_until = ${NOW} + ?1
  where seq in (
    select seq from (
      select * from (
        select seq, due_at as since from event
        where subscription_id = ?2 and due_at <= ${NOW} order by due_at, seq limit ?3)
      union all
      select * from (
        select seq, lease_until as since from event
        where subscription_id = ?2 and lease_until <= ${NOW} and state = 'QUEUED' order by lease_until, seq limit ?3)
    ) order by since, seq limit ?3)
  returning seq, id as event, attempt`;

const selectNext = `
  select min(due) - ${NOW} as dueInMs, min(lapse) - ${NOW} as lapseInMs from (
    select
      (select min(due_at) from event where subscription_id = subscription.value and due_at is not null) as due,
      (select min(lease_until) from event where subscription_id = subscription.value and lease_until is not null)
        as lapse
    from json_each(?) subscription)`;

const claimQueued = `
  update event set state = 'RUNNING', execution_id = ?, lease_until = ${NOW} + ?
  where id = ? and attempt = ? and state = 'QUEUED'
  returning message_id as messageId, subscription_id as subscriptionId, failures, idempotency_key as idempotencyKey`;

const selectMail = `
  select received_at as receivedAt, uid, size, truncated, gzip as content
  from message left join content on content.message_id = message.id
  where message.id = ?`;

const renewLease = `
  update event set lease_until = ${NOW} + ?1
  where id in (select value ->> 'event' from json_each(?2))
    and state = ?3
    and attempt = (select value ->> 'attempt' from json_each(?2) where value ->> 'event' = event.id)
  returning id as event, attempt`;

const settleDone = `
  update event set state = 'DONE', lease_until = null, last_error = null, settled_at = ${NOW}
  where id = ? and attempt = ? and state = 'RUNNING'
  returning message_id as messageId`;

// The content goes with its last event; that of a DEAD one stays, to be run again.
const dropContent = `
  delete from content where message_id = ?1
    and not exists (select 1 from event where message_id = ?1 and state not in ('DONE', 'GONE'))`;

// A failed run takes the subscription's next delay; where there is none left, the event is DEAD.
const failed = `
  update event set
    failures = failures + 1,
    last_error = ?1,
    lease_until = null,
    state = iif(delay is null, 'DEAD', 'RETRY'),
    due_at = ${NOW} + delay,
    settled_at = iif(delay is null, ${NOW}, null)
  from (
    select event.seq as failed_seq,
      json_extract(subscription.retry_delays_ms, '$[' || event.failures || ']') as delay
    from event join subscription on subscription.id = event.subscription_id`;

const settleFailed = `${failed}
    where event.id = ?2 and event.attempt = ?3 and event.state = 'RUNNING'
  ) where event.seq = failed_seq
  returning event.state`;

const lapseRunning = `${failed}
    where event.subscription_id in (select value from json_each(?2))
      and event.lease_until <= ${NOW} and event.state = 'RUNNING'
  ) where event.seq = failed_seq`;

const LAPSED = 'The run did not end: the process that ran it stopped or stalled.';

export function offer(connection: SqliteConnection, request: OfferRequest): Offer {
  const ids = JSON.stringify(request.subscriptionIds);
  return connection.transaction(() => {
    const { inFlight } = connection.get<{ inFlight: number }>(countInFlight, ids)!;
    let free = request.mostInFlight - inFlight;
    const offered: (Pointer & { seq: number })[] = [];
    for (const id of request.subscriptionIds) {
      if (free <= 0) break;
      const rows = connection.all<Pointer & { seq: number }>(offerDue, request.leaseMs, id, free);
      offered.push(...rows.sort((a, b) => a.seq - b.seq));
      free -= rows.length;
    }
    const next = connection.get<{ dueInMs: number | null; lapseInMs: number | null }>(selectNext, ids)!;
    // With no place left, what is due has to wait until a run ends or a lease lapses.
    const waits = (free > 0 ? [next.dueInMs, next.lapseInMs] : [next.lapseInMs]).filter((ms) => ms !== null);
    return {
      pointers: offered.map(({ event, attempt }) => ({ event, attempt })),
      nextInMs: waits.length > 0 ? Math.max(0, Math.min(...waits)) : null,
    };
  });
}

export function claim(
  connection: SqliteConnection,
  pointer: Pointer,
  executionId: string,
  leaseMs: number,
): Claim | null {
  return connection.transaction(() => {
    const won = connection.get<{
      messageId: number;
      subscriptionId: number;
      failures: number;
      idempotencyKey: string;
    }>(claimQueued, executionId, leaseMs, pointer.event, pointer.attempt);
    if (!won) return null;
    const mail = connection.get<{
      receivedAt: number | null;
      uid: number | null;
      size: number;
      truncated: number;
      content: Uint8Array | null;
    }>(selectMail, won.messageId)!;
    const { messageId: _, ...event } = won;
    const { content, truncated, ...facts } = mail;
    return {
      ...pointer,
      ...event,
      ...facts,
      content: content && Buffer.from(content.buffer, content.byteOffset, content.byteLength),
      truncated: truncated === 1,
    };
  });
}

export function renew(
  connection: SqliteConnection,
  pointers: readonly Pointer[],
  state: 'QUEUED' | 'RUNNING',
  leaseMs: number,
): Pointer[] {
  if (pointers.length === 0) return [];
  const renewed = connection.all<Pointer>(renewLease, leaseMs, JSON.stringify(pointers), state);
  return renewed.map(({ event, attempt }) => ({ event, attempt }));
}

export function settle(connection: SqliteConnection, pointer: Pointer, outcome: Outcome): EventState | null {
  if (outcome.kind === 'failure') {
    const row = connection.get<{ state: EventState }>(
      settleFailed,
      outcome.error,
      pointer.event,
      pointer.attempt,
    );
    return row?.state ?? null;
  }
  return connection.transaction(() => {
    const done = connection.get<{ messageId: number }>(settleDone, pointer.event, pointer.attempt);
    if (!done) return null;
    connection.run(dropContent, done.messageId);
    return 'DONE';
  });
}

export function lapse(connection: SqliteConnection, subscriptionIds: readonly number[]): number {
  return connection.run(lapseRunning, LAPSED, JSON.stringify(subscriptionIds));
}
