// The options about times without mail: when people hear of an outage, and what becomes of mails that came while the
// workflow was off.
import type { INodeProperties } from 'n8n-workflow';
import { NUMBERS } from './numbers';

export const outageOptions: INodeProperties[] = [
  {
    displayName: 'Error Workflow Hears Of',
    name: 'errorWorkflow',
    type: 'options',
    options: [
      {
        name: 'Emails That Are Given Up',
        value: 'givenUp',
        description: 'Once for an email, when its last try has failed',
      },
      { name: 'Every Failed Try', value: 'everyTry', description: 'As n8n does with any workflow' },
    ],
    default: 'givenUp',
    description: "When n8n's error workflow is called for a run of this workflow that failed",
  },
  {
    displayName: 'Show Sender and Subject In',
    name: 'showMailIn',
    type: 'multiOptions',
    options: [
      { name: 'Alarms', value: 'alarms', description: 'In what the error workflow is told' },
      { name: 'List of Executions', value: 'executions', description: 'As custom data, to be searched for' },
    ],
    default: ['executions'],
    description: 'Where people see whose email it is',
  },
  {
    displayName: 'Report an Outage After (Minutes)',
    name: 'reportAfter',
    type: 'number',
    typeOptions: { minValue: NUMBERS.reportAfter.least, maxValue: NUMBERS.reportAfter.most },
    default: NUMBERS.reportAfter.default,
    description:
      "How long the mail server may be away before n8n's error workflow hears of it, once. 0: it never does.",
  },
  {
    displayName: 'Report the End of an Outage',
    name: 'reportOver',
    type: 'boolean',
    default: true,
    description: 'Whether the error workflow also hears when a reported outage is over',
  },
  {
    displayName: 'While It Was Off',
    name: 'whileOff',
    type: 'options',
    options: [
      {
        name: 'Continue Where It Stopped',
        value: 'continue',
        description: 'Emails that came while the workflow was not published run, too',
      },
      {
        name: 'Skip What Came Then',
        value: 'skip',
        description: 'Only what arrives from now on. What came while n8n itself was down runs all the same.',
      },
    ],
    default: 'continue',
    description: 'What to do when the workflow is published again',
  },
];
