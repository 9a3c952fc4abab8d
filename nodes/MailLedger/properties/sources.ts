// What a person sets where mailboxes are to be looked at, or tried again, now.
import type { INodeProperties } from 'n8n-workflow';

const forLooks = (...operation: string[]): NonNullable<INodeProperties['displayOptions']> => ({
  show: { resource: ['source'], operation },
});

const byId = { name: 'By ID', value: 'ids', description: 'One mailbox, or several by their IDs' };

const sources: INodeProperties = {
  displayName: 'Sources',
  name: 'sources',
  type: 'options',
  noDataExpression: true,
  default: 'all',
  description: 'Which mailboxes',
};

export const sourceProperties: INodeProperties[] = [
  {
    ...sources,
    displayOptions: forLooks('lookNow'),
    options: [{ name: 'All', value: 'all', description: 'All that a published workflow listens to' }, byId],
  },
  {
    ...sources,
    displayOptions: forLooks('tryAgainNow'),
    options: [{ name: 'All That Fail', value: 'all', description: 'All that cannot be read now' }, byId],
  },
  {
    displayName: 'Source IDs',
    name: 'sourceIds',
    type: 'string',
    required: true,
    default: '={{ $json.sourceId }}',
    displayOptions: { show: { ...forLooks('lookNow', 'tryAgainNow').show, sources: ['ids'] } },
    description: 'One source ID, or several with commas between them. Get Many shows them.',
  },
];
