// What the trigger asks of a person in n8n's editor.
import type { INodeProperties } from 'n8n-workflow';
import { mailStoreCredential, mailStoreProperty } from '../host/store/mail-store-choice';

export const properties: INodeProperties[] = [
  {
    displayName: 'Start When',
    name: 'when',
    type: 'multiOptions',
    noDataExpression: true,
    options: [
      { name: 'An Email Bounced', value: 'bounced', description: 'It was sent, and came back' },
      {
        name: 'An Endpoint Was Set Aside',
        value: 'endpointAside',
        description: 'A subscribed URL has failed for days, or is gone: it is told nothing any more',
      },
      {
        name: 'It Failed',
        value: 'failed',
        description: 'Its tries are used up, or the receiver has refused it for good',
      },
      {
        name: 'It Is Unknown',
        value: 'unknown',
        description: 'Nobody knows whether it arrived: a person has to decide',
      },
    ],
    default: ['failed', 'unknown', 'bounced', 'endpointAside'],
    required: true,
    description: 'What starts this workflow: one execution for each',
  },
  {
    displayName: 'What',
    name: 'entryKind',
    type: 'options',
    noDataExpression: true,
    options: [
      { name: 'Emails', value: 'mail' },
      { name: 'Emails and Webhooks', value: 'all' },
      { name: 'Webhooks', value: 'webhook' },
    ],
    default: 'all',
    description: 'Which entries of the outbox count',
  },
  {
    displayName: 'Only Workflows',
    name: 'onlyWorkflows',
    type: 'string',
    default: '',
    noDataExpression: true,
    placeholder: 'Zk3rX9…, p8QdT1…',
    description: 'IDs of the workflows whose entries count, separated by commas. Empty: of all.',
  },
  mailStoreProperty,
  mailStoreCredential,
];
