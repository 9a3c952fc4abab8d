// What the node asks of a person in n8n's editor, and tells. Parameters that the built-in Email Trigger (IMAP)
// has too keep its names and values, so that its settings can be pasted.
import type { INodeProperties, INodeTypeDescription, NodeHint } from 'n8n-workflow';
import { mailStoreProperty } from '../host/mail-store';
import { contentOptions } from './properties/content-options';
import { filterProperties } from './properties/filters';
import { formatProperties } from './properties/format';
import { loginProperties } from './properties/login';
import { afterSuccessProperties, whenDeadOptions } from './properties/mail-action';
import { mailboxProperties } from './properties/mailboxes';
import { runOptions } from './properties/run-options';
import { watchOptions } from './properties/watch-options';

const TEST_HELP =
  "<b>While building your workflow</b>, click 'Execute step': it shows the newest email that fits, and changes nothing.<br /><br />";

export const triggerPanel: NonNullable<INodeTypeDescription['triggerPanel']> = {
  header: '',
  executionsHelp: {
    inactive: `${TEST_HELP}<b>Once you're happy with your workflow</b>, publish it. Then every new email starts it, and shows up in the <a data-key='executions'>executions list</a>.`,
    active: `${TEST_HELP}<b>Your workflow also runs by itself</b>, since it is published: every new email starts it, and shows up in the <a data-key='executions'>executions list</a>.`,
  },
  activationHint:
    "Once you've finished building your workflow, publish it. From then on every new email starts it, also those that arrive while n8n is down.",
};

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

const byName = (a: INodeProperties, b: INodeProperties): number =>
  a.displayName.localeCompare(b.displayName, 'en');

export const properties: INodeProperties[] = [
  ...loginProperties,
  mailStoreProperty,
  {
    displayName:
      'Every email is kept until its run has succeeded. A run that fails is tried again from its start: put a <b>Run Once</b> node before a step that must not be done twice.',
    name: 'notice',
    type: 'notice',
    default: '',
  },
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
    options: [...runOptions, ...watchOptions, ...contentOptions, ...whenDeadOptions].sort(byName),
  },
];
