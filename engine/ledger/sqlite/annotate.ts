// What workflows find out about mails, in the SQLite ledger.
import { type Annotations, MOST_ANNOTATIONS } from '../annotations';
import { askableIds } from '../askable';
import { annotationName, storedAnnotation, tooManyAnnotations } from '../common/annotation';
import { NOW } from './connection';
import type { Method, Part } from './part';

const countEvents = `select count(*) as n from event where id in (select value from json_each(?))`;

const upsert = `
  insert into annotation (event_seq, name, category, priority, summary, data, at)
  select seq, ?2, ?3, ?4, ?5, ?6, ${NOW} from event where id in (select value from json_each(?1)) order by seq
  on conflict (event_seq, name) do update set
    category = excluded.category, priority = excluded.priority, summary = excluded.summary, data = excluded.data,
    at = excluded.at`;

const remove = `
  delete from annotation
  where event_seq in (select seq from event where id in (select value from json_each(?1))) and name = ?2`;

const selectFull = `
  select 1 from annotation
  where event_seq in (select seq from event where id in (select value from json_each(?)))
  group by event_seq having count(*) > ${MOST_ANNOTATIONS} limit 1`;

const annotate: Method<'annotate'> = (connection, events, name, annotation) => {
  const ids = JSON.stringify(askableIds(events));
  const stored = annotation && storedAnnotation(name, annotation);
  const named = annotationName(name);
  return connection.transaction(() => {
    if (stored) connection.run(upsert, ids, ...stored);
    else connection.run(remove, ids, named);
    if (stored && connection.get(selectFull, ids)) throw tooManyAnnotations();
    return connection.get<{ n: number }>(countEvents, ids)!.n;
  });
};

export const annotations: Part<Annotations> = { annotate };
