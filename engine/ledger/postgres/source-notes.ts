// What whoever reads a source wants to know of it after a restart, in the Postgres ledger.
// Invariant: only who holds the source writes it.
import type { SourceHold } from '../source-holds';
import type { SourceNote } from '../source-notes';
import type { PostgresConnection } from './connection';

const selectNote = `select notes from durable_mail.source where id = $1`;

const updateNote = `update durable_mail.source set notes = $1 where id = $2 and fence = $3`;

export async function sourceNote(connection: PostgresConnection, sourceId: number): Promise<SourceNote> {
  const row = await connection.get<{ notes: string | null }>(selectNote, sourceId);
  return row?.notes ? (JSON.parse(row.notes) as SourceNote) : {};
}

export async function writeSourceNote(
  connection: PostgresConnection,
  hold: SourceHold,
  note: SourceNote,
): Promise<void> {
  await connection.run(updateNote, JSON.stringify(note), hold.sourceId, hold.fence);
}
