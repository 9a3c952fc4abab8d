// What is to go out is put into the SQLite ledger's outbox.
// Invariant: one entry for a key.
import { endToEnd } from '../common/end-to-end';
import { type EntryColumns, entryOf, storedEntry } from '../common/entry';
import type { NewEntry, Outbox } from '../outbox';
import { NOW, type SqliteConnection } from './connection';
import { ENTRY_FACTS } from './outbox-log';
import type { Method, Part } from './part';

const insertEntries = `
  insert into outgoing
    (id, key, kind, lane, request, recipient, subject, message_id, repeats, workflow_id, node_id, node_name, event_id,
     keep_ms, due_at, queued_at, endpoint_id)
  select value ->> 'id', value ->> 'key', value ->> 'kind', value ->> 'lane', value ->> 'request',
    value ->> 'recipient', value ->> 'subject', value ->> 'messageId', value ->> 'repeats', value ->> 'workflowId',
    value ->> 'nodeId', value ->> 'nodeName', value ->> 'event', value ->> 'keepMs', ${NOW}, ${NOW}, ?2
  from json_each(?1) asked where true order by asked.key
  on conflict (key) do nothing
  returning id, seq`;

const insertContents = `
  insert into outgoing_content (entry_seq, packed)
  select value ->> 'seq', substr(?2, value ->> 'first', value ->> 'length') from json_each(?1)`;

const selectByKeys = `
  ${ENTRY_FACTS} where outgoing.key in (select value from json_each(?))`;

/** Only in a transaction. @param endpoint that they tell; null: none */
export function insertNew(
  connection: SqliteConnection,
  entries: readonly NewEntry[],
  endpoint: number | null,
): void {
  if (entries.length === 0) return;
  const stored = entries.map(storedEntry);
  const places = new Map(stored.map(({ id }, place) => [id, place]));
  const rows = connection.all<{ id: string; seq: number }>(insertEntries, JSON.stringify(stored), endpoint);
  if (rows.length === 0) return;
  const { bytes, firsts, lengths } = endToEnd(rows.map(({ id }) => entries[places.get(id)!]!.content));
  const parts = rows.map(({ seq }, at) => ({ seq, first: firsts[at], length: lengths[at] }));
  connection.run(insertContents, JSON.stringify(parts), bytes);
}

const enqueue: Method<'enqueue'> = (connection, entries) => {
  if (entries.length === 0) return [];
  return connection.transaction(() => {
    insertNew(connection, entries, null);
    const keys = entries.map(({ key }) => storedEntry({ ...entries[0]!, key }).key);
    const rows = connection.all<EntryColumns>(selectByKeys, JSON.stringify(keys));
    const found = new Map(rows.map((row) => [row.key, entryOf(row)]));
    return keys.map((key) => found.get(key)!);
  });
};

export const outboxEnqueue: Part<Pick<Outbox, 'enqueue'>> = { enqueue };
