// How the node logs in: the kinds of credential it takes.
import type { INodeCredentialDescription, INodeProperties } from 'n8n-workflow';

export const loginProperties: INodeProperties[] = [
  {
    displayName: 'Authentication',
    name: 'authentication',
    type: 'options',
    options: [
      {
        name: 'IMAP (Password, as in the Email Trigger)',
        value: 'imap',
        description: "n8n's own credential: the one that the Email Trigger (IMAP) uses",
      },
      {
        name: 'Durable IMAP (Password, Own Certificates)',
        value: 'durableImap',
        description:
          'A password, with certificates and STARTTLS of your choice, and a test that says what is wrong',
      },
      {
        name: 'Durable IMAP OAuth2 (Microsoft 365, Others)',
        value: 'durableImapOAuth2Api',
        description: 'Gmail, Microsoft 365 and others, without a password',
      },
      {
        name: 'Gmail OAuth2 (as in the Gmail Node)',
        value: 'gmailOAuth2',
        description: "n8n's own credential: the one that the Gmail node uses",
      },
    ],
    default: 'imap',
    description: 'Which kind of credential to log in with',
  },
  {
    displayName: 'Email Address',
    name: 'emailAddress',
    type: 'string',
    noDataExpression: true,
    default: '',
    placeholder: 'ann@gmail.com',
    displayOptions: { show: { authentication: ['gmailOAuth2'] } },
    description: 'The address of the Gmail account. Leave empty to ask Google for it.',
  },
];

const LOGIN = { displayName: 'Mailbox Login', required: true } as const;

export const loginCredentials: INodeCredentialDescription[] = [
  {
    // n8n's own type, as is `gmailOAuth2`, so that the credentials people have work here; they pick them for this.
    name: 'imap',
    ...LOGIN,
    displayOptions: { show: { authentication: ['imap'] } },
  },
  {
    name: 'durableImap',
    ...LOGIN,
    testedBy: 'durableImapTest',
    displayOptions: { show: { authentication: ['durableImap'] } },
  },
  {
    name: 'durableImapOAuth2Api',
    ...LOGIN,
    displayOptions: { show: { authentication: ['durableImapOAuth2Api'] } },
  },
  {
    name: 'gmailOAuth2',
    ...LOGIN,
    displayOptions: { show: { authentication: ['gmailOAuth2'] } },
  },
];
