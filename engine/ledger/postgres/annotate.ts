// What workflows find out about mails, in the Postgres ledger.
// Invariants: events are locked by `seq` before what stands with them, and that in the order of its key; two that note something
// with one event wait for each other, so that both are counted.
import { type Annotations, MOST_ANNOTATIONS } from '../annotations';
import { storedNotes, type StoredNote, tooManyAnnotations } from '../common/annotation';
import { NOW, type Parameter } from './connection';
import type { Method, Part } from './part';

const lockEvents = `
  select id from durable_mail.event where id = any($1) order by seq for no key update`;

const upsert = `
  insert into durable_mail.annotation (event_seq, name, category, priority, summary, data, at)
  select event.seq, note.name, note.category, note.priority, note.summary, note.data, ${NOW}
  from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[])
    note (event, name, category, priority, summary, data)
  join durable_mail.event on event.id = note.event
  order by event.seq, note.name collate "C"
  on conflict (event_seq, name) do update set
    category = excluded.category, priority = excluded.priority, summary = excluded.summary, data = excluded.data,
    at = excluded.at`;

const remove = `
  with gone as materialized (
    select annotation.event_seq, annotation.name
    from unnest($1::text[], $2::text[]) note (event, name)
    join durable_mail.event on event.id = note.event
    join durable_mail.annotation on annotation.event_seq = event.seq and annotation.name = note.name collate "C"
    order by annotation.event_seq, annotation.name for update of annotation)
  delete from durable_mail.annotation using gone
  where annotation.event_seq = gone.event_seq and annotation.name = gone.name`;

// Another one may have been noted while it was waited for: only the next statement sees that.
const selectFull = `
  select 1 from durable_mail.annotation
  where event_seq in (select seq from durable_mail.event where id = any($1))
  group by event_seq having count(*) > ${MOST_ANNOTATIONS} limit 1`;

const annotate: Method<'annotate'> = (connection, notes) => {
  const { noted, removed } = storedNotes(notes);
  return connection.transaction(async (statements) => {
    const ids = [...new Set([...noted, ...removed].map(({ event }) => event))];
    const known = await statements.all<{ id: string }>(lockEvents, ids);
    if (removed.length > 0) await statements.run(remove, ...columns(removed, 0));
    if (noted.length > 0) {
      await statements.run(upsert, ...columns(noted, WORDS));
      if (await statements.get(selectFull, ids)) throw tooManyAnnotations();
    }
    const there = new Set(known.map(({ id }) => id));
    return notes.map(({ event }) => there.has(event));
  });
};

/** Category, priority, summary and data. */
const WORDS = 4;

/** A list for each parameter: the events, the names, and so many of the words. */
const columns = (notes: readonly StoredNote[], words: number): Parameter[] => [
  notes.map(({ event }) => event),
  notes.map(({ name }) => name),
  ...Array.from({ length: words }, (_, place) => notes.map((note) => note.words![place]!)),
];

export const annotations: Part<Annotations> = { annotate };
