// What the node asks of a person in n8n's editor.
import type { INodeCredentialDescription, INodeProperties } from 'n8n-workflow';
import { mailStoreCredential, mailStoreProperty } from '../host/store/mail-store-choice';
import { ENDPOINT_EVENTS } from './events';
import { webhookOptions } from './properties/options';

const SEND = { operation: ['send'] };
const SUBSCRIBE = { operation: ['subscribe'] };
const POSTS = { operation: ['send', 'subscribe'] };

export const properties: INodeProperties[] = [
  {
    displayName: 'Operation',
    name: 'operation',
    type: 'options',
    noDataExpression: true,
    options: [
      {
        name: 'List Endpoints',
        value: 'listEndpoints',
        action: 'List endpoints',
        description: 'Those that are told of events, and those that were set aside',
      },
      { name: 'Send', value: 'send', action: 'Send a webhook', description: 'Posts JSON to a URL, once' },
      {
        name: 'Subscribe',
        value: 'subscribe',
        action: 'Subscribe an endpoint',
        description: 'A URL that is told of events from now on, without a workflow in between',
      },
      {
        name: 'Take Back',
        value: 'takeBack',
        action: 'Take an endpoint back',
        description: 'One that was set aside is told again, of what happens from now on',
      },
      {
        name: 'Unsubscribe',
        value: 'unsubscribe',
        action: 'Unsubscribe an endpoint',
        description: 'It is told nothing any more',
      },
    ],
    default: 'send',
  },
  {
    displayName: 'Endpoint Name',
    name: 'endpointName',
    type: 'string',
    default: '',
    required: true,
    displayOptions: { show: { operation: ['subscribe', 'unsubscribe', 'takeBack'] } },
    description: 'One name, one endpoint: to subscribe it again changes it',
  },
  {
    displayName: 'URL',
    name: 'url',
    type: 'string',
    default: '',
    required: true,
    placeholder: 'https://example.com/hook',
    displayOptions: { show: POSTS },
    description: 'Where it is posted to',
  },
  {
    displayName: 'Body',
    name: 'body',
    type: 'options',
    noDataExpression: true,
    options: [
      { name: 'JSON', value: 'json', description: 'What you enter' },
      { name: 'The Item', value: 'item', description: "The item's JSON, whole" },
    ],
    default: 'item',
    displayOptions: { show: SEND },
    description: 'What is posted',
  },
  {
    displayName: 'JSON',
    name: 'json',
    type: 'json',
    default: '={{ $json }}',
    displayOptions: { show: { ...SEND, body: ['json'] } },
  },
  {
    displayName: 'Events',
    name: 'events',
    type: 'multiOptions',
    options: ENDPOINT_EVENTS,
    default: ['email.dead'],
    required: true,
    displayOptions: { show: SUBSCRIBE },
    description: 'What it is told of. Neither senders nor subjects nor content are told.',
  },
  {
    displayName: 'Only Workflow',
    name: 'onlyWorkflow',
    type: 'string',
    default: '',
    displayOptions: { show: SUBSCRIBE },
    description: 'The ID of the workflow whose events it is told of. Empty: of all.',
  },
  {
    displayName: 'Only Source',
    name: 'onlySource',
    type: 'string',
    default: '',
    displayOptions: { show: SUBSCRIBE },
    description:
      'The number of the mailbox whose events it is told of, as the Mail Ledger node lists it. Empty: of all.',
  },
  {
    displayName: 'Signing',
    name: 'signing',
    type: 'options',
    noDataExpression: true,
    options: [
      {
        name: 'HMAC in a Header',
        value: 'hmac',
        description: 'HMAC-SHA256 of the body, hex: for receivers that know it so',
      },
      { name: 'None', value: 'none' },
      {
        name: 'Standard Webhooks',
        value: 'standard',
        description:
          'Headers webhook-id, webhook-timestamp and webhook-signature: there is a library in every language',
      },
    ],
    default: 'standard',
    displayOptions: { show: POSTS },
    description: 'How the receiver knows that it comes from you',
  },
  {
    displayName: 'Signature Header',
    name: 'signatureHeader',
    type: 'string',
    default: 'X-Signature',
    displayOptions: { show: { ...POSTS, signing: ['hmac'] } },
  },
  {
    displayName: 'Signature Prefix',
    name: 'signaturePrefix',
    type: 'string',
    default: '',
    placeholder: 'sha256=',
    displayOptions: { show: { ...POSTS, signing: ['hmac'] } },
    description: 'What stands before the hex digits, with a space at its end where you enter one',
  },
  {
    displayName: 'Authentication',
    name: 'authentication',
    type: 'options',
    noDataExpression: true,
    options: [
      { name: 'Basic Auth', value: 'httpBasicAuth' },
      { name: 'Header Auth', value: 'httpHeaderAuth' },
      { name: 'None', value: 'none' },
      { name: 'Query Auth', value: 'httpQueryAuth' },
    ],
    default: 'none',
    displayOptions: { show: POSTS },
    description: "What the receiver asks for besides: n8n's own credentials",
  },
  // Below what it is for: without it the editor shows them at the end, by the mail store.
  mailStoreCredential,
  {
    displayName: 'Send',
    name: 'sending',
    type: 'options',
    noDataExpression: true,
    options: [
      {
        name: 'In the Background',
        value: 'background',
        description:
          'This step queues it and goes on at once. A published Durable Mail trigger of this n8n has to be there.',
      },
      {
        name: 'Now',
        value: 'now',
        description: 'This step goes on when the receiver has taken it, and fails where it has not',
      },
    ],
    default: 'now',
    displayOptions: { show: SEND },
    description:
      'Whether the workflow waits for the receiver. It is queued first in any case, and sent once.',
  },
  {
    displayName: 'Idempotency Key',
    name: 'idempotencyKey',
    type: 'string',
    default: '',
    placeholder: "The email's own key",
    displayOptions: { show: SEND },
    description:
      'What is sent once in this step, such as an order number. Leave empty for the email that the item comes from: each of its items counts by itself. What comes from no email is then sent once for each execution. In tests in the editor every webhook is sent.',
  },
  mailStoreProperty,
  {
    displayName: 'Options',
    name: 'options',
    type: 'collection',
    placeholder: 'Add option',
    default: {},
    displayOptions: { show: POSTS },
    options: webhookOptions,
  },
];

const authentication = (name: string): INodeCredentialDescription => ({
  name,
  required: true,
  displayOptions: { show: { ...POSTS, authentication: [name] } },
});

export const credentials: INodeCredentialDescription[] = [
  {
    name: 'durableWebhookSigning',
    required: true,
    testedBy: 'signingTest',
    displayOptions: { show: { ...POSTS, signing: ['standard', 'hmac'] } },
  },
  authentication('httpBasicAuth'),
  authentication('httpHeaderAuth'),
  authentication('httpQueryAuth'),
  {
    name: 'mailStore',
    displayName: 'Postgres Mail Store',
    required: true,
    testedBy: 'mailStoreTest',
    displayOptions: { show: { mailStore: ['postgres'] } },
  },
];
