// What the node asks of a person in n8n's editor, and tells.
import type { INodeCredentialDescription, INodeProperties } from 'n8n-workflow';
import { mailStoreCredential, mailStoreProperty } from '../host/store/mail-store-choice';
import { emailProperties } from './properties/email';
import { sendOptions } from './properties/options';

/** n8n drops what a node does not describe: these say what a node was that has taken this one's type. */
const asBefore: INodeProperties[] = [
  { displayName: 'Resource', name: 'resource', type: 'hidden', noDataExpression: true, default: 'email' },
  { displayName: 'Operation', name: 'operation', type: 'hidden', noDataExpression: true, default: 'send' },
];

export const properties: INodeProperties[] = [
  ...asBefore,
  {
    displayName: 'Authentication',
    name: 'authentication',
    type: 'options',
    noDataExpression: true,
    options: [
      {
        name: 'Durable SMTP OAuth2 (Gmail, Microsoft 365, Others)',
        value: 'durableSmtpOAuth2Api',
        description: 'Without a password',
      },
      {
        name: 'SMTP (as in the Send Email Node)',
        value: 'smtp',
        description: "n8n's own credential: the one that the Send Email node uses",
      },
    ],
    default: 'smtp',
    description: 'Which kind of credential to log in with',
  },
  // First, as in the Send Email node: without it the editor shows the login at the end, by the mail store.
  mailStoreCredential,
  ...emailProperties,
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
        description: 'This step goes on when the server has taken it, and fails where it has not',
      },
    ],
    default: 'now',
    description: 'Whether the workflow waits for the server. It is queued first in any case, and sent once.',
  },
  {
    displayName: 'Idempotency Key',
    name: 'idempotencyKey',
    type: 'string',
    default: '',
    placeholder: "The email's own key",
    description:
      'What is sent once in this step, such as an order number. Leave empty for the email that the item comes from: each of its items counts by itself. What comes from no email is then sent once for each execution. In tests in the editor every email is sent.',
  },
  {
    displayName: 'Look in Sent',
    name: 'lookInSent',
    type: 'options',
    noDataExpression: true,
    options: [
      {
        name: 'Durable IMAP (Password, Own Certificates)',
        value: 'durableImap',
        description: 'The mailbox that this credential opens',
      },
      {
        name: 'Durable IMAP OAuth2 (Microsoft 365, Others)',
        value: 'durableImapOAuth2Api',
        description: 'The mailbox that this credential opens',
      },
      {
        name: 'Gmail OAuth2 (as in the Gmail Node)',
        value: 'gmailOAuth2',
        description: 'The account that this credential opens',
      },
      {
        name: 'IMAP (Password, as in the Email Trigger)',
        value: 'imap',
        description: 'The mailbox that this credential opens',
      },
      {
        name: 'Only Where the SMTP Login Can (Gmail)',
        value: 'auto',
        description: 'With the login that sends, if that is one of smtp.gmail.com',
      },
    ],
    default: 'auto',
    description:
      'Where to look for an email of which nobody knows whether it was sent. One that is found there counts as sent.',
  },
  mailStoreProperty,
  {
    displayName: 'Options',
    name: 'options',
    type: 'collection',
    placeholder: 'Add option',
    default: {},
    options: sendOptions,
  },
];

export const credentials: INodeCredentialDescription[] = [
  {
    name: 'smtp',
    required: true,
    displayOptions: { show: { authentication: ['smtp'] } },
  },
  {
    name: 'durableSmtpOAuth2Api',
    required: true,
    displayOptions: { show: { authentication: ['durableSmtpOAuth2Api'] } },
  },
  ...(['imap', 'durableImap', 'durableImapOAuth2Api', 'gmailOAuth2'] as const).map((name) => ({
    name,
    displayName: 'Sent Mailbox Login',
    required: true,
    displayOptions: { show: { lookInSent: [name] } },
  })),
  {
    name: 'mailStore',
    displayName: 'Postgres Mail Store',
    required: true,
    testedBy: 'mailStoreTest',
    displayOptions: { show: { mailStore: ['postgres'] } },
  },
];
