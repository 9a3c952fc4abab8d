// Which mailboxes are watched.
import type { INodeProperties, INodePropertyMode, NodeHint } from 'n8n-workflow';
import { asBeforeHint, carried } from '../../host/trigger/as-before';

/** How a mailbox is chosen that stands for several. */
export const BY_PATTERN = 'pattern';
export const MORE_MAILBOXES = 'moreMailboxes';

/** A mailbox by its name, or from the server's list. The name is stored either way; a bare text is taken, too. */
export const mailboxLocator = (
  property: Pick<INodeProperties, 'displayName' | 'name' | 'default' | 'description' | 'displayOptions'>,
  modes: INodePropertyMode[] = [],
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
    ...modes,
  ],
});

/**
 * By name at first: of one that was chosen from the list the editor looks, whenever another credential is chosen, whether
 * that has it, and empties the field if it cannot find out.
 */
export const mailboxProperties: INodeProperties[] = [
  mailboxLocator(
    {
      displayName: 'Mailbox Name',
      name: 'mailbox',
      default: { mode: 'name', value: 'INBOX' },
      description:
        'The mailbox (folder) to watch, as the server names it. By Pattern: all whose names fit, also those that are made later; <code>*</code> stands for anything, and <code>%</code> for anything within one level: <code>Orders/%</code> has Orders/2026, but not Orders/2026/May.',
    },
    [{ displayName: 'By Pattern', name: BY_PATTERN, type: 'string', placeholder: 'Orders/*' }],
  ),
];

/** Among the options. */
export const moreMailboxesOption: INodeProperties = {
  displayName: 'More Mailboxes',
  name: MORE_MAILBOXES,
  type: 'multiOptions',
  typeOptions: { loadOptionsMethod: 'getMailboxes' },
  default: [],
  description:
    'Mailboxes (folders) to watch besides the one above. The mailboxes of an account share a few connections: with more mailboxes than that they are looked at in turn, and an email may be found a little later. Choose from the list, or specify names using an <a href="https://docs.n8n.io/code/expressions/">expression</a>.',
};

/** How several were watched once. */
export const mailboxesBefore: INodeProperties[] = carried([
  { name: 'mailboxes', default: 'one' },
  { name: 'mailboxList', default: [] },
  { name: 'mailboxPattern', default: '' },
]);

export const mailboxesHint: NodeHint = asBeforeHint({
  what: 'It watches the mailboxes, or the pattern of mailboxes, that were set in an older version of this node (see below its name in the workflow), and not <b>Mailbox Name</b>.',
  option: 'More Mailboxes',
  optionName: MORE_MAILBOXES,
  counts: `["several", "pattern"].includes($parameter["mailboxes"])`,
});
