// Endpoints as both ledgers store them.
import type { ChangeType } from '../changes';
import { askableText } from '../askable';
import type { Endpoint, EndpointHealth, NewEndpoint } from '../endpoints';
import { storableJson } from './storable';

/** A row, but for what a database spells in its own way. */
export interface EndpointColumns {
  readonly id: number;
  readonly name: string;
  readonly url: string;
  readonly request: string;
  readonly types: string;
  readonly workflowId: string | null;
  readonly sourceId: number | null;
  readonly position: string;
  readonly createdBy: string;
  readonly createdAt: number;
  readonly savedAt: number;
  readonly asideSince: number | null;
  readonly asideReason: string | null;
  readonly missedAt: number | null;
}

export const endpointOf = ({ request, types, workflowId, sourceId, ...row }: EndpointColumns): Endpoint => ({
  ...row,
  request: JSON.parse(request) as Endpoint['request'],
  wish: { types: JSON.parse(types) as ChangeType[], workflowId, sourceId },
});

/** Of an entry that was taken: the endpoint that it tells; null: it is there no more. Nothing: it tells none. */
export const endpointAmong = (
  id: number | null,
  there: readonly Endpoint[],
): { readonly endpoint?: Endpoint | null } =>
  id === null ? {} : { endpoint: there.find((one) => one.id === id) ?? null };

/** Of those of each state. */
export const newestFailure = (
  failures: readonly NonNullable<EndpointHealth['lastFailure']>[],
): EndpointHealth['lastFailure'] => [...failures].sort((one, other) => other.at - one.at)[0] ?? null;

/** What stands in the log with an entry that waited for an endpoint when that was removed. */
export const REMOVED_MEANWHILE = 'Its endpoint was removed before it was sent.';

/** As it is stored: name, URL, request, types, workflow, source. @throws LedgerFault `asked` */
export const storedEndpoint = ({ name, url, request, wish }: NewEndpoint) =>
  [
    askableText(name, 'name'),
    askableText(url, 'url'),
    storableJson(request),
    storableJson(wish.types),
    wish.workflowId === null ? null : askableText(wish.workflowId, 'workflowId'),
    wish.sourceId,
  ] as const;
