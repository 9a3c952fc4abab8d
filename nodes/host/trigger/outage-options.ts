// The options about times without mail: when people hear of an outage, and what becomes of mails that came while the
// workflow was off.
import type { INodeProperties } from 'n8n-workflow';
import { NUMBERS } from './numbers';

export const outageOptions: INodeProperties[] = [
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
