// Endpoints in Postgres: who wants to hear of changes, and how far each has been told.
import { askableText } from '../askable';
import { doerOf } from '../common/deed';
import { type EndpointColumns, endpointOf, storedEndpoint } from '../common/endpoint';
import { entryText } from '../common/entry';
import type { Endpoints } from '../endpoints';
import { told } from './changes';
import { NOW, type PostgresConnection } from './connection';
import { insertNew } from './outbox';
import type { Method, Part } from './part';

const facts = `
  id, name, url, request, types, workflow_id as "workflowId", source_id as "sourceId", position,
  created_by as "createdBy", created_at as "createdAt", aside_since as "asideSince", aside_reason as "asideReason",
  missed_at as "missedAt"`;

const selectAll = `select ${facts} from durable_mail.endpoint order by name`;

const save = `
  insert into durable_mail.endpoint as kept
    (name, url, request, types, workflow_id, source_id, position, created_by, created_at)
  values ($1, $2, $3, $4, $5, $6, $7, $8, ${NOW})
  on conflict (name) do update set
    url = excluded.url, request = excluded.request, types = excluded.types, workflow_id = excluded.workflow_id,
    source_id = excluded.source_id,
    position = case when kept.aside_since is null then kept.position else excluded.position end,
    missed_at = case when kept.aside_since is null then kept.missed_at else ${NOW} end,
    aside_since = null, aside_reason = null
  returning ${facts}`;

const remove = `delete from durable_mail.endpoint where name = $1`;

const putAside = `
  update durable_mail.endpoint set aside_since = coalesce(aside_since, ${NOW}), aside_reason = $2 where id = $1`;

const takeBackOne = `
  update durable_mail.endpoint set position = $2, missed_at = ${NOW}, aside_since = null, aside_reason = null
  where id = $1 and aside_since is not null`;

const move = `
  update durable_mail.endpoint set position = $3, missed_at = case when $4 then ${NOW} else missed_at end
  where id = $1 and position = $2 and aside_since is null`;

/** From now on. */
async function newest(connection: PostgresConnection): Promise<string> {
  return (await told.changePositions(connection)).newest;
}

const endpointsAll: Method<'endpoints'> = async (connection) =>
  (await connection.all<EndpointColumns>(selectAll)).map(endpointOf);

const saveEndpoint: Method<'saveEndpoint'> = async (connection, endpoint, by) =>
  endpointOf(
    (await connection.get<EndpointColumns>(
      save,
      ...storedEndpoint(endpoint),
      await newest(connection),
      doerOf(by) ?? '',
    ))!,
  );

const removeEndpoint: Method<'removeEndpoint'> = async (connection, name) =>
  (await connection.run(remove, askableText(name, 'name'))) > 0;

const setAside: Method<'setAside'> = async (connection, id, reason) =>
  (await connection.run(putAside, id, entryText(reason))) > 0;

const takeBack: Method<'takeBack'> = async (connection, id) =>
  (await connection.run(takeBackOne, id, await newest(connection))) > 0;

const tellEndpoint: Method<'tellEndpoint'> = (connection, id, { from, to, missed = false }, entries) =>
  connection.transaction(async (statements) => {
    if ((await statements.run(move, id, from, to, missed)) === 0) return false;
    await insertNew(statements, entries);
    return true;
  });

export const endpoints: Part<Endpoints> = {
  endpoints: endpointsAll,
  saveEndpoint,
  removeEndpoint,
  setAside,
  takeBack,
  tellEndpoint,
};
