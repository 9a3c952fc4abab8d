// What a person sets where events are annotated.
import type { INodeProperties } from 'n8n-workflow';

const OPERATIONS = ['annotate', 'removeAnnotation'];

const forAnnotations: NonNullable<INodeProperties['displayOptions']> = {
  show: { resource: ['event'], operation: OPERATIONS },
};

const forWords: NonNullable<INodeProperties['displayOptions']> = {
  show: { resource: ['event'], operation: ['annotate'] },
};

/** @param idOfItem the event ID of the item itself, as an expression */
export const annotation = (idOfItem: string): INodeProperties[] => [
  {
    displayName: 'Events',
    name: 'annotated',
    type: 'options',
    noDataExpression: true,
    displayOptions: forAnnotations,
    options: [
      { name: 'By ID', value: 'ids', description: 'One event, or several by their IDs' },
      {
        name: "This Run's Email",
        value: 'run',
        description:
          'The email that the item comes from, in a workflow that begins with a Durable Mail trigger',
      },
    ],
    default: 'run',
    description: 'Which events it is about',
  },
  {
    displayName: 'Event IDs',
    name: 'eventIds',
    type: 'string',
    required: true,
    default: idOfItem,
    displayOptions: { show: { ...forAnnotations.show, annotated: ['ids'] } },
    description: 'One event ID, or several with commas between them',
  },
  {
    displayName: 'Name',
    name: 'annotationName',
    type: 'string',
    required: true,
    default: 'triage',
    displayOptions: forAnnotations,
    description: 'Whose word it is, up to 64 characters. It replaces what was noted under this name before.',
  },
  {
    displayName: 'Category',
    name: 'category',
    type: 'string',
    default: '',
    placeholder: 'invoice',
    displayOptions: forWords,
    description: 'What the email is, up to 64 characters. The console and Get Many can filter by it.',
  },
  {
    displayName: 'Priority',
    name: 'priority',
    type: 'string',
    default: '',
    placeholder: 'high',
    displayOptions: forWords,
    description: 'Up to 32 characters. The console and Get Many can filter by it.',
  },
  {
    displayName: 'Summary',
    name: 'summary',
    type: 'string',
    typeOptions: { rows: 3 },
    default: '',
    displayOptions: forWords,
    description: 'What is in the email, in a few words. What goes beyond 2,000 characters is cut off.',
  },
  {
    displayName: 'Data',
    name: 'data',
    type: 'json',
    default: '',
    placeholder: '{ "order": 7 }',
    displayOptions: forWords,
    description: 'Anything else, as JSON, up to 8 KB',
  },
];
