// What a run asks of the Postgres ledger: claim its events, load their contents, renew its leases.
// Invariant: every update names the state and the attempt that it leaves; `attempt` is the fence.
import { inOrder } from '../common/in-order';
import { CLAIMED_BYTES, type PackedContent } from '../content';
import type { Claim, Pointer } from '../pointer';
import type { Runs } from '../runs';
import { NOW } from './connection';
import type { Method, Part } from './part';
import { asked } from './pointers';
import { settle, takeEnded } from './settle';

/** What claims tell of the events that `won` has. */
export const CLAIMS_OF_WON = `
  select won.id as event, won.attempt, won.subscription_id as "subscriptionId",
    won.idempotency_key as "idempotencyKey", source.account, source.mailbox, message.identity,
    message.soft_identity as "softIdentity", message.header_message_id as "messageId",
    message.sender, message.subject, message.uid,
    message.uid_validity as "uidValidity", message.received_at as "receivedAt", message.size, content.gzip as content
  from won
  join durable_mail.message on message.id = won.message_id
  join durable_mail.source on source.id = message.source_id
  left join durable_mail.content on content.message_id = message.id
    and content.pieces = 1 and octet_length(content.gzip) <= ${CLAIMED_BYTES}`;

const claimQueued = `
  with wanted as materialized (
    select event.seq, event.attempt
    from unnest($1::text[], $2::int[]) pointer (event, attempt)
    join durable_mail.event on event.id = pointer.event and event.attempt = pointer.attempt
    where event.state = 'QUEUED'
    order by event.seq for update of event),
  won as (
    update durable_mail.event set
      state = 'RUNNING', execution_id = $3, lease_until = ${NOW} + $4, end_told = $5, unclaimed = 0,
      began_at = ${NOW}
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
  select event.id, content.message_id as "messageId", content.pieces, content.gzip
  from durable_mail.event join durable_mail.content on content.message_id = event.message_id
  where event.id = any($1)`;

const selectPieces = `
  select gzip from durable_mail.content_piece where message_id = $1 and place < $2 order by place`;

const selectPiece = `
  select content.pieces, case when $2::int = 0 then content.gzip else (
    select gzip from durable_mail.content_piece
    where message_id = content.message_id and place = $2::int and place < content.pieces) end as gzip
  from durable_mail.event join durable_mail.content on content.message_id = event.message_id
  where event.id = $1`;

const claim: Method<'claim'> = async (connection, pointers, executionId, leaseMs, endIsTold = true) => {
  if (pointers.length === 0) return [];
  const won = await connection.all<Claim>(claimQueued, ...asked(pointers), executionId, leaseMs, endIsTold);
  return inOrder(pointers, won);
};

const renew: Method<'renew'> = async (connection, pointers, state, leaseMs) => {
  if (pointers.length === 0) return [];
  return inOrder(pointers, await connection.all<Pointer>(renewLease, ...asked(pointers), state, leaseMs));
};

const contents: Method<'contents'> = async (connection, events) => {
  if (events.length === 0) return new Map();
  const rows = await connection.all<{ id: string; messageId: number; pieces: number; gzip: Buffer }>(
    selectContents,
    events,
  );
  const contents = new Map<string, PackedContent>();
  for (const { id, messageId, pieces, gzip } of rows) {
    const others = pieces > 1 ? await connection.all<{ gzip: Buffer }>(selectPieces, messageId, pieces) : [];
    contents.set(id, pieces > 1 ? [gzip, ...others.map((piece) => piece.gzip)] : gzip);
  }
  return contents;
};

const contentPiece: Method<'contentPiece'> = async (connection, event, place) => {
  const row = await connection.get<{ pieces: number; gzip: Buffer | null }>(selectPiece, event, place);
  return row?.gzip ? { gzip: row.gzip, pieces: row.pieces } : null;
};

export const runs: Part<Runs> = { claim, contents, contentPiece, renew, settle, takeEnded };
