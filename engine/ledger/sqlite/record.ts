// Recording in the SQLite ledger: messages, their content, events and cursors, in one transaction.
// Invariant: a few statements for a batch, however many mails and subscriptions are in it. Rows travel as one
// JSON text, contents as one run of bytes: each statement is prepared once.
import { idempotencyKey } from '../../mail/identity';
import { newEventId } from '../common/event-id';
import { piecesOf } from '../content';
import { newestOf } from '../common/newest';
import { storableJson, storableMessage } from '../common/storable';
import { withoutTwins } from '../common/twins';
import { noSubscriptionFault } from '../fault';
import type { PackedMessage, Recording } from '../recording';
import { NOW, type SqliteConnection } from './connection';
import { assertHeld } from './hold';
import type { Method, Part } from './part';
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
  insert into content (message_id, gzip, pieces)
  select value ->> 0, substr(?1, 1 + (value ->> 1), value ->> 2), value ->> 3 from json_each(?2) where true
  on conflict (message_id) do update set drop_at = null`;

// Of a content that is there already, all that is read of it is there: `pieces` says how many are.
const insertPiece = `
  insert into content_piece (message_id, place, gzip) values (?, ?, ?)
  on conflict (message_id, place) do nothing`;

// One that was there before the trigger listened came when it came; none comes in days to come.
const tellLastMail = `
  update source set last_mail_at = min(max(coalesce(last_mail_at, 0), coalesce(?2, ${NOW})), ${NOW}) where id = ?1`;

const moveCursors = `
  update subscription set cursor = moved.value ->> 1
  from json_each(?) moved where subscription.id = moved.value ->> 0`;

const record: Method<'record'> = (connection, batch) => {
  // Before the file's lock is taken.
  const messages = batch.messages.map(storableMessage);
  return connection.transaction(() => {
    assertHeld(connection, batch.hold);
    const keys = subscriptionKeys(connection, messages);
    const fresh = withoutTwins(unrecorded(connection, messages));
    if (fresh.length > 0) {
      const ids = recordMessages(connection, batch.hold.sourceId, fresh);
      recordEvents(connection, fresh, ids, keys);
      recordContents(connection, fresh, ids);
      connection.run(tellLastMail, batch.hold.sourceId, newestOf(fresh));
    }
    if (batch.cursors.length > 0) {
      const moved = batch.cursors.map(({ subscriptionId, cursor }) => [subscriptionId, cursor]);
      connection.run(moveCursors, storableJson(moved));
    }
    return [...new Set(fresh.flatMap(({ due, gone }) => (gone ? [] : due)))];
  });
};

/** @throws LedgerFault if one of them is due to a subscription that does not exist */
function subscriptionKeys(
  connection: SqliteConnection,
  messages: readonly PackedMessage[],
): ReadonlyMap<number, string> {
  const due = new Set(messages.flatMap((message) => message.due));
  const rows = connection.all<{ id: number; key: string }>(selectKeys, JSON.stringify([...due]));
  const keys = new Map(rows.map((row) => [row.id, row.key]));
  for (const id of due) if (!keys.has(id)) throw noSubscriptionFault(id);
  return keys;
}

/** @returns the ids of the messages, in their order */
function recordMessages(
  connection: SqliteConnection,
  sourceId: number,
  messages: readonly PackedMessage[],
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
  messages: readonly PackedMessage[],
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
  messages: readonly PackedMessage[],
  messageIds: readonly number[],
): void {
  let some: { id: number; first: Buffer; pieces: number }[] = [];
  let size = 0;
  const write = (): void => {
    let offset = 0;
    const places = some.map(({ id, first, pieces }) => {
      const place = [id, offset, first.length, pieces];
      offset += first.length;
      return place;
    });
    const [only] = some;
    const bytes = some.length === 1 ? only!.first : Buffer.concat(some.map(({ first }) => first));
    connection.run(insertContents, bytes, JSON.stringify(places));
    [some, size] = [[], 0];
  };
  const large: { id: number; others: readonly Buffer[] }[] = [];
  for (const [position, { content }] of messages.entries()) {
    if (!content) continue;
    const id = messageIds[position]!;
    const [first, ...others] = piecesOf(content) as [Buffer, ...Buffer[]];
    if (some.length > 0 && size + first.length > CONTENT_BYTES) write();
    some.push({ id, first, pieces: 1 + others.length });
    size += first.length;
    if (others.length > 0) large.push({ id, others });
  }
  if (some.length > 0) write();
  for (const { id, others } of large)
    for (const [at, piece] of others.entries()) connection.run(insertPiece, id, at + 1, piece);
}

export const recording: Part<Recording> = { unrecorded, record };
