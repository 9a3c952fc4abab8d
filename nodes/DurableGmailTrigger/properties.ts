// What the node asks of a person in n8n's editor, and tells. Parameters that the built-in Gmail Trigger has too keep
// its names and values, so that its settings can be pasted.
import type { INodeProperties, IWebhookDescription, NodeHint } from 'n8n-workflow';
import { mailStoreBefore, mailStoreBeforeHint, mailStoreProperty } from '../host/store/mail-store-choice';
import { inOrder } from '../host/trigger/as-before';
import { contentOptions } from '../host/trigger/content-options';
import { likeBuiltInOption } from '../host/trigger/like-built-in';
import { OPTION_ORDER } from '../host/trigger/option-order';
import { outageOptions } from '../host/trigger/outage-options';
import { runOptions } from '../host/trigger/run-options';
import { startBefore, startHints, startOptions } from '../host/trigger/start';
import { eventProperties } from './properties/event';
import { filterProperties } from './properties/filters';
import { attachmentOptions, formatProperties, WITH_ATTACHMENTS } from './properties/format';
import { loginProperties } from './properties/login';
import { afterSuccessProperties, whenDeadOptions } from './properties/mail-action';
import { notificationProperties } from './properties/notifications';
import { maxResultsHint, pollingBefore, pollTimesHint, watchOptions } from './properties/watch-options';

/** What is waited for, below the node's name. */
export const subtitle =
  '={{ { labelAdded: "label added", messageSent: "message sent", starred: "starred" }[$parameter["event"]] || "message received" }}';

/** Pub/Sub calls it. Without push there is none: n8n registers no webhook without a method. */
export const pushWebhook: IWebhookDescription = {
  name: 'default',
  httpMethod: '={{ $parameter["notifications"] === "push" ? "POST" : "" }}',
  responseMode: 'onReceived',
  path: 'gmail-push',
  ndvHideUrl: '={{ $parameter["notifications"] !== "push" }}',
};

export const hints: NodeHint[] = [
  {
    message:
      'Only unread emails are taken. One that somebody reads before this trigger sees it does not run the workflow.',
    type: 'info',
    location: 'ndv',
    whenToDisplay: 'always',
    displayCondition: '={{ ($parameter["filters"] || {})["readStatus"] === "unread" }}',
  },
  {
    message:
      'After Success adds labels, and added labels start this workflow: a label that it watches runs it again for each mail, once.',
    type: 'warning',
    location: 'ndv',
    whenToDisplay: 'always',
    displayCondition:
      '={{ $parameter["event"] === "labelAdded" && [$parameter["postProcessAction"], ($parameter["options"] || {})["deadAction"]].includes("addLabels") }}',
  },
  ...startHints,
  maxResultsHint,
  pollTimesHint,
  mailStoreBeforeHint,
];

const likeBuiltIn = likeBuiltInOption(
  'Whether to do what the version of the built-in Gmail Trigger does that this node was made from, where no filter says otherwise: up to 1.1 it includes drafts, up to 1.2 sent mails, and up to 1.3 scheduled ones. Newer versions, and a node that was made here, do the same without this option.',
);

export const properties: INodeProperties[] = [
  ...loginProperties,
  ...eventProperties,
  ...formatProperties,
  ...afterSuccessProperties,
  ...filterProperties,
  ...notificationProperties,
  {
    displayName: 'Options',
    name: 'options',
    type: 'collection',
    placeholder: 'Add option',
    default: {},
    options: inOrder(
      [
        likeBuiltIn,
        ...startOptions('an account'),
        ...runOptions,
        ...watchOptions,
        ...outageOptions,
        ...contentOptions(WITH_ATTACHMENTS),
        ...attachmentOptions,
        ...whenDeadOptions,
        mailStoreProperty,
      ],
      OPTION_ORDER,
    ),
  },
  ...startBefore,
  ...pollingBefore,
  ...mailStoreBefore,
];
