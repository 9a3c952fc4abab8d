// Endpoints in the SQLite ledger: who wants to hear of changes, and how far each has been told.
import { askableText } from '../askable';
import { doerOf } from '../common/deed';
import { type EndpointColumns, endpointOf, storedEndpoint } from '../common/endpoint';
import { entryText } from '../common/entry';
import type { Endpoints } from '../endpoints';
import { told } from './changes';
import { NOW, type SqliteConnection } from './connection';
import { insertNew } from './outbox';
import type { Method, Part } from './part';

const facts = `
  id, name, url, request, types, workflow_id as workflowId, source_id as sourceId, position,
  created_by as createdBy, created_at as createdAt, aside_since as asideSince, aside_reason as asideReason,
  missed_at as missedAt`;

const selectAll = `select ${facts} from endpoint order by name`;

const save = `
  insert into endpoint (name, url, request, types, workflow_id, source_id, position, created_by, created_at)
  values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ${NOW})
  on conflict (name) do update set
    url = excluded.url, request = excluded.request, types = excluded.types, workflow_id = excluded.workflow_id,
    source_id = excluded.source_id,
    position = iif(aside_since is null, position, excluded.position),
    missed_at = iif(aside_since is null, missed_at, ${NOW}), aside_since = null, aside_reason = null
  returning ${facts}`;

const remove = `delete from endpoint where name = ?`;

const putAside = `
  update endpoint set aside_since = coalesce(aside_since, ${NOW}), aside_reason = ?2 where id = ?1`;

const takeBackOne = `
  update endpoint set position = ?2, missed_at = ${NOW}, aside_since = null, aside_reason = null
  where id = ?1 and aside_since is not null`;

const move = `
  update endpoint set position = ?3, missed_at = iif(?4, ${NOW}, missed_at)
  where id = ?1 and position = ?2 and aside_since is null`;

/** From now on. */
async function newest(connection: SqliteConnection): Promise<string> {
  return (await told.changePositions(connection)).newest;
}

const endpointsAll: Method<'endpoints'> = (connection) =>
  connection.all<EndpointColumns>(selectAll).map(endpointOf);

const saveEndpoint: Method<'saveEndpoint'> = async (connection, endpoint, by) =>
  endpointOf(
    connection.get<EndpointColumns>(
      save,
      ...storedEndpoint(endpoint),
      await newest(connection),
      doerOf(by) ?? '',
    )!,
  );

const removeEndpoint: Method<'removeEndpoint'> = (connection, name) =>
  connection.run(remove, askableText(name, 'name')) > 0;

const setAside: Method<'setAside'> = (connection, id, reason) =>
  connection.run(putAside, id, entryText(reason)) > 0;

const takeBack: Method<'takeBack'> = async (connection, id) =>
  connection.run(takeBackOne, id, await newest(connection)) > 0;

const tellEndpoint: Method<'tellEndpoint'> = (connection, id, { from, to, missed = false }, entries) =>
  connection.transaction(() => {
    if (connection.run(move, id, from, to, missed ? 1 : 0) === 0) return false;
    insertNew(connection, entries);
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
