// Which mails are taken. The names and values are the built-in trigger's, where it has them.
import type { INodeProperties } from 'n8n-workflow';
import { labelsProperty } from './event';

/** A mail that the account has sent is what "Message Sent" is about. */
const UNLESS_SENT = { hide: { '/event': ['messageSent'] } };

export const filterProperties: INodeProperties[] = [
  {
    displayName: 'Filters',
    name: 'filters',
    type: 'collection',
    placeholder: 'Add Filter',
    default: {},
    description: 'Only mails that fit all of these run the workflow. The others are left alone.',
    options: [
      {
        displayName: 'Include Drafts',
        name: 'includeDrafts',
        type: 'boolean',
        default: false,
        description: 'Whether to include email drafts. A draft that is changed is another mail for Gmail.',
      },
      {
        displayName: 'Include Scheduled',
        name: 'includeScheduled',
        type: 'boolean',
        default: false,
        description: 'Whether to include mails that are scheduled to be sent later',
      },
      {
        displayName: 'Include Sent',
        name: 'includeSent',
        type: 'boolean',
        default: false,
        displayOptions: UNLESS_SENT,
        description:
          'Whether to include mails that the account has sent. Mails to oneself, in the inbox, are always included.',
      },
      {
        displayName: 'Include Spam and Trash',
        name: 'includeSpamTrash',
        type: 'boolean',
        default: false,
        description: 'Whether to include messages from SPAM and TRASH in the results',
      },
      {
        displayName: 'Label Match',
        name: 'labelMatch',
        type: 'options',
        options: [
          { name: 'All of the Labels', value: 'all' },
          { name: 'Any of the Labels', value: 'any' },
        ],
        default: 'all',
        description: 'How many of the chosen labels a mail must have. Without this filter: all of them.',
      },
      labelsProperty({
        displayName: 'Label Names or IDs',
        name: 'labelIds',
        description:
          'Only messages with these labels. Choose from the list, or specify IDs using an <a href="https://docs.n8n.io/code/expressions/">expression</a>.',
      }),
      {
        displayName: 'Read Status',
        name: 'readStatus',
        type: 'options',
        options: [
          { name: 'Read Emails Only', value: 'read' },
          { name: 'Unread and Read Emails', value: 'both' },
          { name: 'Unread Emails Only', value: 'unread' },
        ],
        default: 'unread',
        description: 'Whether the mail has been read by the time the trigger sees it',
      },
      {
        displayName: 'Search',
        name: 'q',
        type: 'string',
        default: '',
        placeholder: 'has:attachment',
        hint: 'Use the same format as in the Gmail search box. <a href="https://support.google.com/mail/answer/7190?hl=en">More info</a>.',
        description: 'Only messages that match this search. Gmail judges it.',
      },
      {
        displayName: 'Sender',
        name: 'sender',
        type: 'string',
        default: '',
        placeholder: '@example.com',
        description:
          "What the sender's name or address contains, in any case; or a regular expression between slashes: <code>/@example\\.(com|org)/i</code>",
      },
    ],
  },
];
