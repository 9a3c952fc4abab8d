// Rows of endpoints in the SQLite ledger, as whoever keeps them and whoever takes what is queued for them reads them.
import { type EndpointColumns, endpointOf } from '../common/endpoint';
import type { Endpoint } from '../endpoints';
import type { SqliteConnection } from './connection';

export const ENDPOINT_FACTS = `
  id, name, url, request, types, workflow_id as workflowId, source_id as sourceId, position,
  created_by as createdBy, created_at as createdAt, saved_at as savedAt, aside_since as asideSince,
  aside_reason as asideReason, missed_at as missedAt`;

const selectNamed = `select ${ENDPOINT_FACTS} from endpoint where id in (select value from json_each(?))`;

/** @param ids null: none @returns those that are there */
export function endpointsNamed(
  connection: SqliteConnection,
  ids: readonly (number | null)[],
): readonly Endpoint[] {
  const asked = [...new Set(ids)].filter((id) => id !== null);
  if (asked.length === 0) return [];
  return connection.all<EndpointColumns>(selectNamed, JSON.stringify(asked)).map(endpointOf);
}
