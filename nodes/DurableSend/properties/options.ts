// The options: first those of n8n's own Send Email node, by the same names, then what this one can do besides.
import type { INodeProperties } from 'n8n-workflow';
import { SEND_NUMBERS as NUMBERS } from '../numbers';

const limits = ({ least, most }: { readonly least: number; readonly most: number }) => ({
  minValue: least,
  maxValue: most,
});

export const sendOptions: INodeProperties[] = [
  {
    displayName: 'Answers an Email',
    name: 'thread',
    type: 'options',
    options: [
      { name: 'Always', value: 'always', description: 'Whoever it goes to' },
      {
        name: 'If It Goes to Its Sender',
        value: 'sender',
        description: 'What goes to somebody else, such as a colleague, begins a thread of its own',
      },
      { name: 'Never', value: 'never', description: 'It always begins a thread of its own' },
    ],
    default: 'sender',
    description:
      'Whether an email that is sent for an email of a Durable Mail trigger is shown as an answer to it (In-Reply-To and References)',
  },
  {
    displayName: 'Append n8n Attribution',
    name: 'appendAttribution',
    type: 'boolean',
    default: false,
    description:
      'Whether to include the phrase “This email was sent automatically with n8n” to the end of the email',
  },
  {
    displayName: 'Attachments (File)',
    name: 'fileAttachments',
    type: 'string',
    default: '',
    description:
      "Binary properties to attach to the email as regular files. Multiple ones can be comma-separated. They appear in the recipient's attachments list and are not embedded in the body.",
  },
  {
    displayName: 'Attachments (Inline)',
    name: 'attachments',
    type: 'string',
    default: '',
    description:
      'Binary properties to embed in the email body. Multiple ones can be comma-separated. Reference them in HTML via <code>cid:propertyName</code>, e.g. &lt;img src="cid:image_1"&gt;. Use \'Attachments (File)\' for regular file attachments.',
  },
  {
    displayName: 'BCC Email',
    name: 'bccEmail',
    type: 'string',
    default: '',
    placeholder: 'bcc@example.com',
    description: 'Email address of BCC recipient',
  },
  {
    displayName: 'CC Email',
    name: 'ccEmail',
    type: 'string',
    default: '',
    placeholder: 'cc@example.com',
    description: 'Email address of CC recipient',
  },
  {
    displayName: 'Connections at Once',
    name: 'mostAtOnce',
    type: 'number',
    typeOptions: limits(NUMBERS.mostAtOnce),
    default: NUMBERS.mostAtOnce.default,
    description: 'How many emails are sent at the same time with this login, in all workflows and processes',
  },
  {
    displayName: 'Emails a Minute',
    name: 'mostAMinute',
    type: 'number',
    typeOptions: limits(NUMBERS.mostAMinute),
    default: NUMBERS.mostAMinute.default,
    description:
      'How many emails are sent within a minute with this login, in all workflows and processes. 0: as many as there are.',
  },
  {
    displayName: 'Headers',
    name: 'headers',
    type: 'fixedCollection',
    typeOptions: { multipleValues: true },
    placeholder: 'Add header',
    default: {},
    options: [
      {
        name: 'header',
        displayName: 'Header',
        values: [
          { displayName: 'Name', name: 'name', type: 'string', default: '', placeholder: 'X-Order' },
          { displayName: 'Value', name: 'value', type: 'string', default: '' },
        ],
      },
    ],
    description: 'More header fields of the email',
  },
  {
    displayName: 'If It Is in Doubt',
    name: 'inDoubt',
    type: 'options',
    options: [
      {
        name: 'Send Again',
        value: 'again',
        description: 'Under the same Message-ID. Somebody may get it twice.',
      },
      {
        name: 'Send Again If It Is Not in Sent',
        value: 'againIfNotThere',
        description:
          'For a server that files by itself what it sends, as Gmail and Microsoft 365 do: what is not in Sent after some minutes was not sent',
      },
      {
        name: 'Set Aside',
        value: 'aside',
        description: 'It is UNKNOWN, and a person decides. Nobody gets it twice.',
      },
    ],
    default: 'aside',
    description:
      'What to do when the connection broke after the server had the whole email and before it had answered, and the email is not found in Sent',
  },
  {
    displayName: 'Ignore SSL Issues (Insecure)',
    name: 'allowUnauthorizedCerts',
    type: 'boolean',
    default: false,
    description: 'Whether to connect even if SSL certificate validation is not possible',
  },
  {
    displayName: 'In-Reply-To',
    name: 'inReplyTo',
    type: 'string',
    default: '',
    placeholder: '<id@example.com>',
    description:
      'The Message-ID of the email that this one answers, where it is not the one that the item comes from',
  },
  {
    displayName: 'Keep in the Log (Days)',
    name: 'keepDays',
    type: 'number',
    typeOptions: limits(NUMBERS.keepDays),
    default: NUMBERS.keepDays.default,
    description:
      'How long the outbox remembers an email that was sent. Until then it is not sent a second time, whoever asks.',
  },
  {
    displayName: 'References',
    name: 'references',
    type: 'string',
    default: '',
    placeholder: '<first@example.com> <second@example.com>',
    description:
      'The Message-IDs of the thread, the oldest first. Empty: those of the email that it answers.',
  },
  {
    displayName: 'Reply To',
    name: 'replyTo',
    type: 'string',
    default: '',
    placeholder: 'info@example.com',
    description: 'The email address to send the reply to',
  },
  {
    displayName: 'Sent Mailbox',
    name: 'sentMailbox',
    type: 'string',
    default: '',
    placeholder: 'Sent',
    displayOptions: { show: { '/lookInSent': ['imap', 'durableImap', 'durableImapOAuth2Api'] } },
    description: 'Its name. Leave out for the one that the server names as Sent.',
  },
  {
    displayName: 'Tries',
    name: 'tries',
    type: 'options',
    options: [
      {
        name: 'Own',
        value: 'own',
        description: 'After delays of your choice',
      },
      {
        name: 'Three',
        value: 'three',
        description: 'Three tries within some minutes',
      },
      {
        name: 'Up to 80 Minutes',
        value: 'usual',
        description:
          'After 1, 2 and 4 seconds where the server is not reached, then after 1, 5 and 15 minutes and an hour',
      },
    ],
    default: 'usual',
    description: 'When it is tried again. What the server refuses for good is not.',
  },
  {
    displayName: 'Tries: If Not Reached, After (Seconds)',
    name: 'connectionDelays',
    type: 'string',
    default: '1, 2, 4, 60, 300, 900, 3600',
    displayOptions: { show: { tries: ['own'] } },
    description: 'Before each further try, separated by commas. Empty: one try.',
  },
  {
    displayName: 'Tries: If Refused for Now, After (Seconds)',
    name: 'refusedDelays',
    type: 'string',
    default: '60, 300, 900, 3600',
    displayOptions: { show: { tries: ['own'] } },
    description: 'Before each further try, separated by commas. Empty: one try.',
  },
  {
    displayName: 'Wait Up To (Seconds)',
    name: 'waitSeconds',
    type: 'number',
    typeOptions: limits(NUMBERS.waitSeconds),
    default: NUMBERS.waitSeconds.default,
    displayOptions: { show: { '/sending': ['now'] } },
    description:
      'How long this step waits for an email, and another minute where Emails a Minute may have held it. One that is not sent by then goes on by itself; the step fails, and a retry finds what became of it. 0: it does not wait.',
  },
];
