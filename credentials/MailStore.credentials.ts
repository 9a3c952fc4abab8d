// The database that holds the mail ledger: one for all nodes and processes that choose this credential.
import type { ICredentialType, INodeProperties } from 'n8n-workflow';

export class MailStore implements ICredentialType {
  name = 'mailStore';
  displayName = 'Mail Store';
  documentationUrl =
    'https://github.com/n8n-nodes-durable-mail/n8n-nodes-durable-mail/blob/main/docs/ledger.md';
  icon = { light: 'file:mailStore.svg', dark: 'file:mailStore.dark.svg' } as const;

  properties: INodeProperties[] = [
    {
      displayName:
        'A Postgres database (14 or newer) for the mail ledger. It needs a database and a user; the tables are made in a schema of their own.',
      name: 'notice',
      type: 'notice',
      default: '',
    },
    { displayName: 'Host', name: 'host', type: 'string', default: 'localhost', required: true },
    { displayName: 'Database', name: 'database', type: 'string', default: 'postgres', required: true },
    { displayName: 'User', name: 'user', type: 'string', default: 'postgres', required: true },
    {
      displayName: 'Password',
      name: 'password',
      type: 'string',
      typeOptions: { password: true },
      default: '',
    },
    { displayName: 'Port', name: 'port', type: 'number', default: 5432 },
    {
      displayName: 'SSL',
      name: 'ssl',
      type: 'options',
      options: [
        {
          name: 'Require',
          value: 'require',
          description: 'Encrypted, and the certificate of the server is checked',
        },
        {
          name: 'Disable',
          value: 'disable',
          description: 'Not encrypted: for a database on a network of your own',
        },
      ],
      default: 'require',
      description: 'Whether the connection to the database is encrypted',
    },
    {
      displayName: 'CA Certificate',
      name: 'ca',
      type: 'string',
      typeOptions: { rows: 4 },
      default: '',
      displayOptions: { show: { ssl: ['require'] } },
      description:
        'The certificate (PEM) that signed the one of the server, if it is none of the public ones',
    },
    {
      displayName: 'Ignore SSL Issues (Insecure)',
      name: 'allowUnauthorizedCerts',
      type: 'boolean',
      default: false,
      displayOptions: { show: { ssl: ['require'] } },
      description: 'Whether to connect even if the certificate of the server cannot be checked',
      typeOptions: { password: true },
    },
    {
      displayName: 'Schema',
      name: 'schema',
      type: 'string',
      default: 'durable_mail',
      description: 'The schema that holds the tables of the ledger. It is made if it is not there.',
    },
    {
      displayName: 'Redis URL',
      name: 'redisUrl',
      type: 'string',
      // It holds a password.
      // eslint-disable-next-line @n8n/community-nodes/credential-unnecessary-password
      typeOptions: { password: true },
      default: '',
      placeholder: 'rediss://user:password@host:6379/0',
      description:
        'Optional: a Redis beside the database, for wake-ups behind PgBouncer and for events out. Never needed for safety.',
    },
  ];
}
