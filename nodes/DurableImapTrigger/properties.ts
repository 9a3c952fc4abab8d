// What the node asks of a person in n8n's editor, and tells. Parameters that the built-in Email Trigger (IMAP)
// has too keep its names.
import type { INodeProperties, INodeTypeDescription } from 'n8n-workflow';
import { DEFAULT_RETRY_SCHEDULE } from '../../engine/delivery/retry-schedule';

export const triggerPanel: NonNullable<INodeTypeDescription['triggerPanel']> = {
  header: '',
  executionsHelp: {
    inactive:
      "<b>While building your workflow</b>, click 'Execute step': it shows the newest email in the mailbox and changes nothing.<br /><br /><b>Once you're happy with your workflow</b>, publish it. Then every new email starts it, and shows up in the <a data-key='executions'>executions list</a>.",
    active:
      "<b>While building your workflow</b>, click 'Execute step': it shows the newest email in the mailbox and changes nothing.<br /><br /><b>Your workflow also runs by itself</b>, since it is published: every new email starts it, and shows up in the <a data-key='executions'>executions list</a>.",
  },
  activationHint:
    "Once you've finished building your workflow, publish it. From then on every new email starts it, also those that arrive while n8n is down.",
};

export const properties: INodeProperties[] = [
  {
    displayName: 'Authentication',
    name: 'authentication',
    type: 'options',
    options: [
      {
        name: 'IMAP',
        value: 'imap',
        description: "n8n's own credential: the one that the Email Trigger (IMAP) uses",
      },
      {
        name: 'Durable IMAP',
        value: 'durableImap',
        description: 'The same, with a test that says what is wrong: host, port, encryption or login',
      },
    ],
    default: 'imap',
    description: 'Which kind of credential to log in with',
  },
  {
    displayName:
      'Every email is kept until its run has succeeded. A run that fails is tried again from its start: a step that must not be done twice can check <code>delivery.idempotencyKey</code>.',
    name: 'notice',
    type: 'notice',
    default: '',
  },
  {
    displayName: 'Mailbox Name',
    name: 'mailbox',
    type: 'string',
    default: 'INBOX',
    required: true,
    description: 'The mailbox (folder) to watch, as the server names it',
  },
  {
    displayName: 'Download Attachments',
    name: 'downloadAttachments',
    type: 'boolean',
    default: true,
    description: 'Whether the attachments of the email are handed to the workflow as binary data',
  },
  {
    displayName: 'Property Prefix Name',
    name: 'dataPropertyAttachmentsPrefixName',
    type: 'string',
    default: 'attachment_',
    displayOptions: { show: { downloadAttachments: [true] } },
    description:
      'Prefix for the name of the binary property of each attachment. A number is added: with "attachment_" the first attachment is "attachment_0".',
  },
  {
    displayName: 'Options',
    name: 'options',
    type: 'collection',
    placeholder: 'Add option',
    default: {},
    options: [
      {
        displayName: 'Retry After',
        name: 'retrySchedule',
        type: 'string',
        default: DEFAULT_RETRY_SCHEDULE,
        description:
          'How long to wait before each retry of a run that failed, separated by commas. After the last one the email is set aside as dead. Leave empty for no retries.',
      },
      {
        displayName: 'Runs at Once',
        name: 'mostInFlight',
        type: 'number',
        typeOptions: { minValue: 1, maxValue: 100 },
        default: 5,
        description:
          'How many emails this workflow works on at the same time. The others wait in the ledger.',
      },
    ],
  },
];
