// The options about what is read of an email: sizes, and which attachments are handed out.
import type { IDisplayOptions, INodeProperties } from 'n8n-workflow';
import { NUMBERS } from './numbers';

/** @param withAttachments when an email is handed out with its attachments */
export const contentOptions = (withAttachments: IDisplayOptions): INodeProperties[] => [
  {
    displayName: 'Attachment Prefix',
    name: 'dataPropertyAttachmentsPrefixName',
    type: 'string',
    default: 'attachment_',
    displayOptions: withAttachments,
    description:
      'Prefix for the name of the binary property of each attachment. A number is added: with "attachment_" the first attachment is "attachment_0".',
  },
  {
    displayName: 'Attachment Types',
    name: 'attachmentTypes',
    type: 'string',
    default: '',
    placeholder: 'application/pdf, image/*',
    displayOptions: withAttachments,
    description: 'Only attachments of these types are handed out, separated by commas. Leave empty for all.',
  },
  {
    displayName: 'Attachments Up To (MB)',
    name: 'attachmentMostSize',
    type: 'number',
    typeOptions: { minValue: NUMBERS.attachmentMostSize.least, maxValue: NUMBERS.attachmentMostSize.most },
    default: NUMBERS.attachmentMostSize.default,
    displayOptions: withAttachments,
    description: 'Larger attachments are not handed out. 0: any size.',
  },
  {
    displayName: 'Attachments Inline',
    name: 'inlineAttachments',
    type: 'boolean',
    default: true,
    displayOptions: withAttachments,
    description:
      'Whether images, and texts and mails with a file name, are handed out as attachments also if they are to be shown within the text. If off, such texts are part of the text.',
  },
  {
    displayName: 'Store Mails Up To (MB)',
    name: 'storeUpTo',
    type: 'number',
    typeOptions: { minValue: NUMBERS.storeUpTo.least, maxValue: NUMBERS.storeUpTo.most },
    default: NUMBERS.storeUpTo.default,
    description:
      'Larger emails are not stored in the ledger; they are read again from the mail server when they run',
  },
  {
    displayName: 'Truncate Mails Above (MB)',
    name: 'truncateAbove',
    type: 'number',
    typeOptions: {
      minValue: NUMBERS.truncateAbove.least,
      maxValue: NUMBERS.truncateAbove.most,
      numberPrecision: 1,
    },
    default: NUMBERS.truncateAbove.default,
    description:
      'Of larger emails only the header is handed out, with "truncated" and the size, so that a huge one cannot fill the memory',
  },
];
