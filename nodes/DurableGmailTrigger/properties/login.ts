// How the node logs in: n8n's own Google credentials, so that those people have work here.
import type { INodeCredentialDescription, INodeProperties } from 'n8n-workflow';

/**
 * Only there, and so stored with the node, where no service account is needed. n8n looks at one description of a
 * credential only, and that cannot say "or": for the mail account, or to read Pub/Sub.
 */
const SERVICE_ACCOUNT_USE = 'serviceAccountUse';
const UNUSED = 'none';

export const loginProperties: INodeProperties[] = [
  {
    displayName: 'Authentication',
    name: 'authentication',
    type: 'options',
    noDataExpression: true,
    options: [
      {
        name: 'OAuth2 (Recommended)',
        value: 'oAuth2',
        description: "n8n's own credential: the one that the Gmail node uses",
      },
      {
        name: 'Service Account',
        value: 'serviceAccount',
        description:
          'For a Google Workspace whose admin lets a service account act for its people (domain-wide delegation)',
      },
    ],
    default: 'oAuth2',
    description: 'Which kind of credential to log in with',
  },
  {
    displayName: 'Service Account Use',
    name: SERVICE_ACCOUNT_USE,
    type: 'hidden',
    default: UNUSED,
    displayOptions: { show: { authentication: ['oAuth2'], notifications: ['none', 'push'] } },
  },
];

/**
 * By "hide" only: where credentials are shown by "Authentication", the editor takes that choice away, and offers the
 * credentials of both kinds in one list, also in that of the service account for Pub/Sub.
 */
export const loginCredentials: INodeCredentialDescription[] = [
  {
    name: 'gmailOAuth2',
    displayName: 'Gmail Account',
    required: true,
    displayOptions: { hide: { authentication: ['serviceAccount'] } },
  },
  {
    name: 'googleApi',
    displayName: 'Service Account',
    required: true,
    displayOptions: { hide: { [SERVICE_ACCOUNT_USE]: [UNUSED] } },
  },
];
