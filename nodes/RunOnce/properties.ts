// What the node asks of a person in n8n's editor, and tells.
import type { INodeProperties } from 'n8n-workflow';
import { mailStoreCredential, mailStoreProperty } from '../host/store/mail-store-choice';
import { DEFAULT_ANSWER_MB, DEFAULT_KEEP_DAYS, DEFAULT_WAIT_SECONDS, MOST_ANSWER_MB } from './settings';

export const properties: INodeProperties[] = [
  {
    displayName:
      'Put this node before a step that must not be done twice. Connect the step to <b>First time</b>, and what comes after the step to <b>Already done</b>, too: a retry goes on there, with what the step had answered. Put one before each such step. In tests in the editor nothing is remembered: each key goes on as First time.',
    name: 'notice',
    type: 'notice',
    default: '',
  },
  {
    displayName: 'Key',
    name: 'key',
    type: 'string',
    default: '',
    placeholder: "The email's own key",
    description:
      'What the step is done once for, such as an order number. Leave empty for the email that the item comes from: each of its items counts by itself. In a workflow that another one calls, enter one.',
  },
  {
    displayName: 'Scope',
    name: 'scope',
    type: 'options',
    noDataExpression: true,
    options: [
      {
        name: 'Everywhere',
        value: 'everywhere',
        description:
          'Once for each key in all workflows that use the same mail ledger. Enter a Key for this.',
      },
      {
        name: 'This Step',
        value: 'step',
        description: 'Once for each key in this node of this workflow',
      },
      {
        name: 'This Workflow',
        value: 'workflow',
        description: 'Once for each key in all Run Once nodes of this workflow that have this scope',
      },
    ],
    default: 'step',
    description: 'Where an equal key means that the step is done already',
  },
  {
    displayName: 'The Key Is Finished',
    name: 'keyIsFinished',
    type: 'options',
    noDataExpression: true,
    options: [
      {
        name: 'At Once',
        value: 'atOnce',
        description: 'The step is never done again, even if it fails: at most once',
      },
      {
        name: 'When the Next Step Is Done',
        value: 'stepDone',
        description:
          'When all steps from First time up to where Already done leads have succeeded; what fails after that does not repeat them. Join branches with Merge.',
      },
      {
        name: 'When the Run Ends Well',
        value: 'runEnds',
        description: 'When the whole run has succeeded: if a later step fails, a retry does this one again',
      },
    ],
    default: 'stepDone',
    description:
      'When the step counts as done. Until then the run holds the key, and other runs wait for it.',
  },
  {
    displayName: 'If the Run Fails',
    name: 'ifRunFails',
    type: 'options',
    noDataExpression: true,
    displayOptions: { hide: { keyIsFinished: ['atOnce'] } },
    options: [
      {
        name: 'Free the Key',
        value: 'free',
        description: 'A retry does the step again: for steps that may fail and can be repeated',
      },
      {
        name: 'Keep It Finished',
        value: 'keep',
        description: 'A retry leaves the step out, because it may have happened',
      },
    ],
    default: 'free',
    description:
      'What becomes of the key when the run fails, or its process dies, before the key is finished',
  },
  mailStoreProperty,
  mailStoreCredential,
  {
    displayName: 'Options',
    name: 'options',
    type: 'collection',
    placeholder: 'Add option',
    default: {},
    options: [
      {
        displayName: 'If Still Held',
        name: 'ifStillHeld',
        type: 'options',
        options: [
          {
            name: 'Already Done',
            value: 'alreadyDone',
            description: 'The item leaves by Already done, although the other run may still fail',
          },
          {
            name: 'Fail',
            value: 'fail',
            description: 'This run fails. A Durable Mail trigger runs its email again later.',
          },
          {
            name: 'Keep Waiting',
            value: 'wait',
            description: 'Until the other run ends, or this run is stopped or times out',
          },
        ],
        default: 'fail',
        description: 'What to do when another run still holds the key after the time in Wait For',
      },
      {
        displayName: 'Largest Answer (MB)',
        name: 'largestAnswer',
        type: 'number',
        typeOptions: { minValue: 0, maxValue: MOST_ANSWER_MB },
        displayOptions: { show: { '/keyIsFinished': ['stepDone'] }, hide: { rememberAnswer: [false] } },
        default: DEFAULT_ANSWER_MB,
        description:
          'What the step hands on is remembered up to this size: all of its items, with their files. Of more, a retry goes on with the items that came to Run Once.',
      },
      {
        displayName: 'Remember Keys For (Days)',
        name: 'rememberDays',
        type: 'number',
        typeOptions: { minValue: 0 },
        default: DEFAULT_KEEP_DAYS,
        description: 'How long a finished key keeps the step from being done again. 0: for good.',
      },
      {
        displayName: 'Remember the Answer',
        name: 'rememberAnswer',
        type: 'boolean',
        displayOptions: { show: { '/keyIsFinished': ['stepDone'] } },
        default: true,
        description:
          'Whether what the steps at First time hand on is kept until the run has ended well, so that a retry goes on with it at Already done. Where it is not known, the items have the field runOnce.remembered: false.',
      },
      {
        displayName: 'Wait For (Seconds)',
        name: 'waitSeconds',
        type: 'number',
        typeOptions: { minValue: 0 },
        default: DEFAULT_WAIT_SECONDS,
        description: 'How long to wait for a key that another run holds',
      },
    ],
  },
];
