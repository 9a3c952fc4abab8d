// What whoever reads a source wants to know of it after a restart, in the SQLite ledger.
// Invariant: only who holds the source writes it.
import type { SourceHold } from '../source-holds';
import type { SourceNote } from '../source-notes';
import type { SqliteConnection } from './connection';

const selectNote = `select notes from source where id = ?`;

const updateNote = `update source set notes = ? where id = ? and fence = ?`;

export function sourceNote(connection: SqliteConnection, sourceId: number): SourceNote {
  const row = connection.get<{ notes: string | null }>(selectNote, sourceId);
  return row?.notes ? (JSON.parse(row.notes) as SourceNote) : {};
}

export function writeSourceNote(connection: SqliteConnection, hold: SourceHold, note: SourceNote): void {
  connection.run(updateNote, JSON.stringify(note), hold.sourceId, hold.fence);
}
