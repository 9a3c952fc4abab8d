// What the email is: the fields of n8n's own Send Email node, by the same names, and a template in the place of its texts.
import type { INodeProperties } from 'n8n-workflow';

const FIELDS = { contentFrom: ['fields'] };
const TEMPLATE = { contentFrom: ['template'] };

const FORMATS = [
  { name: 'Text', value: 'text', description: 'Send email as plain text' },
  { name: 'HTML', value: 'html', description: 'Send email as HTML' },
  {
    name: 'Both',
    value: 'both',
    description: "Send both formats, recipient's client selects version to display",
  },
];

/** Version 2 of the built-in node has another default, and n8n stores none. */
const formatOf = (
  condition: NonNullable<INodeProperties['displayOptions']>,
  format: string,
): INodeProperties => ({
  displayName: 'Email Format',
  name: 'emailFormat',
  type: 'options',
  options: FORMATS,
  default: format,
  displayOptions: condition,
});

export const emailProperties: INodeProperties[] = [
  {
    displayName: 'From Email',
    name: 'fromEmail',
    type: 'string',
    default: '',
    required: true,
    placeholder: 'admin@example.com',
    description: 'Email address of the sender. You can also specify a name: Nathan Doe &lt;nate@n8n.io&gt;.',
  },
  {
    displayName: 'To Email',
    name: 'toEmail',
    type: 'string',
    default: '',
    required: true,
    placeholder: 'info@example.com',
    description:
      'Email address of the recipient. You can also specify a name: Nathan Doe &lt;nate@n8n.io&gt;. Several are separated by commas.',
  },
  {
    displayName: 'Content',
    name: 'contentFrom',
    type: 'options',
    noDataExpression: true,
    options: [
      { name: 'Entered Here', value: 'fields', description: 'Subject and texts are fields of this node' },
      {
        name: 'Template',
        value: 'template',
        description: 'Subject and texts come from a template in the mail ledger, with values filled in',
      },
    ],
    default: 'fields',
    description: 'Where subject and texts come from',
  },
  {
    displayName: 'Template Name or ID',
    name: 'template',
    type: 'options',
    typeOptions: { loadOptionsMethod: 'templateNames' },
    default: '',
    required: true,
    displayOptions: { show: TEMPLATE },
    description:
      'Templates are kept in the mail ledger: make them in the Mail Console, or with the Mail Ledger node. Choose from the list, or specify an ID using an <a href="https://docs.n8n.io/code/expressions/">expression</a>.',
  },
  {
    displayName: 'Values',
    name: 'templateValues',
    type: 'json',
    default: '={{ $json }}',
    displayOptions: { show: TEMPLATE },
    description:
      'What stands for each {{name}} in the template: an object, by default the item. One that is missing is an error, and nothing is sent. In the HTML they are escaped.',
  },
  {
    displayName: 'Subject',
    name: 'subject',
    type: 'string',
    default: '',
    placeholder: 'My subject line',
    displayOptions: { show: FIELDS },
    description:
      'Subject line of the email. Empty, and the email answers one: "Re:" and the subject of that one.',
  },
  formatOf({ show: FIELDS, hide: { '@version': [2] } }, 'html'),
  formatOf({ show: { ...FIELDS, '@version': [2] } }, 'text'),
  {
    displayName: 'Text',
    name: 'text',
    type: 'string',
    typeOptions: { rows: 5 },
    default: '',
    displayOptions: { show: { ...FIELDS, emailFormat: ['text', 'both'] } },
    description: 'Plain text message of email',
  },
  {
    displayName: 'HTML',
    name: 'html',
    type: 'string',
    typeOptions: { rows: 5 },
    default: '',
    displayOptions: { show: { ...FIELDS, emailFormat: ['html', 'both'] } },
    description: 'HTML text message of email',
  },
];
