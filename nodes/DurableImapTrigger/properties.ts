// What the node asks of a person in n8n's editor, and tells. Parameters that the built-in Email Trigger (IMAP)
// has too keep its names and values, so that its settings can be pasted.
import type { INodeProperties, NodeHint } from 'n8n-workflow';
import { mailStoreBefore, mailStoreBeforeHint, mailStoreProperty } from '../host/store/mail-store-choice';
import { inOrder } from '../host/trigger/as-before';
import { contentOptions } from '../host/trigger/content-options';
import { likeBuiltInOption } from '../host/trigger/like-built-in';
import { OPTION_ORDER } from '../host/trigger/option-order';
import { outageOptions } from '../host/trigger/outage-options';
import { runOptions } from '../host/trigger/run-options';
import { startBefore, startHints, startOptions } from '../host/trigger/start';
import { filterProperties } from './properties/filters';
import { formatProperties, prefixBefore, prefixHint } from './properties/format';
import { loginProperties } from './properties/login';
import { afterSuccessProperties, whenDeadOptions } from './properties/mail-action';
import {
  mailboxesBefore,
  mailboxesHint,
  mailboxProperties,
  moreMailboxesOption,
} from './properties/mailboxes';
import { watchOptions } from './properties/watch-options';

/** What is watched, below the node's name. */
export const subtitle =
  '={{ (($parameter["options"] || {})["moreMailboxes"] ? "" : { several: ($parameter["mailboxList"] || []).join(", "), pattern: $parameter["mailboxPattern"] }[$parameter["mailboxes"]]) || [$parameter["mailbox"]].concat(($parameter["options"] || {})["moreMailboxes"] || []).join(", ") }}';

export const hints: NodeHint[] = [
  {
    message:
      'Only unread emails are taken. One that somebody reads before this trigger sees it does not run the workflow.',
    type: 'info',
    location: 'ndv',
    whenToDisplay: 'always',
    displayCondition:
      '={{ String(($parameter["options"] || {})["customEmailConfig"] || "").includes(\'"UNSEEN"\') || ($parameter["filters"] || {})["unreadOnly"] === true || (($parameter["options"] || {})["likeBuiltIn"] === true && !($parameter["options"] || {})["customEmailConfig"]) }}',
  },
  {
    message:
      'Emails whose tries are used up are deleted from the server for good: nobody can look into what went wrong with them.',
    type: 'warning',
    location: 'ndv',
    whenToDisplay: 'always',
    displayCondition: '={{ ($parameter["options"] || {})["deadAction"] === "delete" }}',
  },
  {
    message:
      'Emails are moved to another mailbox. A workflow that watches that mailbox takes them for new ones, unless the server tells that they are the same.',
    type: 'info',
    location: 'ndv',
    whenToDisplay: 'always',
    displayCondition:
      '={{ [$parameter["postProcessAction"], ($parameter["options"] || {})["deadAction"]].includes("move") }}',
  },
  ...startHints,
  mailboxesHint,
  prefixHint,
  mailStoreBeforeHint,
];

const likeBuiltIn = likeBuiltInOption(
  'Whether to do what the built-in Email Trigger (IMAP) does where nothing else is chosen: take unread emails only, mark them as read (after success, not before), and leave alone what is shown within the text when attachments are downloaded',
);

export const properties: INodeProperties[] = [
  ...loginProperties,
  ...mailboxProperties,
  ...formatProperties,
  ...afterSuccessProperties,
  ...filterProperties,
  {
    displayName: 'Options',
    name: 'options',
    type: 'collection',
    placeholder: 'Add option',
    default: {},
    options: inOrder(
      [
        likeBuiltIn,
        moreMailboxesOption,
        ...startOptions('a mailbox'),
        ...runOptions,
        ...watchOptions,
        ...outageOptions,
        ...contentOptions({ show: { '/format': ['simple', 'resolved'] } }),
        ...whenDeadOptions,
        mailStoreProperty,
      ],
      OPTION_ORDER,
    ),
  },
  ...mailboxesBefore,
  ...startBefore,
  ...prefixBefore,
  ...mailStoreBefore,
];
