// What is to go out is put into Postgres' outbox.
// Invariant: one entry for a key.
import { endToEnd } from '../common/end-to-end';
import { type EntryColumns, entryOf, storedEntry } from '../common/entry';
import { storable } from '../common/storable';
import type { NewEntry, Outbox } from '../outbox';
import { NOW, type Statements } from './connection';
import { ENTRY_FACTS } from './outbox-log';
import type { Method, Part } from './part';

// In the order asked. Two who queue the same keys in different orders at once may deadlock: one of them is run again.
const insertEntries = `
  insert into durable_mail.outgoing
    (id, key, kind, lane, request, recipient, subject, message_id, repeats, workflow_id, node_id, node_name, event_id,
     keep_ms, due_at, queued_at, endpoint_id)
  select id, key, kind, lane, request, recipient, subject, message_id, repeats, workflow_id, node_id, node_name, event_id,
    keep_ms, ${NOW}, ${NOW}, $2::bigint
  from rows from (json_to_recordset($1::json) as (
    id text, key text, kind text, lane text, request text, recipient text, subject text, "messageId" text, repeats boolean,
    "workflowId" text, "nodeId" text, "nodeName" text, event text, "keepMs" bigint))
    with ordinality asked (
      id, key, kind, lane, request, recipient, subject, message_id, repeats, workflow_id, node_id, node_name, event_id,
      keep_ms, place)
  order by place
  on conflict (key) do nothing
  returning id, seq`;

const insertContents = `
  insert into durable_mail.outgoing_content (entry_seq, packed)
  select part.seq, substring($1::bytea from part.first for part.length)
  from unnest($2::bigint[], $3::int[], $4::int[]) part (seq, first, length)`;

const selectByKeys = `${ENTRY_FACTS} where outgoing.key = any($1)`;

/** Only in a transaction. @param endpoint that they tell; null: none */
export async function insertNew(
  statements: Statements,
  entries: readonly NewEntry[],
  endpoint: number | null,
): Promise<void> {
  if (entries.length === 0) return;
  const stored = entries.map(storedEntry);
  const places = new Map(stored.map(({ id }, place) => [id, place]));
  const rows = await statements.all<{ id: string; seq: number }>(
    insertEntries,
    JSON.stringify(stored),
    endpoint,
  );
  if (rows.length === 0) return;
  const { bytes, firsts, lengths } = endToEnd(rows.map(({ id }) => entries[places.get(id)!]!.content));
  await statements.run(
    insertContents,
    Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength),
    rows.map(({ seq }) => seq),
    firsts,
    lengths,
  );
}

const enqueue: Method<'enqueue'> = async (connection, entries) => {
  if (entries.length === 0) return [];
  const keys = entries.map(({ key }) => storable(key));
  await connection.transaction((statements) => insertNew(statements, entries, null));
  // What another process was just queuing is committed by now: the insertion has waited for it.
  const rows = await connection.all<EntryColumns>(selectByKeys, [...new Set(keys)]);
  const found = new Map(rows.map((row) => [row.key, entryOf(row)]));
  return keys.map((key) => found.get(key)!);
};

export const outboxEnqueue: Part<Pick<Outbox, 'enqueue'>> = { enqueue };
