// Endpoints in Postgres: who wants to hear of changes, and how far each has been told.
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
import { NOW, type PostgresConnection } from './connection';
import { ENDPOINT_FACTS } from './endpoint-rows';
import { insertNew } from './outbox-enqueue';
import type { Method, Part } from './part';

const selectAll = `select ${ENDPOINT_FACTS} from durable_mail.endpoint order by name`;

const save = `
  insert into durable_mail.endpoint as kept
    (name, url, request, types, workflow_id, source_id, position, created_by, created_at, saved_at)
  values ($1, $2, $3, $4, $5, $6, $7, $8, ${NOW}, ${NOW})
  on conflict (name) do update set
    url = excluded.url, request = excluded.request, types = excluded.types, workflow_id = excluded.workflow_id,
    source_id = excluded.source_id, saved_at = excluded.saved_at,
    position = case when kept.aside_since is null then kept.position else excluded.position end,
    missed_at = case when kept.aside_since is null then kept.missed_at else ${NOW} end,
    aside_since = null, aside_reason = null
  returning ${ENDPOINT_FACTS}`;

const remove = `delete from durable_mail.endpoint where name = $1 returning id`;

const cancelQueued = `
  with named as materialized (
    select seq from durable_mail.outgoing where endpoint_id = $1 and state = 'QUEUED' order by seq for update)
  update durable_mail.outgoing set
    state = 'CANCELLED', due_at = null, settled_at = ${NOW}, drop_at = ${NOW} + keep_ms, last_error = $2, act = $3
  from named where outgoing.seq = named.seq`;

const putAside = `
  update durable_mail.endpoint set aside_since = coalesce(aside_since, ${NOW}), aside_reason = $2
  where id = $1 and url = coalesce($3, url)`;

const takeBackOne = `
  update durable_mail.endpoint set position = $2, missed_at = ${NOW}, aside_since = null, aside_reason = null
  where id = $1 and aside_since is not null`;

const move = `
  update durable_mail.endpoint set position = $3, missed_at = case when $4 then ${NOW} else missed_at end
  where id = $1 and position = $2 and aside_since is null`;

const selectLastSent = `
  select max(begun_at) as at from durable_mail.outgoing where endpoint_id = $1 and state = 'SENT'`;

const hasFailed = (states: string): string =>
  `endpoint_id = $1 and ${states} and last_error is not null and queued_at >= $2`;

const selectFailedThen = `
  select 1 from durable_mail.outgoing
  where ${hasFailed(`state in ('FAILED', 'QUEUED')`)} and queued_at < $3 limit 1`;

// Each state by the index, from its end.
const selectLastFailure = `
  select begun_at as at, last_error as error from durable_mail.outgoing
  where ${hasFailed('state = $3')} and begun_at is not null
  order by begun_at desc limit 1`;

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

const removeEndpoint: Method<'removeEndpoint'> = (connection, name, by) =>
  connection.transaction(async (statements) => {
    const removed = await statements.get<{ id: number }>(remove, askableText(name, 'name'));
    if (!removed) return false;
    const act = JSON.stringify({ what: 'cancel', by: doerOf(by), at: Date.now() });
    await statements.run(cancelQueued, removed.id, REMOVED_MEANWHILE, act);
    return true;
  });

const setAside: Method<'setAside'> = async (connection, id, reason, url) =>
  (await connection.run(putAside, id, entryText(reason), url ?? null)) > 0;

const takeBack: Method<'takeBack'> = async (connection, id) =>
  (await connection.run(takeBackOne, id, await newest(connection))) > 0;

const tellEndpoint: Method<'tellEndpoint'> = (connection, id, { from, to, missed = false }, entries) =>
  connection.transaction(async (statements) => {
    if ((await statements.run(move, id, from, to, missed)) === 0) return false;
    await insertNew(statements, entries, id);
    return true;
  });

const endpointHealth: Method<'endpointHealth'> = async (connection, id, { from, until }) => {
  const failures: NonNullable<EndpointHealth['lastFailure']>[] = [];
  for (const state of ['FAILED', 'QUEUED'])
    failures.push(...(await connection.all<(typeof failures)[number]>(selectLastFailure, id, from, state)));
  return {
    lastSentAt: (await connection.get<{ at: number | null }>(selectLastSent, id))!.at,
    hasFailedThen: (await connection.get(selectFailedThen, id, from, until)) !== undefined,
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
