// The options about asking Gmail: how often, at which prices, and where.
import type { IDisplayOptions, INodeProperties, NodeHint } from 'n8n-workflow';
import { carried } from '../../host/trigger/as-before';
import { collectingOption } from '../../host/trigger/collecting';
import { ADDRESSES, POLL_EVERY } from '../settings/watching';

const address = (
  name: keyof typeof ADDRESSES,
  description: string,
  displayOptions?: IDisplayOptions,
): INodeProperties => ({
  displayName: ADDRESSES[name].shown,
  name,
  type: 'string',
  noDataExpression: true,
  default: ADDRESSES[name].default,
  ...(displayOptions && { displayOptions }),
  description,
});

/**
 * For the mail account, or to read Pub/Sub: n8n's conditions cannot say "or". Nor can this be told by "Service Account
 * Use", as credentials do: n8n drops options by the defaults of what is hidden, too.
 */
const WITH_SERVICE_ACCOUNT: readonly IDisplayOptions[] = [
  { show: { '/authentication': ['serviceAccount'] } },
  { show: { '/authentication': ['oAuth2'], '/notifications': ['pull'] } },
];

export const watchOptions: INodeProperties[] = [
  address('apiBaseUrl', 'Where the Gmail API is; another one for private endpoints of an organisation'),
  address('certificatesUrl', "Where Google's keys are that calls of Pub/Sub are signed with", {
    show: { '/notifications': ['push'] },
  }),
  collectingOption('account'),
  {
    displayName: 'Poll Every (Seconds)',
    name: 'pollEvery',
    type: 'number',
    typeOptions: { minValue: POLL_EVERY.least, maxValue: POLL_EVERY.most },
    default: POLL_EVERY.default,
    description:
      'How often Gmail is asked for what is new; it costs 2 units. Where several triggers watch one account, the shortest time counts. Notifications of Pub/Sub come on top.',
  },
  address('pubsubBaseUrl', 'Where Pub/Sub is; another one for private endpoints of an organisation', {
    show: { '/notifications': ['pull'] },
  }),
  {
    displayName: 'Quota Table',
    name: 'quotaTable',
    type: 'options',
    noDataExpression: true,
    options: [
      {
        name: 'New',
        value: 'new',
        description: '6,000 units a minute, 20 for a mail: projects since May 2026, safe for all',
      },
      {
        name: 'Old',
        value: 'old',
        description: '15,000 units a minute, 5 for a mail: projects that used the Gmail API before',
      },
    ],
    default: 'new',
    description:
      "Which of Google's limits the project of the credential has. With the new one the trigger never asks for too much.",
  },
  ...WITH_SERVICE_ACCOUNT.map((displayOptions) =>
    address('tokenUrl', 'Where a service account gets its access tokens', displayOptions),
  ),
];

/** What only a trigger has that n8n asks to look (settings/polling.ts). */
export const pollingBefore: INodeProperties[] = carried([
  { name: 'pollTimes', default: '' },
  { name: 'maxResults', default: '' },
]);

export const maxResultsHint: NodeHint = {
  message:
    '<b>Max Emails per Poll</b> of the built-in trigger counts as how many emails run at the same time: each runs by itself. To change it, add the option <b>Runs at Once</b>.',
  type: 'info',
  location: 'ndv',
  whenToDisplay: 'always',
  displayCondition:
    '={{ !!$parameter["maxResults"] && ($parameter["options"] || {})["mostInFlight"] === undefined }}',
};

export const pollTimesHint: NodeHint = {
  message:
    'How often Gmail is asked was set as <b>Poll Times</b> of the built-in trigger. To change it, add the option <b>Poll Every</b>.',
  type: 'info',
  location: 'ndv',
  whenToDisplay: 'always',
  displayCondition:
    '={{ ((($parameter["pollTimes"] || {})["item"] || [])[0] || { mode: "everyMinute" })["mode"] !== "everyMinute" && ($parameter["options"] || {})["pollEvery"] === undefined }}',
};
