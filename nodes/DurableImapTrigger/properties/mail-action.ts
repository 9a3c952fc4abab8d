// What may be done with a mail on its server when its run has ended: after success, and when its tries are used up.
import type { INodeProperties, INodePropertyOptions } from 'n8n-workflow';
import { mailboxLocator } from './mailboxes';

const NOTHING_CHOSEN = { mode: 'list', value: '' };

const ACTIONS: INodePropertyOptions[] = [
  {
    name: 'Add Keyword',
    value: 'keyword',
    description: 'Add a keyword of yours (a tag, in some mail programs)',
  },
  { name: 'Copy', value: 'copy', description: 'Copy it to another mailbox' },
  {
    name: 'Delete',
    value: 'delete',
    description:
      'Delete it from the server for good. Gmail only archives it, unless its settings say otherwise.',
  },
  { name: 'Flag', value: 'flag', description: 'Flag it as important (a star, in some mail programs)' },
  { name: 'Mark as Read', value: 'read' },
  { name: 'Move', value: 'move', description: 'Move it to another mailbox' },
  { name: 'Nothing', value: 'nothing' },
];

export const afterSuccessProperties: INodeProperties[] = [
  {
    displayName: 'After Success',
    name: 'postProcessAction',
    type: 'options',
    noDataExpression: true,
    // n8n stores no default: what the built-in trigger does by default could not be told from a choice otherwise.
    options: [
      {
        name: 'Nothing by Default',
        value: 'default',
        description: 'Mark as Read, if the option "Behave Like the Built-in" is on',
      },
      ...ACTIONS,
    ],
    default: 'default',
    description:
      'What to do with an email on the server when its run has succeeded, never before. A run that a Wait node puts aside counts as succeeded. If the server is away, it is done later.',
  },
  {
    displayName: 'Keyword',
    name: 'successKeyword',
    type: 'string',
    default: '',
    required: true,
    placeholder: 'Processed',
    displayOptions: { show: { postProcessAction: ['keyword'] } },
    description: 'One word, without spaces',
  },
  mailboxLocator({
    displayName: 'To Mailbox',
    name: 'successMailbox',
    default: NOTHING_CHOSEN,
    displayOptions: { show: { postProcessAction: ['move', 'copy'] } },
    description: 'The mailbox has to be there: it is not created',
  }),
  {
    displayName:
      'The email is deleted for good when its run has succeeded, also if another program or n8n instance has not seen it yet. If you may want it back, move it to a mailbox of its own instead.',
    name: 'deleteNotice',
    type: 'notice',
    default: '',
    displayOptions: { show: { postProcessAction: ['delete'] } },
  },
];

/** Among the options. */
export const whenDeadOptions: INodeProperties[] = [
  {
    displayName: 'When Dead',
    name: 'deadAction',
    type: 'options',
    noDataExpression: true,
    options: ACTIONS,
    default: 'nothing',
    description:
      'What to do with an email on the server when its last try has failed. Where a keyword or a mailbox is needed, add that option, too.',
  },
  {
    displayName: 'When Dead: Keyword',
    name: 'deadKeyword',
    type: 'string',
    default: '',
    placeholder: 'Failed',
    displayOptions: { show: { deadAction: ['keyword'] } },
    description: 'One word, without spaces',
  },
  {
    ...mailboxLocator({
      displayName: 'When Dead: To Mailbox',
      name: 'deadMailbox',
      default: NOTHING_CHOSEN,
      displayOptions: { show: { deadAction: ['move', 'copy'] } },
      description: 'The mailbox has to be there: it is not created',
    }),
    required: false,
  },
];
