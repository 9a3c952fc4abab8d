// In which shape an email is handed to the workflow. Names and values are those of the built-in trigger.
import type { IDisplayOptions, INodeProperties } from 'n8n-workflow';

const prefixProperty = (displayOptions: IDisplayOptions): INodeProperties => ({
  displayName: 'Property Prefix Name',
  name: 'dataPropertyAttachmentsPrefixName',
  type: 'string',
  default: 'attachment_',
  displayOptions,
  description:
    'Prefix for the name of the binary property of each attachment. A number is added: with "attachment_" the first attachment is "attachment_0".',
});

export const formatProperties: INodeProperties[] = [
  {
    displayName: 'Format',
    name: 'format',
    type: 'options',
    noDataExpression: true,
    options: [
      {
        name: 'Full Message',
        value: 'message',
        description: 'The whole email as it was sent, as text and as a file (.eml)',
      },
      { name: 'RAW', value: 'raw', description: 'The body as it was sent, not decoded' },
      {
        name: 'Resolved',
        value: 'resolved',
        description: 'All fields taken apart (addresses, references, dates), attachments always',
      },
      {
        name: 'Simple',
        value: 'simple',
        description: 'Text, sender, subject and header fields; attachments if wanted',
      },
    ],
    default: 'simple',
    description: 'The format to return the message in',
  },
  {
    displayName: 'Download Attachments',
    name: 'downloadAttachments',
    type: 'boolean',
    default: true,
    displayOptions: { show: { format: ['simple'] } },
    description: 'Whether the attachments of the email are handed to the workflow as binary data',
  },
  prefixProperty({ show: { format: ['resolved'] } }),
  prefixProperty({ show: { format: ['simple'], downloadAttachments: [true] } }),
];
