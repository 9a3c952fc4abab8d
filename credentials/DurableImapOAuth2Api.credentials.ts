// The login of an IMAP account by OAuth2. n8n signs in, keeps the tokens and refreshes them; the hidden fields are what
// it needs for that, preset for the large providers.
import type { ICredentialType, INodeProperties } from 'n8n-workflow';
import { connectionProperties } from './imap-connection';

const OTHER = { provider: ['other'] };

/** An expression, by provider: n8n takes what a person may change in fields of its own names from nowhere else. */
const byProvider = (gmail: string, microsoft: string, other: string): string =>
  `={{ $self["provider"] === "gmail" ? ${gmail} : $self["provider"] === "microsoft" ? ${microsoft} : ${other} }}`;

const microsoftUrl = (endpoint: string): string =>
  `"https://login.microsoftonline.com/" + ($self["tenant"] || "common") + "/oauth2/v2.0/${endpoint}"`;

export class DurableImapOAuth2Api implements ICredentialType {
  name = 'durableImapOAuth2Api';

  extends = ['oAuth2Api'];

  displayName = 'Durable IMAP OAuth2 API';

  icon = { light: 'file:durableImapOAuth2Api.svg', dark: 'file:durableImapOAuth2Api.dark.svg' } as const;

  documentationUrl =
    'https://github.com/n8n-nodes-durable-mail/n8n-nodes-durable-mail/blob/main/docs/imap.md#logging-in';

  properties: INodeProperties[] = [
    {
      displayName: 'Provider',
      name: 'provider',
      type: 'options',
      options: [
        { name: 'Gmail', value: 'gmail', description: 'Gmail, and Google Workspace' },
        { name: 'Microsoft 365', value: 'microsoft', description: 'Exchange Online, and Outlook.com' },
        { name: 'Other', value: 'other', description: 'Any server with XOAUTH2 or OAUTHBEARER' },
      ],
      default: 'gmail',
      description: 'Who runs the mailbox',
    },
    {
      displayName: 'Email Address',
      name: 'user',
      type: 'string',
      default: '',
      required: true,
      placeholder: 'ann@example.com',
      description: 'The mailbox to open. Sign in below as somebody who may.',
    },
    {
      displayName: 'Tenant',
      name: 'tenant',
      type: 'string',
      default: 'common',
      displayOptions: { show: { provider: ['microsoft'] } },
      description:
        'Directory (tenant) ID of your organization; "common" for an app that is registered for all of them',
    },
    {
      displayName: 'Authorization URL',
      name: 'otherAuthUrl',
      type: 'string',
      default: '',
      required: true,
      displayOptions: { show: OTHER },
    },
    {
      displayName: 'Access Token URL',
      name: 'otherAccessTokenUrl',
      type: 'string',
      default: '',
      required: true,
      displayOptions: { show: OTHER },
    },
    {
      displayName: 'Scope',
      name: 'otherScope',
      type: 'string',
      default: '',
      displayOptions: { show: OTHER },
      description:
        'What the provider wants to be asked for, so that the token opens IMAP and can be refreshed',
    },
    {
      displayName: 'Auth URI Query Parameters',
      name: 'otherAuthQueryParameters',
      type: 'string',
      default: '',
      placeholder: 'access_type=offline',
      displayOptions: { show: OTHER },
    },
    { displayName: 'Grant Type', name: 'grantType', type: 'hidden', default: 'authorizationCode' },
    {
      displayName: 'Authorization URL',
      name: 'authUrl',
      type: 'hidden',
      default: byProvider(
        '"https://accounts.google.com/o/oauth2/v2/auth"',
        microsoftUrl('authorize'),
        '$self["otherAuthUrl"]',
      ),
    },
    {
      displayName: 'Access Token URL',
      name: 'accessTokenUrl',
      type: 'hidden',
      default: byProvider(
        '"https://oauth2.googleapis.com/token"',
        microsoftUrl('token'),
        '$self["otherAccessTokenUrl"]',
      ),
    },
    {
      displayName: 'Scope',
      name: 'scope',
      type: 'hidden',
      default: byProvider(
        '"https://mail.google.com/"',
        '"https://outlook.office.com/IMAP.AccessAsUser.All offline_access"',
        '$self["otherScope"]',
      ),
    },
    {
      displayName: 'Auth URI Query Parameters',
      name: 'authQueryParameters',
      type: 'hidden',
      default: byProvider(
        '"access_type=offline&prompt=consent"',
        '"response_mode=query&prompt=select_account"',
        '$self["otherAuthQueryParameters"]',
      ),
    },
    { displayName: 'Authentication', name: 'authentication', type: 'hidden', default: 'body' },
    ...connectionProperties(OTHER),
  ];
}
