// The login of an IMAP account by OAuth2.
import type { ICredentialType, INodeProperties } from 'n8n-workflow';
import { connectionProperties } from './imap-connection';
import { OTHER_PROVIDER, providerProperties } from './oauth2-provider';

export class DurableImapOAuth2Api implements ICredentialType {
  name = 'durableImapOAuth2Api';

  extends = ['oAuth2Api'];

  displayName = 'Durable IMAP OAuth2 API';

  icon = { light: 'file:durableImapOAuth2Api.svg', dark: 'file:durableImapOAuth2Api.dark.svg' } as const;

  documentationUrl =
    'https://github.com/n8n-nodes-durable-mail/n8n-nodes-durable-mail/blob/main/docs/imap.md#logging-in';

  properties: INodeProperties[] = [
    ...providerProperties({
      userDescription: 'The mailbox to open. Sign in below as somebody who may.',
      microsoftScope: 'https://outlook.office.com/IMAP.AccessAsUser.All offline_access',
      otherScopeDescription:
        'What the provider wants to be asked for, so that the token opens IMAP and can be refreshed',
    }),
    ...connectionProperties(OTHER_PROVIDER),
  ];
}
