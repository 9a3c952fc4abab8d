// What makes a mail run the workflow.
import type { IDisplayOptions, INodeProperties } from 'n8n-workflow';

/** Labels of the account, by their ids; chosen from a list, or given by an expression. */
export const labelsProperty = (
  property: Pick<INodeProperties, 'displayName' | 'name' | 'description'>,
  { displayOptions, list = 'getLabels' }: { displayOptions?: IDisplayOptions; list?: string } = {},
): INodeProperties => ({
  ...property,
  type: 'multiOptions',
  typeOptions: { loadOptionsMethod: list, loadOptionsDependsOn: ['authentication'] },
  default: [],
  ...(displayOptions && { displayOptions }),
});

export const eventProperties: INodeProperties[] = [
  {
    displayName: 'Event',
    name: 'event',
    type: 'options',
    noDataExpression: true,
    options: [
      {
        name: 'Label Added',
        value: 'labelAdded',
        description: 'A label was put on a mail, by a filter, a person or a program',
      },
      { name: 'Message Received', value: 'messageReceived', description: 'A mail has arrived' },
      { name: 'Message Sent', value: 'messageSent', description: 'The account has sent a mail' },
      { name: 'Starred', value: 'starred', description: 'A mail was given a star' },
    ],
    default: 'messageReceived',
    description: 'What starts the workflow: once for each mail, or for each mail and label',
  },
  labelsProperty(
    {
      displayName: 'Added Label Names or IDs',
      name: 'eventLabels',
      description:
        'Any of these labels starts the workflow when it is added. Leave empty for all labels of your own. Choose from the list, or specify IDs using an <a href="https://docs.n8n.io/code/expressions/">expression</a>.',
    },
    { displayOptions: { show: { event: ['labelAdded'] } } },
  ),
];
