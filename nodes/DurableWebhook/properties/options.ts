// The node's options.
import type { INodeProperties } from 'n8n-workflow';
import { WEBHOOK_NUMBERS as NUMBERS } from '../numbers';

const limits = ({ least, most }: { readonly least: number; readonly most: number }) => ({
  minValue: least,
  maxValue: most,
});
const SENDS = { '/operation': ['send'] };

export const webhookOptions: INodeProperties[] = [
  {
    displayName: 'Connections at Once',
    name: 'mostAtOnce',
    type: 'number',
    typeOptions: limits(NUMBERS.mostAtOnce),
    default: NUMBERS.mostAtOnce.default,
    description: 'How many webhooks are sent to this host at the same time, in all workflows and processes',
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
    description: 'More headers. What is secret belongs in a credential.',
  },
  {
    displayName: 'If It Is in Doubt',
    name: 'inDoubt',
    type: 'options',
    displayOptions: { show: SENDS },
    options: [
      {
        name: 'Send Again',
        value: 'again',
        description: 'With the same webhook-id, by which a receiver knows it again',
      },
      {
        name: 'Set Aside',
        value: 'aside',
        description: 'It is UNKNOWN, and a person decides: for receivers that do not look at webhook-id',
      },
    ],
    default: 'again',
    description: 'What to do when the connection broke after it was sent and before an answer came',
  },
  {
    displayName: 'Keep in the Log (Days)',
    name: 'keepDays',
    type: 'number',
    typeOptions: limits(NUMBERS.keepDays),
    displayOptions: { show: SENDS },
    default: NUMBERS.keepDays.default,
    description:
      'How long the outbox remembers a webhook that was sent. Until then it is not sent a second time, whoever asks.',
  },
  {
    displayName: 'Timeout (Seconds)',
    name: 'timeoutSeconds',
    type: 'number',
    typeOptions: limits(NUMBERS.timeoutSeconds),
    default: NUMBERS.timeoutSeconds.default,
    description: 'How long a receiver may take to answer',
  },
  {
    displayName: 'Tries',
    name: 'tries',
    type: 'options',
    options: [
      { name: 'Own', value: 'own', description: 'After delays of your choice' },
      { name: 'Up to 21 Minutes', value: 'usual', description: 'After 1, 5 and 15 minutes' },
      {
        name: 'Up to 3 Days',
        value: 'standard',
        description:
          'Ten tries, as Standard Webhooks recommends: after 5 seconds, 5 and 30 minutes, 2 hours and so on',
      },
    ],
    default: 'usual',
    description:
      'When it is tried again. Retry-After of the receiver counts, too; after 410 it is not tried again.',
  },
  {
    displayName: 'Tries: After (Seconds)',
    name: 'delays',
    type: 'string',
    default: '60, 300, 900',
    displayOptions: { show: { tries: ['own'] } },
    description: 'Before each further try, separated by commas. Empty: one try.',
  },
  {
    displayName: 'Wait Up To (Seconds)',
    name: 'waitSeconds',
    type: 'number',
    typeOptions: limits(NUMBERS.waitSeconds),
    default: NUMBERS.waitSeconds.default,
    displayOptions: { show: { ...SENDS, '/sending': ['now'] } },
    description:
      'How long this step waits for a webhook. One that is not sent by then goes on by itself; the step fails, and a retry finds what became of it.',
  },
  {
    displayName: 'Webhooks a Minute',
    name: 'mostAMinute',
    type: 'number',
    typeOptions: limits(NUMBERS.mostAMinute),
    default: NUMBERS.mostAMinute.default,
    description:
      'How many webhooks are sent to this host within a minute, in all workflows and processes. 0: as many as there are.',
  },
];
