// What whoever reads a source wants to know of it after a restart, in the SQLite ledger.
// Invariant: only who holds the source writes it.
import { storableJson } from '../common/storable';
import type { SourceNote, SourceNotes } from '../source-notes';
import type { Method, Part } from './part';

const selectNote = `select notes from source where id = ?`;

const updateNote = `update source set notes = ? where id = ? and fence = ?`;

const sourceNote: Method<'sourceNote'> = (connection, sourceId) => {
  const row = connection.get<{ notes: string | null }>(selectNote, sourceId);
  return row?.notes ? (JSON.parse(row.notes) as SourceNote) : {};
};

const writeSourceNote: Method<'writeSourceNote'> = (connection, hold, note) => {
  connection.run(updateNote, storableJson(note), hold.sourceId, hold.fence);
};

export const sourceNotes: Part<SourceNotes> = { sourceNote, writeSourceNote };
