// What the node asks of a person in n8n's editor, and tells. Parameters that the built-in Email Trigger (IMAP)
// has too keep its names.
import type { INodeProperties, INodeTypeDescription } from 'n8n-workflow';
import { DEFAULT_RETRY_SCHEDULE } from '../../engine/delivery/retry-schedule';
import { mailStoreProperty } from '../host/mail-store';

/** What the options that are numbers are where nobody set them. */
export const DEFAULTS = {
  mostInFlight: 5,
  mailsPerRun: 1,
  startWithin: 5,
  keepContentDays: 0,
  keepEventsDays: 90,
  storeUpTo: 50,
} as const;

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
  mailStoreProperty,
  {
    displayName:
      'Every email is kept until its run has succeeded. A run that fails is tried again from its start: put a <b>Run Once</b> node before a step that must not be done twice.',
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
        displayName: 'Guarantee',
        name: 'guarantee',
        type: 'options',
        options: [
          {
            name: 'At Least Once',
            value: 'atLeastOnce',
            description: 'A run that failed, or was cut off, is tried again',
          },
          {
            name: 'At Most Once',
            value: 'atMostOnce',
            description:
              'An email whose run has begun is never run again by itself: it is set aside if the run fails or is cut off',
          },
        ],
        default: 'atLeastOnce',
        description: 'Whether an email may run again when its run did not end well',
      },
      {
        displayName: 'Keep Content For (Days)',
        name: 'keepContentDays',
        type: 'number',
        typeOptions: { minValue: 0, maxValue: 3650 },
        default: DEFAULTS.keepContentDays,
        description:
          'How long the ledger keeps the content of an email after its run succeeded, so that it can be run again without the mail server. 0: not at all.',
      },
      {
        displayName: 'Keep Events For (Days)',
        name: 'keepEventsDays',
        type: 'number',
        typeOptions: { minValue: 1, maxValue: 3650 },
        default: DEFAULTS.keepEventsDays,
        description:
          'How long the ledger keeps what became of an email, dead ones included. Afterwards it only knows that the email was there, so that it never runs again.',
      },
      {
        displayName: 'Mails per Run',
        name: 'mailsPerRun',
        type: 'number',
        typeOptions: { minValue: 1, maxValue: 100 },
        default: DEFAULTS.mailsPerRun,
        description:
          'How many waiting emails one execution may take together, one item each. If it fails, each of them is tried again by itself.',
      },
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
        default: DEFAULTS.mostInFlight,
        description:
          'How many executions this workflow has at the same time. The other emails wait in the ledger.',
      },
      {
        displayName: 'Start Within (Minutes)',
        name: 'startWithin',
        type: 'number',
        typeOptions: { minValue: 0.5, maxValue: 1440, numberPrecision: 1 },
        default: DEFAULTS.startWithin,
        description:
          'How long n8n may take to start an execution. After that it counts as lost on the way, as in a Redis that was emptied, and the email is handed to n8n again.',
      },
      {
        displayName: 'Store Mails Up To (MB)',
        name: 'storeUpTo',
        type: 'number',
        typeOptions: { minValue: 0, maxValue: 200 },
        default: DEFAULTS.storeUpTo,
        description:
          'Larger emails are not stored in the ledger; they are read again from the mail server when they run',
      },
    ],
  },
];
