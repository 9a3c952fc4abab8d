// What a person sets where entries of the outbox are looked at, or acted on.
import type { INodeProperties } from 'n8n-workflow';
import { entryStateOptions } from '../outbox/states';

const forEntries = (...operation: string[]): NonNullable<INodeProperties['displayOptions']> => ({
  show: { resource: ['outbox'], operation },
});

const ACTIONS = ['cancel', 'forget', 'markSent', 'retry'];

/** Of the item itself: one of this node, of one that sends, or of the Outbox Trigger. */
const ID_OF_ITEM = '={{ $json.entryId ?? $json.outbox?.id ?? $json.entry?.id }}';

const WHERE_IT_IS =
  'An item of Get Many has it in <code>entryId</code>, one of Durable Send or Durable Webhook in <code>outbox.id</code>, one of the Outbox Trigger in <code>entry.id</code>';

const filters: INodeProperties = {
  displayName: 'Filters',
  name: 'entryFilters',
  type: 'collection',
  placeholder: 'Add filter',
  default: {},
  options: [
    {
      displayName: 'Event ID',
      name: 'eventId',
      type: 'string',
      default: '',
      placeholder: '={{ $json.delivery.eventId }}',
      description:
        'Only what answers this email. An item of a Durable Mail trigger has it in <code>delivery.eventId</code>.',
    },
    {
      displayName: 'Kind',
      name: 'kind',
      type: 'options',
      options: [
        { name: 'Mail', value: 'mail' },
        { name: 'Webhook', value: 'webhook' },
      ],
      default: 'mail',
    },
    {
      displayName: 'Lane',
      name: 'lane',
      type: 'string',
      default: '',
      placeholder: 'host:hooks.example.com',
      description: 'Only what goes this way: a login or a receiver, as an entry tells it',
    },
    {
      displayName: 'Message-ID',
      name: 'messageId',
      type: 'string',
      default: '',
      placeholder: '<1@example.com>',
      description: 'Only the email of this Message-ID, with its angle brackets',
    },
    {
      displayName: 'Queued After',
      name: 'queuedAfter',
      type: 'dateTime',
      default: '',
      description: 'Only what was queued at this time or later',
    },
    {
      displayName: 'Queued Before',
      name: 'queuedBefore',
      type: 'dateTime',
      default: '',
      description: 'Only what was queued before this time',
    },
    {
      displayName: 'Recipient',
      name: 'recipient',
      type: 'string',
      default: '',
      placeholder: 'ann@example.com',
      description: 'A part of the addresses or of the URL, in upper or lower case',
    },
    {
      displayName: 'States',
      name: 'states',
      type: 'multiOptions',
      options: entryStateOptions,
      default: [],
      description: 'Only entries in one of these states. Retry takes failed entries if this is not set.',
    },
    {
      displayName: 'Subject',
      name: 'subject',
      type: 'string',
      default: '',
      placeholder: 'invoice',
      description: 'A part of the subject, in upper or lower case',
    },
    {
      displayName: 'Workflow ID',
      name: 'workflowId',
      type: 'string',
      default: '',
      placeholder: '={{ $workflow.id }}',
      description: "Only what this workflow has sent. Its ID is in the address of the workflow's page.",
    },
  ],
};

export const outboxProperties: INodeProperties[] = [
  {
    displayName: 'Operation',
    name: 'operation',
    type: 'options',
    noDataExpression: true,
    displayOptions: { show: { resource: ['outbox'] } },
    options: [
      {
        name: 'Cancel',
        value: 'cancel',
        action: 'Cancel entries of the outbox',
        description: 'Do not send what waits, failed or is unknown any more',
      },
      {
        name: 'Forget Content',
        value: 'forget',
        action: 'Forget the content of entries of the outbox',
        description:
          'Delete what entries say, and to whom, once they are settled. They cannot be sent again then.',
      },
      {
        name: 'Get',
        value: 'get',
        action: 'Get an entry of the outbox',
        description: 'Get one entry by its ID',
      },
      {
        name: 'Get Counts',
        value: 'getCounts',
        action: 'Get counts of the outbox',
        description: 'Count what waits, is being sent, was sent, failed, is unknown or bounced',
      },
      {
        name: 'Get Many',
        value: 'getAll',
        action: 'Get many entries of the outbox',
        description: 'Get entries, the newest first',
      },
      {
        name: 'Mark as Sent',
        value: 'markSent',
        action: 'Mark entries of the outbox as sent',
        description: 'Make unknown entries sent, because somebody has found out that they arrived',
      },
      {
        name: 'Retry',
        value: 'retry',
        action: 'Retry entries of the outbox',
        description: 'Send what waits at once, and what has failed, is unknown or bounced again',
      },
    ],
    default: 'getAll',
  },
  {
    displayName: 'Entry ID',
    name: 'entryId',
    type: 'string',
    required: true,
    default: ID_OF_ITEM,
    displayOptions: forEntries('get'),
    description: WHERE_IT_IS,
  },
  {
    displayName: 'Entries',
    name: 'entrySelect',
    type: 'options',
    noDataExpression: true,
    displayOptions: forEntries(...ACTIONS),
    options: [
      { name: 'By Filter', value: 'filter', description: 'All entries that match all filters below' },
      { name: 'By ID', value: 'ids', description: 'One entry, or several by their IDs' },
    ],
    default: 'ids',
    description: 'Which entries to change',
  },
  {
    displayName: 'Entry IDs',
    name: 'entryIds',
    type: 'string',
    required: true,
    default: ID_OF_ITEM,
    displayOptions: { show: { ...forEntries(...ACTIONS).show, entrySelect: ['ids'] } },
    description: `One entry ID, or several with commas between them. ${WHERE_IT_IS}.`,
  },
  {
    displayName:
      'An unknown entry may have arrived: look in the mailbox of sent mail, or at the receiver, before it is sent again.',
    name: 'retryNotice',
    type: 'notice',
    default: '',
    displayOptions: forEntries('retry'),
  },
  {
    displayName: 'Return All',
    name: 'returnAll',
    type: 'boolean',
    default: false,
    displayOptions: forEntries('getAll'),
    description: 'Whether to return all results or only up to a given limit',
  },
  {
    displayName: 'Limit',
    name: 'limit',
    type: 'number',
    typeOptions: { minValue: 1 },
    default: 50,
    displayOptions: { show: { resource: ['outbox'], operation: ['getAll'], returnAll: [false] } },
    description: 'Max number of results to return',
  },
  { ...filters, displayOptions: forEntries('getAll') },
  {
    ...filters,
    displayOptions: { show: { ...forEntries(...ACTIONS).show, entrySelect: ['filter'] } },
  },
];
