// The part of delivery that a run sees in the SQLite ledger: claim its pointers, read their mails, keep its leases.
// Invariant: every update names the state and the attempt that it leaves; `attempt` is the fence.
import { inOrder } from '../common/in-order';
import { CLAIMED_BYTES, type PackedContent } from '../content';
import type { Claim, Pointer } from '../pointer';
import type { Runs } from '../runs';
import { NOW } from './connection';
import type { Method, Part } from './part';
import { settle, takeEnded } from './settle';

/** What a claim tells of an event, by the names of its tables. */
export const CLAIM_FACTS = `
  event.id as event, event.attempt, event.subscription_id as subscriptionId,
  event.idempotency_key as idempotencyKey, source.account, source.mailbox, event.identity,
  event.soft_identity as softIdentity, message.header_message_id as messageId,
  message.sender, message.subject, message.uid,
  message.uid_validity as uidValidity, message.received_at as receivedAt, message.size, content.gzip as content`;

/** Where that is, besides the event: a content only where it comes with the claim. */
export const CLAIM_TABLES = `
  join message on message.id = event.message_id
  join source on source.id = message.source_id
  left join content on content.message_id = message.id
    and content.pieces = 1 and length(content.gzip) <= ${CLAIMED_BYTES}`;

/** A claim, as it is selected. */
export type ClaimRow = Omit<Claim, 'content'> & { readonly content: Uint8Array | null };

const selectClaimable = `
  select ${CLAIM_FACTS}
  from json_each(?) pointer
  cross join event on event.id = pointer.value ->> 'event' and event.attempt = pointer.value ->> 'attempt'
  ${CLAIM_TABLES}
  where event.state = 'QUEUED'`;

const claimEvents = `
  update event set
    state = 'RUNNING', execution_id = ?1, lease_until = ${NOW} + ?2, end_told = ?4, unclaimed = 0, began_at = ${NOW}
  from json_each(?3) pointer
  where event.id = pointer.value ->> 'event' and event.attempt = pointer.value ->> 'attempt'
    and event.state = 'QUEUED'`;

const selectContents = `
  select event.id, content.message_id as messageId, content.pieces, content.gzip
  from json_each(?) asked
  cross join event on event.id = asked.value
  join content on content.message_id = event.message_id`;

const selectPieces = `
  select gzip from content_piece where message_id = ? and place < ? order by place`;

const selectPiece = `
  select content.pieces, iif(?2 = 0, content.gzip, (
    select gzip from content_piece
    where message_id = content.message_id and place = ?2 and place < content.pieces)) as gzip
  from event join content on content.message_id = event.message_id
  where event.id = ?1`;

const renewLeases = `
  update event set lease_until = ${NOW} + ?1
  from json_each(?2) pointer
  where event.id = pointer.value ->> 'event' and event.attempt = pointer.value ->> 'attempt' and event.state = ?3
  returning id as event, attempt`;

const claim: Method<'claim'> = (connection, pointers, executionId, leaseMs, endIsTold = true) => {
  if (pointers.length === 0) return [];
  const asked = JSON.stringify(pointers);
  return connection.transaction(() => {
    const won = connection.all<ClaimRow>(selectClaimable, asked);
    if (won.length > 0) connection.run(claimEvents, executionId, leaseMs, asked, endIsTold ? 1 : 0);
    return inOrder(pointers, won.map(claimOf));
  });
};

export const claimOf = ({ content, ...claim }: ClaimRow): Claim => ({
  ...claim,
  content: content && bytesOf(content),
});

const contents: Method<'contents'> = (connection, events) => {
  const rows = connection.all<{ id: string; messageId: number; pieces: number; gzip: Uint8Array }>(
    selectContents,
    JSON.stringify(events),
  );
  const whole = ({ messageId, pieces, gzip }: (typeof rows)[number]): PackedContent => {
    if (pieces === 1) return bytesOf(gzip);
    const others = connection.all<{ gzip: Uint8Array }>(selectPieces, messageId, pieces);
    return [bytesOf(gzip), ...others.map((piece) => bytesOf(piece.gzip))];
  };
  return new Map(rows.map((row) => [row.id, whole(row)]));
};

const contentPiece: Method<'contentPiece'> = (connection, event, place) => {
  const row = connection.get<{ pieces: number; gzip: Uint8Array | null }>(selectPiece, event, place);
  return row?.gzip ? { gzip: bytesOf(row.gzip), pieces: row.pieces } : null;
};

const bytesOf = ({ buffer, byteOffset, byteLength }: Uint8Array): Buffer =>
  Buffer.from(buffer, byteOffset, byteLength);

const renew: Method<'renew'> = (connection, pointers, state, leaseMs) => {
  if (pointers.length === 0) return [];
  return inOrder(pointers, connection.all<Pointer>(renewLeases, leaseMs, JSON.stringify(pointers), state));
};

export const runs: Part<Runs> = { claim, contents, contentPiece, renew, settle, takeEnded };
