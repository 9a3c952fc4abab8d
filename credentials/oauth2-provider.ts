// The fields of an OAuth2 login at a mail provider: the same in every credential of ours for a mailbox. n8n signs in, keeps the tokens
// and refreshes them; the hidden fields are what it needs for that, preset for the large providers.
import type { INodeProperties } from 'n8n-workflow';

export const OTHER_PROVIDER: Record<string, string[]> = { provider: ['other'] };

/** An expression, by provider: n8n takes what a person may change in fields of its own names from nowhere else. */
const byProvider = (gmail: string, microsoft: string, other: string): string =>
  `={{ $self["provider"] === "gmail" ? ${gmail} : $self["provider"] === "microsoft" ? ${microsoft} : ${other} }}`;

const microsoftUrl = (endpoint: string): string =>
  `"https://login.microsoftonline.com/" + ($self["tenant"] || "common") + "/oauth2/v2.0/${endpoint}"`;

/** What a credential asks for. */
export interface Asking {
  readonly userDescription: string;
  /** Of Microsoft; Gmail has one for all. */
  readonly microsoftScope: string;
  readonly otherScopeDescription: string;
}

export function providerProperties({
  userDescription,
  microsoftScope,
  otherScopeDescription,
}: Asking): INodeProperties[] {
  return [
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
      description: userDescription,
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
      displayOptions: { show: OTHER_PROVIDER },
    },
    {
      displayName: 'Access Token URL',
      name: 'otherAccessTokenUrl',
      type: 'string',
      default: '',
      required: true,
      displayOptions: { show: OTHER_PROVIDER },
    },
    {
      displayName: 'Scope',
      name: 'otherScope',
      type: 'string',
      default: '',
      displayOptions: { show: OTHER_PROVIDER },
      description: otherScopeDescription,
    },
    {
      displayName: 'Auth URI Query Parameters',
      name: 'otherAuthQueryParameters',
      type: 'string',
      default: '',
      placeholder: 'access_type=offline',
      displayOptions: { show: OTHER_PROVIDER },
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
        JSON.stringify(microsoftScope),
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
  ];
}
