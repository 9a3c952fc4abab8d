// Which emails are taken, without writing rules.
import type { INodeProperties } from 'n8n-workflow';
import { LARGER_THAN, SMALLER_THAN } from '../settings/numbers';

const TEXT_HINT = 'in any case; or a regular expression between slashes';

export const filterProperties: INodeProperties[] = [
  {
    displayName: 'Filters',
    name: 'filters',
    type: 'collection',
    placeholder: 'Add filter',
    default: {},
    description: 'Only emails that fit all of these run the workflow. The others are left alone.',
    options: [
      {
        displayName: 'From',
        name: 'from',
        type: 'string',
        default: '',
        placeholder: '@example.com',
        description: `What the sender's name or address contains, ${TEXT_HINT}: <code>/@example\\.(com|org)/i</code>`,
      },
      {
        displayName: 'Has Attachment',
        name: 'hasAttachment',
        type: 'options',
        options: [
          { name: 'Any', value: 'any' },
          { name: 'No', value: 'no' },
          { name: 'Yes', value: 'yes' },
        ],
        default: 'any',
        description: 'Whether the email comes with an attachment. Images within its text are none.',
      },
      {
        displayName: 'Larger Than (KB)',
        name: 'largerThan',
        type: 'number',
        typeOptions: { minValue: LARGER_THAN.least, maxValue: LARGER_THAN.most },
        default: 100,
        description: 'The size of the whole email, attachments included',
      },
      {
        displayName: 'Smaller Than (KB)',
        name: 'smallerThan',
        type: 'number',
        typeOptions: { minValue: 0, maxValue: SMALLER_THAN.most },
        default: 10_240,
        description: 'The size of the whole email, attachments included',
      },
      {
        displayName: 'Subject',
        name: 'subject',
        type: 'string',
        default: '',
        placeholder: 'Order',
        description: `What the subject contains, ${TEXT_HINT}: <code>/^order \\d+/i</code>`,
      },
      {
        displayName: 'To',
        name: 'to',
        type: 'string',
        default: '',
        placeholder: 'sales@',
        description: `What the names or addresses in To and Cc contain, ${TEXT_HINT}`,
      },
      {
        displayName: 'Unread Only',
        name: 'unreadOnly',
        type: 'boolean',
        default: true,
        description: 'Whether to pass over an email that somebody has read before the trigger sees it',
      },
    ],
  },
];
