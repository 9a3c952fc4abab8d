// What the node asks of a person in n8n's editor, and tells.
import type { INodeProperties, INodePropertyOptions } from 'n8n-workflow';
import { mailStoreCredential, mailStoreProperty } from '../host/store/mail-store-choice';
import { annotation } from './properties/annotation';
import { filters, filtersButStates, workflowId } from './properties/filters';
import { outboxProperties } from './properties/outbox';
import { sourceProperties } from './properties/sources';
import { templateProperties } from './properties/templates';

const forEvents = (...operation: string[]): NonNullable<INodeProperties['displayOptions']> => ({
  show: { resource: ['event'], operation },
});

const selecting = (
  select: string,
  ...operation: string[]
): NonNullable<INodeProperties['displayOptions']> => ({
  show: { resource: ['event'], operation, select: [select] },
});

const ACTIONS = ['forget', 'markDone', 'replay', 'retryNow'];

/** Of the item itself: one of this node, or one of a trigger. */
const ID_OF_ITEM = '={{ $json.eventId ?? $json.delivery.eventId }}';

const byFilter: INodePropertyOptions = {
  name: 'By Filter',
  value: 'filter',
  description: 'All events that match all filters below',
};

const byId: INodePropertyOptions = {
  name: 'By ID',
  value: 'ids',
  description: 'One event, or several by their IDs',
};

const selection = (operation: string[], options: INodePropertyOptions[]): INodeProperties => ({
  displayName: 'Events',
  name: 'select',
  type: 'options',
  noDataExpression: true,
  displayOptions: forEvents(...operation),
  options,
  default: 'ids',
  description: 'Which events to change',
});

export const properties: INodeProperties[] = [
  {
    displayName: 'Resource',
    name: 'resource',
    type: 'options',
    noDataExpression: true,
    options: [
      { name: 'Event', value: 'event', description: 'One email for one trigger' },
      { name: 'Ledger', value: 'ledger', description: 'The mail ledger itself' },
      { name: 'Outbox', value: 'outbox', description: 'Emails and webhooks that are to go out, or went' },
      { name: 'Source', value: 'source', description: 'A mailbox that is watched' },
      { name: 'Statistics', value: 'statistics' },
      { name: 'Template', value: 'template', description: 'An email to be filled with values and sent' },
    ],
    default: 'event',
  },
  {
    displayName: 'Operation',
    name: 'operation',
    type: 'options',
    noDataExpression: true,
    displayOptions: { show: { resource: ['event'] } },
    options: [
      {
        name: 'Annotate',
        value: 'annotate',
        action: 'Annotate events',
        description:
          'Note what a workflow has found out about an email: a category, a priority, a summary, any data',
      },
      {
        name: 'Forget Content',
        value: 'forget',
        action: 'Forget the content of events',
        description:
          'Delete content, sender and subject of emails whose events are all settled, and what Run Once remembers of them',
      },
      { name: 'Get', value: 'get', action: 'Get an event', description: 'Get one event by its ID' },
      {
        name: 'Get Many',
        value: 'getAll',
        action: 'Get many events',
        description: 'Get events, the newest first',
      },
      {
        name: 'Mark Done',
        value: 'markDone',
        action: 'Mark events as done',
        description: 'Make events done without a run. An event that is being run stays as it is.',
      },
      {
        name: 'Remove Annotation',
        value: 'removeAnnotation',
        action: 'Remove an annotation of events',
        description: 'Take away what stands under a name',
      },
      {
        name: 'Replay',
        value: 'replay',
        action: 'Replay events',
        description: 'Run settled events again, with all their tries',
      },
      {
        name: 'Retry Now',
        value: 'retryNow',
        action: 'Retry events now',
        description: 'Run events that wait for their next try at once',
      },
    ],
    default: 'getAll',
  },
  {
    displayName: 'Operation',
    name: 'operation',
    type: 'options',
    noDataExpression: true,
    displayOptions: { show: { resource: ['ledger'] } },
    options: [
      {
        name: 'Take Over',
        value: 'takeOver',
        action: 'Take over the ledger',
        description: 'Make this n8n the owner. The one before stops running mail from it within a minute.',
      },
    ],
    default: 'takeOver',
  },
  {
    displayName: 'Operation',
    name: 'operation',
    type: 'options',
    noDataExpression: true,
    displayOptions: { show: { resource: ['source'] } },
    options: [
      {
        name: 'Get Many',
        value: 'getAll',
        action: 'Get many sources',
        description: 'Get how each mailbox is doing: its state, its connection and its last error',
      },
      {
        name: 'Look Now',
        value: 'lookNow',
        action: 'Look at sources now',
        description: 'Let mailboxes be looked at now, and not when it is their time',
      },
      {
        name: 'Try Again Now',
        value: 'tryAgainNow',
        action: 'Try sources again now',
        description: 'Let mailboxes that could not be read be tried again now',
      },
    ],
    default: 'getAll',
  },
  {
    displayName: 'Operation',
    name: 'operation',
    type: 'options',
    noDataExpression: true,
    displayOptions: { show: { resource: ['statistics'] } },
    options: [
      {
        name: 'Get by State',
        value: 'getByState',
        action: 'Get statistics by state',
        description: 'Count the events in each state',
      },
    ],
    default: 'getByState',
  },
  {
    displayName: 'Event ID',
    name: 'eventId',
    type: 'string',
    required: true,
    default: ID_OF_ITEM,
    displayOptions: forEvents('get'),
    description: 'An item of a Durable Mail trigger has it in <code>delivery.eventId</code>',
  },
  selection(
    ['replay'],
    [
      { name: 'All Dead', value: 'all', description: 'All events whose tries are used up, of all workflows' },
      byFilter,
      byId,
    ],
  ),
  selection(
    ['retryNow'],
    [
      { name: 'All That Wait for a Retry', value: 'all', description: 'Those of all workflows' },
      byFilter,
      byId,
    ],
  ),
  selection(['forget', 'markDone'], [byFilter, byId]),
  {
    displayName: 'Event IDs',
    name: 'eventIds',
    type: 'string',
    required: true,
    default: ID_OF_ITEM,
    displayOptions: selecting('ids', ...ACTIONS),
    description: 'One event ID, or several with commas between them',
  },
  ...annotation(ID_OF_ITEM),
  {
    displayName:
      'A replayed event runs its workflow again from the start. A step behind a Run Once node that is done already is left out.',
    name: 'replayNotice',
    type: 'notice',
    default: '',
    displayOptions: forEvents('replay'),
  },
  {
    displayName: 'Return All',
    name: 'returnAll',
    type: 'boolean',
    default: false,
    displayOptions: forEvents('getAll'),
    description: 'Whether to return all results or only up to a given limit',
  },
  {
    displayName: 'Limit',
    name: 'limit',
    type: 'number',
    typeOptions: { minValue: 1 },
    default: 50,
    displayOptions: { show: { resource: ['event'], operation: ['getAll'], returnAll: [false] } },
    description: 'Max number of results to return',
  },
  { ...filters, displayOptions: forEvents('getAll') },
  { ...filters, displayOptions: selecting('filter', 'forget', 'markDone', 'replay') },
  { ...filtersButStates, displayOptions: selecting('filter', 'retryNow') },
  { ...workflowId, displayOptions: { show: { resource: ['statistics'] } } },
  ...sourceProperties,
  ...outboxProperties,
  ...templateProperties,
  mailStoreProperty,
  mailStoreCredential,
];
