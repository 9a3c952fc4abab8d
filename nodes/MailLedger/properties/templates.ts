// What a person sets where templates of emails are looked at, saved or previewed.
import type { INodeProperties } from 'n8n-workflow';

const forTemplates = (...operation: string[]): NonNullable<INodeProperties['displayOptions']> => ({
  show: { resource: ['template'], operation },
});

export const templateProperties: INodeProperties[] = [
  {
    displayName: 'Operation',
    name: 'operation',
    type: 'options',
    noDataExpression: true,
    displayOptions: { show: { resource: ['template'] } },
    options: [
      { name: 'Get', value: 'get', action: 'Get a template', description: 'Get one template by its name' },
      {
        name: 'Get Many',
        value: 'getAll',
        action: 'Get many templates',
        description: 'Get all templates, in the order of their names',
      },
      {
        name: 'Preview',
        value: 'preview',
        action: 'Preview a template',
        description: 'Fill a template with values, without sending anything',
      },
      {
        name: 'Remove',
        value: 'remove',
        action: 'Remove a template',
        description: 'Delete a template. What is queued already is sent.',
      },
      {
        name: 'Save',
        value: 'save',
        action: 'Save a template',
        description: 'Make a new template, or replace the one of that name',
      },
    ],
    default: 'getAll',
  },
  {
    displayName: 'Name',
    name: 'templateName',
    type: 'string',
    required: true,
    default: '',
    placeholder: 'order-received',
    displayOptions: forTemplates('get', 'preview', 'remove', 'save'),
    description: 'What the template is called, up to 200 characters',
  },
  {
    displayName: 'Subject',
    name: 'templateSubject',
    type: 'string',
    default: '',
    placeholder: 'Your order {{order}}',
    displayOptions: forTemplates('save'),
    description: 'With places for values: a name in double braces',
  },
  {
    displayName: 'Text',
    name: 'templateText',
    type: 'string',
    typeOptions: { rows: 6 },
    default: '',
    displayOptions: forTemplates('save'),
    description: 'The email as plain text, with places for values. One of text and HTML is needed.',
  },
  {
    displayName: 'HTML',
    name: 'templateHtml',
    type: 'string',
    typeOptions: { rows: 6 },
    default: '',
    displayOptions: forTemplates('save'),
    description: 'The email as HTML, with places for values, which are put in as text',
  },
  {
    displayName: 'Values',
    name: 'templateValues',
    type: 'json',
    default: '{}',
    placeholder: '{ "name": "Ann" }',
    displayOptions: forTemplates('preview'),
    description: 'A value for each name in the template. One that is missing is an error.',
  },
];
