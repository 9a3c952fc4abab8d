// What workflows find out about mails, in the Postgres ledger.
// Invariants: events are locked by `seq` before what stands with them; two that note something with one event wait for each
// other, so that both are counted.
import { type Annotations, MOST_ANNOTATIONS } from '../annotations';
import { askableIds } from '../askable';
import { annotationName, storedAnnotation, tooManyAnnotations } from '../common/annotation';
import { NOW } from './connection';
import type { Method, Part } from './part';

const chosen = (lock: string): string => `
  with chosen as materialized (
    select seq from durable_mail.event where id = any($1) order by seq for ${lock})`;

// Another one may have been noted while it was waited for: only the next statement sees that.
const lockEvents = `${chosen('no key update')} select array_agg(seq)::text[] as seqs from chosen`;

const upsert = `
  with noted as (
    insert into durable_mail.annotation (event_seq, name, category, priority, summary, data, at)
    select seq, $2, $3, $4, $5, $6, ${NOW} from unnest($1::bigint[]) seq order by seq
    on conflict (event_seq, name) do update set
      category = excluded.category, priority = excluded.priority, summary = excluded.summary, data = excluded.data,
      at = excluded.at)
  select 1 as full from durable_mail.annotation
  where event_seq = any($1::bigint[]) and name <> $2
  group by event_seq having count(*) >= ${MOST_ANNOTATIONS} limit 1`;

const remove = `
  ${chosen('key share')},
  removed as (
    delete from durable_mail.annotation using chosen
    where annotation.event_seq = chosen.seq and annotation.name = $2)
  select count(*) as n from chosen`;

const annotate: Method<'annotate'> = async (connection, events, name, annotation) => {
  const ids = askableIds(events);
  const named = annotationName(name);
  if (!annotation) return (await connection.get<{ n: number }>(remove, ids, named))!.n;
  const stored = storedAnnotation(name, annotation);
  return connection.transaction(async (statements) => {
    const { seqs } = (await statements.get<{ seqs: readonly string[] | null }>(lockEvents, ids))!;
    if (!seqs) return 0;
    if (await statements.get(upsert, seqs, ...stored)) throw tooManyAnnotations();
    return seqs.length;
  });
};

export const annotations: Part<Annotations> = { annotate };
