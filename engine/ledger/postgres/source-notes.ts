// What whoever reads a source wants to know of it after a restart, in the Postgres ledger.
// Invariant: only who holds the source writes it.
import { storableJson } from '../common/storable';
import type { SourceNote, SourceNotes } from '../source-notes';
import type { Method, Part } from './part';

const selectNote = `select notes from durable_mail.source where id = $1`;

const updateNote = `update durable_mail.source set notes = $1 where id = $2 and fence = $3`;

const sourceNote: Method<'sourceNote'> = async (connection, sourceId) => {
  const row = await connection.get<{ notes: string | null }>(selectNote, sourceId);
  return row?.notes ? (JSON.parse(row.notes) as SourceNote) : {};
};

const writeSourceNote: Method<'writeSourceNote'> = async (connection, hold, note) => {
  await connection.run(updateNote, storableJson(note), hold.sourceId, hold.fence);
};

export const sourceNotes: Part<SourceNotes> = { sourceNote, writeSourceNote };
