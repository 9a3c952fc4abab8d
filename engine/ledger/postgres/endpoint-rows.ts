// Rows of endpoints in Postgres, as whoever keeps them and whoever takes what is queued for them reads them.
import { type EndpointColumns, endpointOf } from '../common/endpoint';
import type { Endpoint } from '../endpoints';
import type { Statements } from './connection';

export const ENDPOINT_FACTS = `
  id, name, url, request, types, workflow_id as "workflowId", source_id as "sourceId", position,
  created_by as "createdBy", created_at as "createdAt", saved_at as "savedAt", aside_since as "asideSince",
  aside_reason as "asideReason", missed_at as "missedAt"`;

const selectNamed = `select ${ENDPOINT_FACTS} from durable_mail.endpoint where id = any($1)`;

/** @param ids null: none @returns those that are there */
export async function endpointsNamed(
  statements: Statements,
  ids: readonly (number | null)[],
): Promise<readonly Endpoint[]> {
  const asked = [...new Set(ids)].filter((id) => id !== null);
  if (asked.length === 0) return [];
  return (await statements.all<EndpointColumns>(selectNamed, asked)).map(endpointOf);
}
