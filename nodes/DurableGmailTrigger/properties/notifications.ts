// How the node hears of new mail before its next look: over a Pub/Sub topic of the user's own Google Cloud project.
import type { INodeProperties } from 'n8n-workflow';

const WHERE = { show: { notifications: ['push', 'pull'] } };
const PUSH = { show: { notifications: ['push'] } };
const PULL = { show: { notifications: ['pull'] } };

export const notificationProperties: INodeProperties[] = [
  {
    displayName: 'Notifications',
    name: 'notifications',
    type: 'options',
    noDataExpression: true,
    options: [
      {
        name: 'None',
        value: 'none',
        description: 'Gmail is asked every minute. Nothing to set up.',
      },
      {
        name: 'Pub/Sub Pull',
        value: 'pull',
        description: 'Within seconds, also for an n8n without a public address; needs a service account',
      },
      {
        name: 'Pub/Sub Push',
        value: 'push',
        description: 'Within seconds; Google calls this n8n, which needs a public address',
      },
    ],
    default: 'none',
    description: 'How the trigger hears of new mail. It also looks by itself, whatever is chosen.',
  },
  {
    displayName: 'Pub/Sub Topic',
    name: 'pubsubTopic',
    type: 'string',
    noDataExpression: true,
    default: '',
    required: true,
    placeholder: 'projects/my-project/topics/gmail',
    displayOptions: WHERE,
    description:
      'The topic that Gmail publishes to. <code>gmail-api-push@system.gserviceaccount.com</code> needs the role Pub/Sub Publisher on it.',
  },
  {
    displayName: 'Service Account of the Push Subscription',
    name: 'pushServiceAccount',
    type: 'string',
    noDataExpression: true,
    default: '',
    required: true,
    placeholder: 'push@my-project.iam.gserviceaccount.com',
    displayOptions: PUSH,
    description:
      'The service account that the subscription authenticates with. Calls that are not signed for it are refused.',
  },
  {
    displayName: 'Audience',
    name: 'pushAudience',
    type: 'string',
    noDataExpression: true,
    default: '',
    displayOptions: PUSH,
    description:
      "What the subscription has as its audience. Leave empty where it has none of its own: then it is the webhook's address.",
  },
  {
    displayName:
      'Give the push subscription the production webhook URL from above, and switch on its authentication. While Push is chosen, a test by hand waits for a notification: choose None to see the newest mail.',
    name: 'pushNotice',
    type: 'notice',
    default: '',
    displayOptions: PUSH,
  },
  {
    displayName: 'Pub/Sub Subscription',
    name: 'pubsubSubscription',
    type: 'string',
    noDataExpression: true,
    default: '',
    required: true,
    placeholder: 'projects/my-project/subscriptions/gmail-n8n',
    displayOptions: PULL,
    description:
      'A pull subscription to that topic. The service account needs the role Pub/Sub Subscriber on it.',
  },
];
