// What workflows find out about mails, in the SQLite ledger.
import { type Annotations, MOST_ANNOTATIONS } from '../annotations';
import { storedNotes, type StoredNote, tooManyAnnotations } from '../common/annotation';
import { NOW, type SqliteConnection } from './connection';
import type { Method, Part } from './part';

const selectEvents = `select id from event where id in (select value from json_each(?))`;

const upsert = `
  insert into annotation (event_seq, name, category, priority, summary, data, at)
  select seq, note.value ->> 1, note.value ->> 2, note.value ->> 3, note.value ->> 4, note.value ->> 5, ${NOW}
  from json_each(?) note cross join event on event.id = note.value ->> 0
  where true order by 1, 2
  on conflict (event_seq, name) do update set
    category = excluded.category, priority = excluded.priority, summary = excluded.summary, data = excluded.data,
    at = excluded.at`;

const remove = `
  delete from annotation where (event_seq, name) in (
    select event.seq, note.value ->> 1 from json_each(?) note cross join event on event.id = note.value ->> 0)`;

const selectFull = `
  select 1 from annotation
  where event_seq in (select seq from event where id in (select value from json_each(?)))
  group by event_seq having count(*) > ${MOST_ANNOTATIONS} limit 1`;

const annotate: Method<'annotate'> = (connection, notes) => {
  const { noted, removed } = storedNotes(notes);
  const ids = JSON.stringify([...noted, ...removed].map(({ event }) => event));
  const known = connection.transaction(() => {
    write(connection, remove, removed);
    write(connection, upsert, noted);
    if (noted.length > 0 && connection.get(selectFull, ids)) throw tooManyAnnotations();
    return connection.all<{ id: string }>(selectEvents, ids);
  });
  const there = new Set(known.map(({ id }) => id));
  return notes.map(({ event }) => there.has(event));
};

function write(connection: SqliteConnection, sql: string, notes: readonly StoredNote[]): void {
  if (notes.length === 0) return;
  connection.run(sql, JSON.stringify(notes.map(({ event, name, words }) => [event, name, ...(words ?? [])])));
}

export const annotations: Part<Annotations> = { annotate };
