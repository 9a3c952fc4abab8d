// What the node asks of a person in n8n's editor, and tells. Parameters that the built-in Email Trigger (IMAP)
// has too keep its names and values, so that its settings can be pasted.
import type { INodeProperties, NodeHint } from 'n8n-workflow';
import { mailStoreProperty } from '../host/mail-store';
import { contentOptions } from '../host/trigger/content-options';
import { byName, onceNotice } from '../host/trigger/editor';
import { outageOptions } from '../host/trigger/outage-options';
import { runOptions } from '../host/trigger/run-options';
import { startProperties } from '../host/trigger/start';
import { filterProperties } from './properties/filters';
import { formatProperties } from './properties/format';
import { loginProperties } from './properties/login';
import { afterSuccessProperties, whenDeadOptions } from './properties/mail-action';
import { mailboxProperties } from './properties/mailboxes';
import { watchOptions } from './properties/watch-options';

/** What is watched, below the node's name. */
export const subtitle =
  '={{ { several: ($parameter["mailboxList"] || []).join(", "), pattern: $parameter["mailboxPattern"] }[$parameter["mailboxes"]] || $parameter["mailbox"] }}';

export const hints: NodeHint[] = [
  {
    message:
      'Only unread emails are taken. One that somebody reads before this trigger sees it does not run the workflow.',
    type: 'info',
    location: 'ndv',
    whenToDisplay: 'always',
    displayCondition:
      '={{ String(($parameter["options"] || {})["customEmailConfig"] || "").includes(\'"UNSEEN"\') || ($parameter["filters"] || {})["unreadOnly"] === true }}',
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
];

export const properties: INodeProperties[] = [
  ...loginProperties,
  mailStoreProperty,
  onceNotice,
  ...mailboxProperties,
  ...startProperties('a mailbox'),
  ...formatProperties,
  ...afterSuccessProperties,
  ...filterProperties,
  {
    displayName: 'Options',
    name: 'options',
    type: 'collection',
    placeholder: 'Add option',
    default: {},
    options: [
      ...runOptions,
      ...watchOptions,
      ...outageOptions,
      ...contentOptions({ show: { '/format': ['simple', 'resolved'] } }),
      ...whenDeadOptions,
    ].sort(byName),
  },
];
