// Where a new trigger begins.
import type { INodeProperties } from 'n8n-workflow';
import { START_COUNT } from './numbers';

/** @param place where it begins, such as "a mailbox" */
export const startProperties = (place: string): INodeProperties[] => [
  {
    displayName: 'Start With',
    name: 'start',
    type: 'options',
    noDataExpression: true,
    options: [
      { name: 'New Mail Only', value: 'new', description: 'What arrives after the workflow was published' },
      {
        name: 'The Last …',
        value: 'last',
        description: 'The newest emails that are there, and all new ones',
      },
      {
        name: 'Since a Date',
        value: 'since',
        description: 'What the server received since then, and all new ones',
      },
      { name: 'Everything', value: 'everything', description: 'All that is there, and all new ones' },
    ],
    default: 'new',
    description: `Where to begin in ${place} that this node has not watched before. Afterwards it goes on where it stopped.`,
  },
  {
    displayName: 'How Many',
    name: 'startCount',
    type: 'number',
    typeOptions: { minValue: START_COUNT.least, maxValue: START_COUNT.most },
    default: START_COUNT.default,
    required: true,
    displayOptions: { show: { start: ['last'] } },
    description: 'How many of the emails that are there to begin with',
  },
  {
    displayName: 'Since',
    name: 'startDate',
    type: 'dateTime',
    default: '',
    required: true,
    displayOptions: { show: { start: ['since'] } },
    description: 'When the server received the first email to take, in the time zone of the workflow',
  },
  {
    displayName:
      'Every email that is there runs the workflow once, the newest first. Limit them with <b>Filters</b>, and how many run at a time with the option <b>Runs at Once</b>.',
    name: 'startNotice',
    type: 'notice',
    default: '',
    displayOptions: { show: { start: ['since', 'everything'] } },
  },
];
