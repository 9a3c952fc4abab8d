// Where a new trigger begins: options, which stood beside the options before.
import type { INodeProperties, NodeHint } from 'n8n-workflow';
import { asBeforeHint, carried } from './as-before';
import { START_COUNT } from './numbers';

/** @param place where it begins, such as "a mailbox" */
export const startOptions = (place: string): INodeProperties[] => [
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
    description: `Where to begin in ${place} that this node has not watched before. Afterwards it goes on where it stopped. Where a number or a date is needed, add that option, too.`,
  },
  {
    displayName: 'Start With: How Many',
    name: 'startCount',
    type: 'number',
    typeOptions: { minValue: START_COUNT.least, maxValue: START_COUNT.most },
    default: START_COUNT.default,
    displayOptions: { show: { start: ['last'] } },
    description: 'How many of the emails that are there to begin with. Without this option: 50.',
  },
  {
    displayName: 'Start With: Since',
    name: 'startDate',
    type: 'dateTime',
    default: '',
    displayOptions: { show: { start: ['since'] } },
    description: 'When the server received the first email to take, in the time zone of the workflow',
  },
];

export const startBefore: INodeProperties[] = carried([
  { name: 'start', default: 'new' },
  { name: 'startCount', default: START_COUNT.default },
  { name: 'startDate', default: '' },
]);

export const startHints: NodeHint[] = [
  {
    message:
      'Add the option <b>Start With: Since</b>, too. Its date counts in the time zone of the workflow (Settings, Timezone).',
    type: 'info',
    location: 'ndv',
    whenToDisplay: 'always',
    displayCondition:
      '={{ ($parameter["options"] || {})["start"] === "since" && !($parameter["options"] || {})["startDate"] }}',
  },
  {
    message:
      'Every email that is there runs the workflow once, the newest first. Limit them with <b>Filters</b>, and how many run at a time with the option <b>Runs at Once</b>.',
    type: 'info',
    location: 'ndv',
    whenToDisplay: 'always',
    displayCondition:
      '={{ ["since", "everything"].includes(($parameter["options"] || {})["start"] || $parameter["start"]) }}',
  },
  asBeforeHint({
    what: 'It begins with more than new mail, as was set in an older version of this node.',
    option: 'Start With',
    optionName: 'start',
    counts: '["last", "since", "everything"].includes($parameter["start"])',
  }),
];
