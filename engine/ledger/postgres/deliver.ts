// What a run asks of the Postgres ledger: claim its events, load their contents, renew its leases.
// Invariant: every update names the state and the attempt that it leaves; `attempt` is the fence.
import type { Claim, Pointer } from '../ledger';
import { NOW, type PostgresConnection } from './connection';
import { inOrder } from '../keys';
import { asked } from './pointers';

/** What claims tell of the events that `won` has. */
export const CLAIMS_OF_WON = `
  select won.id as event, won.attempt, won.subscription_id as "subscriptionId",
    won.idempotency_key as "idempotencyKey", source.account, source.mailbox, message.identity,
    message.soft_identity as "softIdentity", message.header_message_id as "messageId",
    message.sender, message.subject, message.uid,
    message.uid_validity as "uidValidity", message.received_at as "receivedAt", message.size
  from won
  join durable_mail.message on message.id = won.message_id
  join durable_mail.source on source.id = message.source_id`;

const claimQueued = `
  with wanted as materialized (
    select event.seq, event.attempt
    from unnest($1::text[], $2::int[]) pointer (event, attempt)
    join durable_mail.event on event.id = pointer.event and event.attempt = pointer.attempt
    where event.state = 'QUEUED'
    order by event.seq for update of event),
  won as (
    update durable_mail.event set
      state = 'RUNNING', execution_id = $3, lease_until = ${NOW} + $4, end_told = $5, unclaimed = 0
    from wanted
    where event.seq = wanted.seq and event.attempt = wanted.attempt and event.state = 'QUEUED'
    returning event.id, event.attempt, event.subscription_id, event.message_id, event.idempotency_key)
  ${CLAIMS_OF_WON}`;

const renewLease = `
  with held as materialized (
    select event.seq, event.attempt
    from unnest($1::text[], $2::int[]) pointer (event, attempt)
    join durable_mail.event on event.id = pointer.event and event.attempt = pointer.attempt
    where event.state = $3
    order by event.seq for update of event)
  update durable_mail.event set lease_until = ${NOW} + $4
  from held
  where event.seq = held.seq and event.attempt = held.attempt and event.state = $3
  returning event.id as event, event.attempt`;

const selectContents = `
  select event.id, content.gzip
  from durable_mail.event join durable_mail.content on content.message_id = event.message_id
  where event.id = any($1)`;

export async function claim(
  connection: PostgresConnection,
  pointers: readonly Pointer[],
  executionId: string,
  leaseMs: number,
  endIsTold: boolean,
): Promise<Claim[]> {
  if (pointers.length === 0) return [];
  const won = await connection.all<Claim>(claimQueued, ...asked(pointers), executionId, leaseMs, endIsTold);
  return inOrder(pointers, won);
}

export async function renew(
  connection: PostgresConnection,
  pointers: readonly Pointer[],
  state: 'QUEUED' | 'RUNNING',
  leaseMs: number,
): Promise<Pointer[]> {
  if (pointers.length === 0) return [];
  return inOrder(pointers, await connection.all<Pointer>(renewLease, ...asked(pointers), state, leaseMs));
}

export async function contents(
  connection: PostgresConnection,
  events: readonly string[],
): Promise<Map<string, Buffer>> {
  if (events.length === 0) return new Map();
  const rows = await connection.all<{ id: string; gzip: Buffer }>(selectContents, events);
  return new Map(rows.map(({ id, gzip }) => [id, gzip]));
}
