// In which shape a mail is handed to the workflow. "Simplify" is the built-in trigger's; switched off, its full output
// is the format "Resolved".
import type { IDisplayOptions, INodeProperties } from 'n8n-workflow';

/** When attachments can be handed out; for what stands among the options. */
export const WITH_ATTACHMENTS: IDisplayOptions = { show: { '/simple': [false], '/format': ['resolved'] } };

export const formatProperties: INodeProperties[] = [
  {
    displayName: 'Simplify',
    name: 'simple',
    type: 'boolean',
    noDataExpression: true,
    default: true,
    description: 'Whether to return a simplified version of the response instead of the raw data',
  },
  {
    displayName: 'Format',
    name: 'format',
    type: 'options',
    noDataExpression: true,
    options: [
      {
        name: 'Resolved',
        value: 'resolved',
        description: 'Text, HTML, all header fields taken apart; attachments with "Download Attachments"',
      },
      {
        name: 'RAW',
        value: 'raw',
        description: 'The whole mail as it was sent, as the Gmail API gives it (base64url)',
      },
    ],
    default: 'resolved',
    displayOptions: { show: { simple: [false] } },
    description: 'The format to return the message in',
  },
];

export const attachmentOptions: INodeProperties[] = [
  {
    displayName: 'Download Attachments',
    name: 'downloadAttachments',
    type: 'boolean',
    default: false,
    displayOptions: WITH_ATTACHMENTS,
    description: "Whether the email's attachments are handed to the workflow as binary data",
  },
];
