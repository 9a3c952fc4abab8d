// What the node asks of a person in n8n's editor, and tells.
import type { INodeCredentialDescription, INodeProperties } from 'n8n-workflow';
import { MAIL_STORE, mailStoreCredential, mailStoreProperty } from '../host/store/mail-store-choice';

export const properties: INodeProperties[] = [
  {
    displayName:
      'Publish this workflow, and open the Production URL above in a browser. One Mail Console is enough for all workflows of an n8n.',
    name: 'notice',
    type: 'notice',
    default: '',
  },
  {
    displayName: 'Authentication',
    name: 'authentication',
    type: 'options',
    noDataExpression: true,
    options: [
      {
        name: 'Basic Auth',
        value: 'basicAuth',
        description: 'A name and a password, which the browser asks for',
      },
      {
        name: 'Header Auth',
        value: 'headerAuth',
        description: 'A header that a program, or a proxy before n8n, sends',
      },
    ],
    default: 'basicAuth',
    description: 'How people log in. Nobody sees anything without it.',
  },
  {
    displayName: 'Who Logs In May',
    name: 'right',
    type: 'options',
    noDataExpression: true,
    options: [
      {
        name: 'Look and Act',
        value: 'operate',
        description: 'Also replay, retry, mark done and forget mails',
      },
      { name: 'Look', value: 'read', description: 'See everything, and change nothing' },
    ],
    default: 'operate',
  },
  {
    displayName: 'Show Sender and Subject in the Feed',
    name: 'showMail',
    type: 'boolean',
    noDataExpression: true,
    default: true,
    description: 'Whether the live events have the sender and the subject of their email, too',
  },
  mailStoreProperty,
  mailStoreCredential,
];

const WHO = { displayName: 'Who Logs In', required: true } as const;

/** The first two are n8n's own types: those that its Webhook node takes. */
export const credentials: INodeCredentialDescription[] = [
  { name: 'httpBasicAuth', ...WHO, displayOptions: { show: { authentication: ['basicAuth'] } } },
  { name: 'httpHeaderAuth', ...WHO, displayOptions: { show: { authentication: ['headerAuth'] } } },
  {
    name: MAIL_STORE,
    displayName: 'Postgres Mail Store',
    required: true,
    testedBy: 'mailStoreTest',
    displayOptions: { show: { mailStore: ['postgres'] } },
  },
];
