// The part of delivery that a run sees in the SQLite ledger: claim its pointers, read their mails, keep its leases.
// Invariant: every update names the state and the attempt that it leaves; `attempt` is the fence.
import { pointerName } from '../keys';
import type { Claim, Pointer } from '../ledger';
import { NOW, type SqliteConnection } from './connection';

/** What a claim tells of an event, by the names of its tables. */
export const CLAIM_FACTS = `
  event.id as event, event.attempt, event.subscription_id as subscriptionId,
  event.idempotency_key as idempotencyKey, source.account, source.mailbox, event.identity,
  event.soft_identity as softIdentity, message.header_message_id as messageId,
  message.sender, message.subject, message.uid,
  message.uid_validity as uidValidity, message.received_at as receivedAt, message.size`;

const selectClaimable = `
  select event.seq, ${CLAIM_FACTS}
  from json_each(?) pointer
  cross join event on event.id = pointer.value ->> 'event' and event.attempt = pointer.value ->> 'attempt'
  join message on message.id = event.message_id
  join source on source.id = message.source_id
  where event.state = 'QUEUED'
  order by pointer.key`;

const claimEvents = `
  update event set
    state = 'RUNNING', execution_id = ?1, lease_until = ${NOW} + ?2, end_told = ?4, unclaimed = 0
  where seq in (select value from json_each(?3)) and state = 'QUEUED'`;

const selectContents = `
  select event.id, content.gzip
  from json_each(?) asked
  cross join event on event.id = asked.value
  join content on content.message_id = event.message_id`;

const renewLeases = `
  update event set lease_until = ${NOW} + ?1
  from json_each(?2) pointer
  where event.id = pointer.value ->> 'event' and event.attempt = pointer.value ->> 'attempt' and event.state = ?3
  returning id as event, attempt`;

export function claim(
  connection: SqliteConnection,
  pointers: readonly Pointer[],
  executionId: string,
  leaseMs: number,
  endIsTold: boolean,
): Claim[] {
  if (pointers.length === 0) return [];
  return connection.transaction(() => {
    const rows = connection.all<Claim & { seq: number }>(selectClaimable, JSON.stringify(pointers));
    if (rows.length === 0) return [];
    const won = new Map(rows.map(({ seq, ...claimed }) => [seq, claimed]));
    connection.run(claimEvents, executionId, leaseMs, JSON.stringify([...won.keys()]), endIsTold ? 1 : 0);
    return [...won.values()];
  });
}

export function contents(connection: SqliteConnection, events: readonly string[]): Map<string, Buffer> {
  const rows = connection.all<{ id: string; gzip: Uint8Array }>(selectContents, JSON.stringify(events));
  return new Map(
    rows.map(({ id, gzip }) => [id, Buffer.from(gzip.buffer, gzip.byteOffset, gzip.byteLength)]),
  );
}

export function renew(
  connection: SqliteConnection,
  pointers: readonly Pointer[],
  state: 'QUEUED' | 'RUNNING',
  leaseMs: number,
): Pointer[] {
  if (pointers.length === 0) return [];
  const renewed = connection.all<Pointer>(renewLeases, leaseMs, JSON.stringify(pointers), state);
  const names = new Set(renewed.map(pointerName));
  return pointers.filter((pointer) => names.has(pointerName(pointer)));
}
