// The options about runs: how many, how often they are tried, and what the ledger keeps.
import type { INodeProperties } from 'n8n-workflow';
import { DEFAULT_RETRY_SCHEDULE } from '../../../engine/delivery/retry-schedule';
import { NUMBERS } from './numbers';

/** The option that lets the number of waiting mails say how many run together. */
export const AUTOMATIC = 'mailsPerRunAutomatic';
/** As many as the built-in trigger takes. */
export const MOST_AUTOMATIC = 20;

export const runOptions: INodeProperties[] = [
  {
    displayName: 'Guarantee',
    name: 'guarantee',
    type: 'options',
    options: [
      {
        name: 'At Least Once',
        value: 'atLeastOnce',
        description: 'A run that failed, or was cut off, is tried again',
      },
      {
        name: 'At Most Once',
        value: 'atMostOnce',
        description:
          'An email whose run has begun is never run again by itself: it is set aside if the run fails or is cut off',
      },
    ],
    default: 'atLeastOnce',
    description: 'Whether an email may run again when its run did not end well',
  },
  {
    displayName: 'Keep Content For (Days)',
    name: 'keepContentDays',
    type: 'number',
    typeOptions: { minValue: NUMBERS.keepContentDays.least, maxValue: NUMBERS.keepContentDays.most },
    default: NUMBERS.keepContentDays.default,
    description:
      'How long the ledger keeps the content of an email after its run succeeded, so that it can be run again without the mail server. 0: not at all.',
  },
  {
    displayName: 'Keep Events For (Days)',
    name: 'keepEventsDays',
    type: 'number',
    typeOptions: { minValue: NUMBERS.keepEventsDays.least, maxValue: NUMBERS.keepEventsDays.most },
    default: NUMBERS.keepEventsDays.default,
    description:
      'How long the ledger keeps what became of an email, dead ones included. Afterwards it only knows that the email was there, so that it never runs again.',
  },
  {
    displayName: 'Mails per Run',
    name: 'mailsPerRun',
    type: 'number',
    typeOptions: { minValue: 1, maxValue: 100 },
    default: NUMBERS.mailsPerRun.default,
    displayOptions: { hide: { [AUTOMATIC]: [true] } },
    description:
      'How many waiting emails one execution may take together, one item each. If it fails, each of them is tried again by itself.',
  },
  {
    displayName: 'Mails per Run: Automatic',
    name: AUTOMATIC,
    type: 'boolean',
    noDataExpression: true,
    default: true,
    description: `Whether each email has its own execution while few wait, and up to ${MOST_AUTOMATIC} share one, one item each, when many do. If it fails, each of them is tried again by itself.`,
  },
  {
    displayName: 'Retry After',
    name: 'retrySchedule',
    type: 'string',
    default: DEFAULT_RETRY_SCHEDULE,
    description:
      'How long to wait before each retry of a run that failed, separated by commas. After the last one the email is set aside as dead. Leave empty for no retries.',
  },
  {
    displayName: 'Runs at Once',
    name: 'mostInFlight',
    type: 'number',
    typeOptions: { minValue: 1, maxValue: 100 },
    default: NUMBERS.mostInFlight.default,
    description:
      'How many executions this workflow has at the same time. The other emails wait in the ledger.',
  },
  {
    displayName: 'Start Within (Minutes)',
    name: 'startWithin',
    type: 'number',
    typeOptions: { minValue: 0.5, maxValue: 1440, numberPrecision: 1 },
    default: NUMBERS.startWithin.default,
    description:
      'How long n8n may take to start an execution. After that it counts as lost on the way, as in a Redis that was emptied, and the email is handed to n8n again.',
  },
];
