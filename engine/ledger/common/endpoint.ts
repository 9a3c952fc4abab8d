// Endpoints as both ledgers store them.
import type { ChangeType } from '../changes';
import { askableText } from '../askable';
import type { Endpoint, NewEndpoint } from '../endpoints';
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
  readonly asideSince: number | null;
  readonly asideReason: string | null;
  readonly missedAt: number | null;
}

export const endpointOf = ({ request, types, workflowId, sourceId, ...row }: EndpointColumns): Endpoint => ({
  ...row,
  request: JSON.parse(request) as Endpoint['request'],
  wish: { types: JSON.parse(types) as ChangeType[], workflowId, sourceId },
});

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
