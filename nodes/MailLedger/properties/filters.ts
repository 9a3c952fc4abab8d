// By what events are chosen, in the editor: each filter narrows them further.
import type { INodeProperties } from 'n8n-workflow';
import { stateOptions } from '../event-states';

const recordedAfter: INodeProperties = {
  displayName: 'Recorded After',
  name: 'recordedAfter',
  type: 'dateTime',
  default: '',
  description: 'Only events of emails that were recorded at this time or later',
};

const recordedBefore: INodeProperties = {
  displayName: 'Recorded Before',
  name: 'recordedBefore',
  type: 'dateTime',
  default: '',
  description: 'Only events of emails that were recorded before this time',
};

const annotationName: INodeProperties = {
  displayName: 'Annotation: Name',
  name: 'annotationName',
  type: 'string',
  default: '',
  placeholder: 'triage',
  description: 'Only events that were annotated under this name',
};

const annotationCategory: INodeProperties = {
  displayName: 'Annotation: Category',
  name: 'annotationCategory',
  type: 'string',
  default: '',
  placeholder: 'invoice',
  description: 'Only events with an annotation of this category',
};

const annotationPriority: INodeProperties = {
  displayName: 'Annotation: Priority',
  name: 'annotationPriority',
  type: 'string',
  default: '',
  placeholder: 'high',
  description: 'Only events with an annotation of this priority',
};

const leastFailures: INodeProperties = {
  displayName: 'Failed Runs',
  name: 'leastFailures',
  type: 'number',
  typeOptions: { minValue: 1 },
  default: 1,
  description: 'Only events whose runs have failed so often, or more',
};

const subject: INodeProperties = {
  displayName: 'Subject',
  name: 'subject',
  type: 'string',
  default: '',
  placeholder: 'invoice',
  description: 'A part of the subject, in upper or lower case',
};

const sourceId: INodeProperties = {
  displayName: 'Source ID',
  name: 'sourceId',
  type: 'number',
  typeOptions: { minValue: 1 },
  default: 1,
  description:
    'Only events of this mailbox. Get Many of the resource Source shows its <code>sourceId</code>.',
};

const sender: INodeProperties = {
  displayName: 'Sender',
  name: 'sender',
  type: 'string',
  default: '',
  placeholder: 'ann@example.com',
  description: "The sender's address, or a part of it, in upper or lower case",
};

const states: INodeProperties = {
  displayName: 'States',
  name: 'states',
  type: 'multiOptions',
  options: stateOptions,
  default: [],
  description: 'Only events in one of these states. Replay takes dead and unknown events if this is not set.',
};

export const workflowId: INodeProperties = {
  displayName: 'Workflow ID',
  name: 'workflowId',
  type: 'string',
  default: '',
  placeholder: '={{ $workflow.id }}',
  description: "Only events of this workflow. Its ID is in the address of the workflow's page.",
};

export const filters: INodeProperties = {
  displayName: 'Filters',
  name: 'filters',
  type: 'collection',
  placeholder: 'Add filter',
  default: {},
  options: [
    annotationCategory,
    annotationName,
    annotationPriority,
    leastFailures,
    recordedAfter,
    recordedBefore,
    sender,
    sourceId,
    states,
    subject,
    workflowId,
  ],
};

/** Where the state is given. */
export const filtersButStates: INodeProperties = {
  ...filters,
  options: filters.options!.filter((option) => option !== states),
};
