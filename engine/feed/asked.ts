// What a client asked for, as the ledger filters changes and as events are filtered here: both let the same through.
import type { ChangeFilter } from '../ledger/changes';
import type { FeedAsk } from './client';
import type { FeedEvent } from './feed-event';

type Asked = Pick<FeedAsk, 'types' | 'sourceId' | 'workflowId'>;

/** The same for all who are told the same. */
export const keyOf = ({ types, sourceId, workflowId }: Asked): string =>
  JSON.stringify([types && [...new Set(types)].sort(), sourceId, workflowId]);

export const filterOf = ({ types, sourceId, workflowId }: Asked): ChangeFilter => ({
  // Whatever people ask for: what is no type of a change lets none through.
  ...(types && { types: types as NonNullable<ChangeFilter['types']> }),
  ...(sourceId !== undefined && { sourceId }),
  ...(workflowId !== undefined && { workflowId }),
});

export const letsThrough = ({ types, sourceId, workflowId }: Asked, event: FeedEvent): boolean =>
  (types === undefined || types.includes(event.type)) &&
  (sourceId === undefined || event.source === sourceId) &&
  (workflowId === undefined || event.workflow === workflowId);

/** What events of a type never say lets none of them through. */
const SAYS = { source: /^(?:email|source|sync)\./, workflow: /^(?:email|outbox)\./ };

/** Whether an event of the type can be let through at all. */
export const mayLetThrough = (type: FeedEvent['type'], { sourceId, workflowId }: Asked): boolean =>
  (sourceId === undefined || SAYS.source.test(type)) &&
  (workflowId === undefined || SAYS.workflow.test(type));

export const asksForStats = ({ types }: Asked): boolean => types === undefined || types.includes('stats');
