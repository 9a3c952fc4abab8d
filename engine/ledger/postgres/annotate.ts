// What workflows find out about mails, in the Postgres ledger.
// Invariant: events are locked by `seq` before what stands with them.
import type { Annotations } from '../annotations';
import { storedAnnotation } from '../common/annotation';
import { storable } from '../common/storable';
import { NOW } from './connection';
import type { Method, Part } from './part';

const chosen = `
  with chosen as materialized (
    select seq from durable_mail.event where id = any($1) order by seq for key share)`;

const upsert = `
  ${chosen},
  noted as (
    insert into durable_mail.annotation (event_seq, name, category, priority, summary, data, at)
    select seq, $2, $3, $4, $5, $6, ${NOW} from chosen order by seq
    on conflict (event_seq, name) do update set
      category = excluded.category, priority = excluded.priority, summary = excluded.summary, data = excluded.data,
      at = excluded.at)
  select count(*) as n from chosen`;

const remove = `
  ${chosen},
  removed as (
    delete from durable_mail.annotation using chosen
    where annotation.event_seq = chosen.seq and annotation.name = $2)
  select count(*) as n from chosen`;

const annotate: Method<'annotate'> = async (connection, events, name, annotation) => {
  const row = annotation
    ? await connection.get<{ n: number }>(upsert, events, ...storedAnnotation(name, annotation))
    : await connection.get<{ n: number }>(remove, events, storable(name));
  return row!.n;
};

export const annotations: Part<Annotations> = { annotate };
