// In which shape an email is handed to the workflow. Names and values are those of the built-in trigger.
import type { INodeProperties, NodeHint } from 'n8n-workflow';
import { asBeforeHint, carried } from '../../host/trigger/as-before';

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
    default: false,
    displayOptions: { show: { format: ['simple'] } },
    description: 'Whether the attachments of the email are handed to the workflow as binary data',
  },
];

const PREFIX = { name: 'dataPropertyAttachmentsPrefixName', default: 'attachment_' };

/** The built-in trigger has it beside the options. */
export const prefixBefore: INodeProperties[] = carried([PREFIX]);

export const prefixHint: NodeHint = asBeforeHint({
  what: 'The names of attachments have a prefix of their own, as the built-in trigger, or an older version of this node, had it.',
  option: 'Attachment Prefix',
  optionName: PREFIX.name,
  counts: `($parameter["${PREFIX.name}"] || "${PREFIX.default}") !== "${PREFIX.default}"`,
});
