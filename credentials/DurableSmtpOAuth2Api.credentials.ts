// The login of an SMTP server by OAuth2 (XOAUTH2). With a password, n8n's own SMTP credential does.
import type { ICredentialType, INodeProperties } from 'n8n-workflow';
import { OTHER_PROVIDER, providerProperties } from './oauth2-provider';

export class DurableSmtpOAuth2Api implements ICredentialType {
  name = 'durableSmtpOAuth2Api';

  extends = ['oAuth2Api'];

  displayName = 'Durable SMTP OAuth2 API';

  icon = { light: 'file:durableSmtpOAuth2Api.svg', dark: 'file:durableSmtpOAuth2Api.dark.svg' } as const;

  documentationUrl =
    'https://github.com/n8n-nodes-durable-mail/n8n-nodes-durable-mail/blob/main/docs/durable-send.md#logging-in';

  properties: INodeProperties[] = [
    ...providerProperties({
      userDescription: 'The mailbox to send from. Sign in below as somebody who may.',
      microsoftScope: 'https://outlook.office.com/SMTP.Send offline_access',
      otherScopeDescription:
        'What the provider wants to be asked for, so that the token opens SMTP and can be refreshed',
    }),
    {
      displayName: 'Host',
      name: 'host',
      type: 'string',
      default: '',
      placeholder: 'smtp.example.com',
      displayOptions: { show: OTHER_PROVIDER },
    },
    {
      displayName: 'Port',
      name: 'port',
      type: 'number',
      default: 465,
      displayOptions: { show: OTHER_PROVIDER },
      description: 'Usually 465 with SSL/TLS, 587 without',
    },
    {
      displayName: 'SSL/TLS',
      name: 'secure',
      type: 'boolean',
      default: true,
      displayOptions: { show: OTHER_PROVIDER },
      description: 'Whether the connection is encrypted from its start. Without it, STARTTLS is used.',
    },
    {
      displayName: 'Client Host Name',
      name: 'hostName',
      type: 'string',
      default: '',
      description: 'What this n8n calls itself to the server; empty for the name of its machine',
    },
  ];
}
