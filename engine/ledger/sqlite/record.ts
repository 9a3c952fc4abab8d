// Recording in the SQLite ledger: messages, their content, events and cursors, in one transaction.
// Invariant: a few statements for a batch, however many mails and subscriptions are in it. Rows travel as one
// JSON text, contents as one run of bytes: each statement is prepared once.
import { idempotencyKey } from '../../mail/identity';
import { newEventId } from '../event-id';
import { LedgerFault } from '../fault';
import type { NewMessage, RecordBatch } from '../ledger';
import { NOW, type SqliteConnection } from './connection';
import { assertHeld } from './hold';
import { unrecorded } from './unrecorded';

// What more is handed to SQLite in one piece is held twice in memory.
const CONTENT_BYTES = 8 * 1024 * 1024;

const selectKeys = `select id, key from subscription where id in (select value from json_each(?))`;

const insertMessages = `
  insert into message
    (source_id, identity, soft_identity, header_message_id, sender, subject, uid, uid_validity, received_at, size,
      weak_identity, recorded_at)
  select ?1, value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, value ->> 7,
    value ->> 8, value ->> 9, ${NOW}
  from json_each(?2) where true
  on conflict (source_id, identity) do nothing`;

const selectMessages = `
  select recorded.key as position, message.id
  from json_each(?2) recorded cross join message
    on message.source_id = ?1 and message.identity = recorded.value ->> 0`;

const insertEvents = `
  insert into event
    (id, subscription_id, message_id, identity, soft_identity, idempotency_key, state, due_at, settled_at, created_at)
  select value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5,
    iif(value ->> 6, 'GONE', 'PENDING'), iif(value ->> 6, null, ${NOW}), iif(value ->> 6, ${NOW}, null), ${NOW}
  from json_each(?)`;

const insertContents = `
  insert into content (message_id, gzip)
  select value ->> 0, substr(?1, 1 + (value ->> 1), value ->> 2) from json_each(?2) where true
  on conflict (message_id) do update set drop_at = null`;

const moveCursors = `
  update subscription set cursor = moved.value ->> 1
  from json_each(?) moved where subscription.id = moved.value ->> 0`;

export function record(connection: SqliteConnection, batch: RecordBatch): number[] {
  return connection.transaction(() => {
    assertHeld(connection, batch.hold);
    const keys = subscriptionKeys(connection, batch.messages);
    const fresh = distinct(unrecorded(connection, batch.messages));
    if (fresh.length > 0) {
      const ids = recordMessages(connection, batch.hold.sourceId, fresh);
      recordEvents(connection, fresh, ids, keys);
      recordContents(connection, fresh, ids);
    }
    if (batch.cursors.length > 0) {
      const moved = batch.cursors.map(({ subscriptionId, cursor }) => [subscriptionId, cursor]);
      connection.run(moveCursors, JSON.stringify(moved));
    }
    return [...new Set(fresh.flatMap(({ due, gone }) => (gone ? [] : due)))];
  });
}

/** @throws LedgerFault if one of them is due to a subscription that does not exist */
function subscriptionKeys(
  connection: SqliteConnection,
  messages: readonly NewMessage[],
): ReadonlyMap<number, string> {
  const due = new Set(messages.flatMap((message) => message.due));
  const rows = connection.all<{ id: number; key: string }>(selectKeys, JSON.stringify([...due]));
  if (rows.length < due.size) {
    throw new LedgerFault('other', `The mail ledger ${connection.file} has no such subscription any more.`);
  }
  return new Map(rows.map((row) => [row.id, row.key]));
}

/** Only what is due to somebody, and within the batch only the first of what is the same mail. */
function distinct(messages: readonly NewMessage[]): NewMessage[] {
  const taken = new Set<string>();
  const take = (id: number, message: NewMessage): boolean => {
    const names = [`${id} is ${message.identity}`];
    if (message.softIdentity !== null) names.push(`${id} seems ${message.softIdentity}`);
    if (names.some((name) => taken.has(name))) return false;
    for (const name of names) taken.add(name);
    return true;
  };
  return messages
    .map((message) => ({ ...message, due: message.due.filter((id) => take(id, message)) }))
    .filter(({ due }) => due.length > 0);
}

/** @returns the ids of the messages, in their order */
function recordMessages(
  connection: SqliteConnection,
  sourceId: number,
  messages: readonly NewMessage[],
): number[] {
  const rows = JSON.stringify(
    messages.map((message) => [
      message.identity,
      message.softIdentity,
      message.messageId,
      message.sender,
      message.subject,
      message.uid,
      message.uidValidity,
      message.receivedAt,
      message.size,
      message.weakIdentity,
    ]),
  );
  connection.run(insertMessages, sourceId, rows);
  const ids: number[] = [];
  for (const { position, id } of connection.all<{ position: number; id: number }>(
    selectMessages,
    sourceId,
    rows,
  )) {
    ids[position] = id;
  }
  return ids;
}

function recordEvents(
  connection: SqliteConnection,
  messages: readonly NewMessage[],
  messageIds: readonly number[],
  keys: ReadonlyMap<number, string>,
): void {
  const now = Date.now();
  const rows = messages.flatMap(({ identity, softIdentity, due, gone = false }, position) =>
    due.map((id) => [
      newEventId(now),
      id,
      messageIds[position],
      identity,
      softIdentity,
      idempotencyKey(keys.get(id)!, identity),
      gone,
    ]),
  );
  connection.run(insertEvents, JSON.stringify(rows));
}

function recordContents(
  connection: SqliteConnection,
  messages: readonly NewMessage[],
  messageIds: readonly number[],
): void {
  let piece: { id: number; content: Buffer }[] = [];
  let size = 0;
  const write = (): void => {
    let offset = 0;
    const places = piece.map(({ id, content }) => {
      const place = [id, offset, content.length];
      offset += content.length;
      return place;
    });
    const [only] = piece;
    const bytes = piece.length === 1 ? only!.content : Buffer.concat(piece.map(({ content }) => content));
    connection.run(insertContents, bytes, JSON.stringify(places));
    [piece, size] = [[], 0];
  };
  for (const [position, { content }] of messages.entries()) {
    if (!content) continue;
    if (piece.length > 0 && size + content.length > CONTENT_BYTES) write();
    piece.push({ id: messageIds[position]!, content });
    size += content.length;
  }
  if (piece.length > 0) write();
}
