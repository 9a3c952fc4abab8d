// Which mailboxes are watched.
import type { INodeProperties } from 'n8n-workflow';

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
];
