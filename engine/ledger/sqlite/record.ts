// The writing half of the SQLite ledger: what the collectors call. Subscriptions, messages, cursors.
import { idempotencyKey } from '../../mail/identity';
import { newEventId } from '../event-id';
import { subscriptionKey } from '../keys';
import type {
  Candidate,
  Cursor,
  NewMessage,
  NewSubscription,
  RecordBatch,
  SourceReport,
  Subscription,
} from '../ledger';
import { NOW, type SqliteConnection } from './connection';

const upsertSource = `
  insert into source (kind, account, mailbox) values (?, ?, ?)
  on conflict (kind, account, mailbox) do update set kind = excluded.kind
  returning id`;

const upsertSubscription = `
  insert into subscription (key, workflow_id, node_id, source_id, retry_delays_ms, created_at)
  values (?, ?, ?, ?, ?, ${NOW})
  on conflict (key) do update set retry_delays_ms = excluded.retry_delays_ms
  returning id, cursor, created_at as createdAt`;

const selectOpen = `
  select id from subscription
  where workflow_id = ?1 and node_id = ?2
    and (id = ?3 or exists (
      select 1 from event
      where subscription_id = subscription.id and (due_at is not null or lease_until is not null)))`;

const selectCursors = `select id, cursor from subscription where id in (select value from json_each(?))`;

const selectKeys = `select id, key from subscription where id in (select value from json_each(?))`;

const selectUnrecorded = `
  select candidate.key as position, due.value as subscriptionId
  from json_each(?) candidate, json_each(candidate.value, '$.due') due
  where not exists (
      select 1 from event
      where subscription_id = due.value and identity = candidate.value ->> 'identity')
    and not exists (
      select 1 from event
      where subscription_id = due.value and soft_identity = candidate.value ->> 'softIdentity')`;

const upsertMessage = `
  insert into message
    (source_id, identity, soft_identity, header_message_id, uid, uid_validity, received_at, recorded_at, size, truncated)
  values (?, ?, ?, ?, ?, ?, ?, ${NOW}, ?, ?)
  on conflict (source_id, identity) do update set identity = excluded.identity
  returning id`;

const insertEvent = `
  insert into event
    (id, subscription_id, message_id, identity, soft_identity, idempotency_key, state, due_at, created_at)
  values (?, ?, ?, ?, ?, ?, 'PENDING', ${NOW}, ${NOW})
  on conflict do nothing`;

const insertContent = `insert into content (message_id, gzip) values (?, ?) on conflict do nothing`;

const moveCursor = `update subscription set cursor = ? where id = ?`;

const updateSource = `
  update source set
    state = ?1,
    connection = ?2,
    last_error = coalesce(?3, last_error),
    last_error_at = iif(?3 is null, last_error_at, ${NOW}),
    last_success_at = iif(?4, ${NOW}, last_success_at)
  where id = ?5`;

export function subscribe(connection: SqliteConnection, subscription: NewSubscription): Subscription {
  const { kind, account, mailbox } = subscription.source;
  const key = subscriptionKey(subscription);
  return connection.transaction(() => {
    const sourceId = connection.get<{ id: number }>(upsertSource, kind, account, mailbox)!.id;
    const row = connection.get<{ id: number; cursor: string | null; createdAt: number }>(
      upsertSubscription,
      key,
      subscription.workflowId,
      subscription.nodeId,
      sourceId,
      JSON.stringify(subscription.retryDelaysMs),
    )!;
    const open = connection.all<{ id: number }>(
      selectOpen,
      subscription.workflowId,
      subscription.nodeId,
      row.id,
    );
    return {
      id: row.id,
      sourceId,
      key,
      cursor: parseCursor(row.cursor),
      createdAt: row.createdAt,
      openIds: open.map(({ id }) => id),
    };
  });
}

export function cursors(connection: SqliteConnection, ids: readonly number[]): Map<number, Cursor | null> {
  const rows = connection.all<{ id: number; cursor: string | null }>(selectCursors, JSON.stringify(ids));
  return new Map(rows.map((row) => [row.id, parseCursor(row.cursor)]));
}

export function unrecorded<T extends Candidate>(connection: SqliteConnection, candidates: readonly T[]): T[] {
  const asked = candidates.map(({ identity, softIdentity, due }) => ({ identity, softIdentity, due }));
  const rows = connection.all<{ position: number; subscriptionId: number }>(
    selectUnrecorded,
    JSON.stringify(asked),
  );
  const due = new Map<number, number[]>();
  for (const { position, subscriptionId } of rows) {
    due.set(position, [...(due.get(position) ?? []), subscriptionId]);
  }
  return candidates.map((candidate, position) => ({ ...candidate, due: due.get(position) ?? [] }));
}

export function record(connection: SqliteConnection, batch: RecordBatch): number[] {
  const withNews = new Set<number>();
  connection.transaction(() => {
    const due = [...new Set(batch.messages.flatMap((message) => message.due))];
    const rows = connection.all<{ id: number; key: string }>(selectKeys, JSON.stringify(due));
    const keys = new Map(rows.map((row) => [row.id, row.key]));
    for (const message of batch.messages) {
      for (const id of recordMessage(connection, batch.sourceId, message, keys)) withNews.add(id);
    }
    for (const { subscriptionId, cursor } of batch.cursors) {
      connection.run(moveCursor, JSON.stringify(cursor), subscriptionId);
    }
  });
  return [...withNews];
}

/** @returns the subscriptions that it is new to */
function recordMessage(
  connection: SqliteConnection,
  sourceId: number,
  message: NewMessage,
  keys: ReadonlyMap<number, string>,
): number[] {
  const { identity, softIdentity } = message;
  const { id: messageId } = connection.get<{ id: number }>(
    upsertMessage,
    sourceId,
    identity,
    softIdentity,
    message.messageId,
    message.uid,
    message.uidValidity,
    message.receivedAt,
    message.size,
    message.truncated ? 1 : 0,
  )!;
  const newTo = message.due.filter(
    (id) =>
      connection.run(
        insertEvent,
        newEventId(),
        id,
        messageId,
        identity,
        softIdentity,
        idempotencyKey(keys.get(id)!, identity),
      ) > 0,
  );
  if (newTo.length > 0) connection.run(insertContent, messageId, message.content);
  return newTo;
}

export function reportSource(connection: SqliteConnection, sourceId: number, report: SourceReport): void {
  connection.run(
    updateSource,
    report.state,
    report.connection,
    report.error ?? null,
    report.synced ? 1 : 0,
    sourceId,
  );
}

const parseCursor = (cursor: string | null): Cursor | null =>
  cursor ? (JSON.parse(cursor) as Cursor) : null;
