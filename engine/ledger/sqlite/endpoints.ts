// Endpoints in the SQLite ledger: who wants to hear of changes, and how far each has been told.
import { askableText } from '../askable';
import { doerOf } from '../common/deed';
import {
  type EndpointColumns,
  endpointOf,
  newestFailure,
  REMOVED_MEANWHILE,
  storedEndpoint,
} from '../common/endpoint';
import { entryText } from '../common/entry';
import type { EndpointHealth, Endpoints } from '../endpoints';
import { told } from './changes';
import { NOW, type SqliteConnection } from './connection';
import { ENDPOINT_FACTS } from './endpoint-rows';
import { insertNew } from './outbox-enqueue';
import type { Method, Part } from './part';

const selectAll = `select ${ENDPOINT_FACTS} from endpoint order by name`;

const save = `
  insert into endpoint (name, url, request, types, workflow_id, source_id, position, created_by, created_at, saved_at)
  values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ${NOW}, ${NOW})
  on conflict (name) do update set
    url = excluded.url, request = excluded.request, types = excluded.types, workflow_id = excluded.workflow_id,
    source_id = excluded.source_id, saved_at = excluded.saved_at,
    position = iif(aside_since is null, position, excluded.position),
    missed_at = iif(aside_since is null, missed_at, ${NOW}), aside_since = null, aside_reason = null
  returning ${ENDPOINT_FACTS}`;

const remove = `delete from endpoint where name = ? returning id`;

const cancelQueued = `
  update outgoing set
    state = 'CANCELLED', due_at = null, settled_at = ${NOW}, drop_at = ${NOW} + keep_ms, last_error = ?2, act = json(?3)
  where endpoint_id = ?1 and state = 'QUEUED'`;

const putAside = `
  update endpoint set aside_since = coalesce(aside_since, ${NOW}), aside_reason = ?2
  where id = ?1 and url = coalesce(?3, url)`;

const takeBackOne = `
  update endpoint set position = ?2, missed_at = ${NOW}, aside_since = null, aside_reason = null
  where id = ?1 and aside_since is not null`;

const move = `
  update endpoint set position = ?3, missed_at = iif(?4, ${NOW}, missed_at)
  where id = ?1 and position = ?2 and aside_since is null`;

const selectLastSent = `select max(begun_at) as at from outgoing where endpoint_id = ? and state = 'SENT'`;

const hasFailed = (states: string): string =>
  `endpoint_id = ?1 and ${states} and last_error is not null and queued_at >= ?2`;

const selectFailedThen = `
  select 1 from outgoing where ${hasFailed(`state in ('FAILED', 'QUEUED')`)} and queued_at < ?3 limit 1`;

// Each state by the index, from its end.
const selectLastFailure = `
  select begun_at as at, last_error as error from outgoing
  where ${hasFailed('state = ?3')} and begun_at is not null
  order by begun_at desc limit 1`;

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

const removeEndpoint: Method<'removeEndpoint'> = (connection, name, by) =>
  connection.transaction(() => {
    const removed = connection.get<{ id: number }>(remove, askableText(name, 'name'));
    if (!removed) return false;
    const act = JSON.stringify({ what: 'cancel', by: doerOf(by), at: Date.now() });
    connection.run(cancelQueued, removed.id, REMOVED_MEANWHILE, act);
    return true;
  });

const setAside: Method<'setAside'> = (connection, id, reason, url) =>
  connection.run(putAside, id, entryText(reason), url ?? null) > 0;

const takeBack: Method<'takeBack'> = async (connection, id) =>
  connection.run(takeBackOne, id, await newest(connection)) > 0;

const tellEndpoint: Method<'tellEndpoint'> = (connection, id, { from, to, missed = false }, entries) =>
  connection.transaction(() => {
    if (connection.run(move, id, from, to, missed ? 1 : 0) === 0) return false;
    insertNew(connection, entries, id);
    return true;
  });

const endpointHealth: Method<'endpointHealth'> = (connection, id, { from, until }) => {
  const failures = ['FAILED', 'QUEUED'].flatMap(
    (state) =>
      connection.get<NonNullable<EndpointHealth['lastFailure']>>(selectLastFailure, id, from, state) ?? [],
  );
  return {
    lastSentAt: connection.get<{ at: number | null }>(selectLastSent, id)!.at,
    hasFailedThen: connection.get(selectFailedThen, id, from, until) !== undefined,
    lastFailure: newestFailure(failures),
  };
};

export const endpoints: Part<Endpoints> = {
  endpoints: endpointsAll,
  saveEndpoint,
  removeEndpoint,
  setAside,
  takeBack,
  tellEndpoint,
  endpointHealth,
};
