// What may be done with a mail in Gmail when its run has ended: after success, and when its tries are used up.
import type { INodeProperties, INodePropertyOptions } from 'n8n-workflow';
import { labelsProperty } from './event';

const ACTIONS: INodePropertyOptions[] = [
  { name: 'Add Labels', value: 'addLabels' },
  { name: 'Archive', value: 'archive', description: 'Take it out of the inbox' },
  { name: 'Mark as Read', value: 'read' },
  { name: 'Move to Trash', value: 'trash', description: 'Gmail deletes it for good after 30 days' },
  { name: 'Nothing', value: 'nothing' },
  { name: 'Remove Labels', value: 'removeLabels' },
];

const LABELS_HELP =
  'Choose from the list, or specify IDs using an <a href="https://docs.n8n.io/code/expressions/">expression</a>.';

export const afterSuccessProperties: INodeProperties[] = [
  {
    displayName: 'After Success',
    name: 'postProcessAction',
    type: 'options',
    noDataExpression: true,
    options: ACTIONS,
    default: 'nothing',
    description:
      'What to do with a mail in Gmail when its run has succeeded, never before. A run that a Wait node puts aside counts as succeeded. If Gmail is away, it is done later.',
  },
  {
    ...labelsProperty(
      { displayName: 'Success Label Names or IDs', name: 'successLabels', description: LABELS_HELP },
      {
        displayOptions: { show: { postProcessAction: ['addLabels', 'removeLabels'] } },
        list: 'getLabelsToChange',
      },
    ),
    required: true,
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
      'What to do with a mail in Gmail when its last try has failed. Where labels are needed, add that option, too.',
  },
  labelsProperty(
    { displayName: 'When Dead: Label Names or IDs', name: 'deadLabels', description: LABELS_HELP },
    {
      displayOptions: { show: { deadAction: ['addLabels', 'removeLabels'] } },
      list: 'getLabelsToChange',
    },
  ),
];
