// Which mailboxes are watched, and where a new trigger begins in them.
import type { INodeProperties } from 'n8n-workflow';
import { START_COUNT } from '../settings/numbers';

/** A mailbox by its name, or from the server's list. The name is stored either way; a bare text is taken, too. */
export const mailboxLocator = (
  property: Pick<INodeProperties, 'displayName' | 'name' | 'default' | 'description' | 'displayOptions'>,
): INodeProperties => ({
  ...property,
  type: 'resourceLocator',
  required: true,
  modes: [
    {
      displayName: 'From List',
      name: 'list',
      type: 'list',
      typeOptions: { searchListMethod: 'searchMailboxes', searchable: true },
    },
    { displayName: 'By Name', name: 'name', type: 'string', placeholder: 'INBOX' },
  ],
});

export const mailboxProperties: INodeProperties[] = [
  {
    displayName: 'Watch',
    name: 'mailboxes',
    type: 'options',
    noDataExpression: true,
    options: [
      { name: 'One Mailbox', value: 'one' },
      { name: 'Several Mailboxes', value: 'several' },
      {
        name: 'Mailboxes by Pattern',
        value: 'pattern',
        description: 'All whose name fits, also those that are made later',
      },
    ],
    default: 'one',
    description: 'Which mailboxes (folders) to watch',
  },
  mailboxLocator({
    displayName: 'Mailbox Name',
    name: 'mailbox',
    default: { mode: 'list', value: 'INBOX', cachedResultName: 'INBOX' },
    displayOptions: { show: { mailboxes: ['one'] } },
    description: 'The mailbox (folder) to watch, as the server names it',
  }),
  {
    displayName: 'Mailbox Names',
    name: 'mailboxList',
    type: 'multiOptions',
    typeOptions: { loadOptionsMethod: 'getMailboxes', loadOptionsDependsOn: ['authentication'] },
    default: [],
    required: true,
    displayOptions: { show: { mailboxes: ['several'] } },
    description: 'The mailboxes (folders) to watch',
  },
  {
    displayName: 'Mailbox Pattern',
    name: 'mailboxPattern',
    type: 'string',
    default: '',
    required: true,
    placeholder: 'Orders/*',
    displayOptions: { show: { mailboxes: ['pattern'] } },
    description:
      'Names of mailboxes, where <code>*</code> stands for anything, and <code>%</code> for anything within one level: <code>Orders/%</code> has Orders/2026, but not Orders/2026/May',
  },
  {
    displayName:
      'The mailboxes of an account share a few connections. With more mailboxes than that, they are looked at in turn, and an email may be found a little later.',
    name: 'mailboxesNotice',
    type: 'notice',
    default: '',
    displayOptions: { show: { mailboxes: ['several', 'pattern'] } },
  },
  {
    displayName: 'Start With',
    name: 'start',
    type: 'options',
    noDataExpression: true,
    options: [
      { name: 'New Mail Only', value: 'new', description: 'What arrives after the workflow was published' },
      {
        name: 'The Last …',
        value: 'last',
        description: 'The newest emails that are there, and all new ones',
      },
      {
        name: 'Since a Date',
        value: 'since',
        description: 'What the server received since then, and all new ones',
      },
      { name: 'Everything', value: 'everything', description: 'All that is there, and all new ones' },
    ],
    default: 'new',
    description:
      'Where to begin in a mailbox that this node has not watched before. Afterwards it goes on where it stopped.',
  },
  {
    displayName: 'How Many',
    name: 'startCount',
    type: 'number',
    typeOptions: { minValue: START_COUNT.least, maxValue: START_COUNT.most },
    default: START_COUNT.default,
    required: true,
    displayOptions: { show: { start: ['last'] } },
    description: 'How many of the emails that are there to begin with',
  },
  {
    displayName: 'Since',
    name: 'startDate',
    type: 'dateTime',
    default: '',
    required: true,
    displayOptions: { show: { start: ['since'] } },
    description: 'When the server received the first email to take, in the time zone of the workflow',
  },
  {
    displayName:
      'Every email that is there runs the workflow once, the newest first. Limit them with <b>Filters</b>, and how many run at a time with the option <b>Runs at Once</b>.',
    name: 'startNotice',
    type: 'notice',
    default: '',
    displayOptions: { show: { start: ['since', 'everything'] } },
  },
];
