// Reads which events are meant from the node's parameters; what cannot be meant throws, with what to change.
import type { IExecuteFunctions } from 'n8n-workflow';
import { tryToParseDateTime } from 'n8n-workflow';
import type { AnnotationFilter } from '../../engine/ledger/annotations';
import { eventIdOf } from '../../engine/ledger/askable';
import type { EventFilter } from '../../engine/ledger/inspection';
import type { EventState } from '../../engine/ledger/states';
import { nodeError } from '../host/n8n/node-error';
import { STATES } from './event-states';

const NAMES: Readonly<Record<string, string>> = {
  annotationCategory: 'Annotation: Category',
  annotationName: 'Annotation: Name',
  annotationPriority: 'Annotation: Priority',
  leastFailures: 'Failed Runs',
  recordedAfter: 'Recorded After',
  recordedBefore: 'Recorded Before',
  sender: 'Sender',
  sourceId: 'Source ID',
  states: 'States',
  subject: 'Subject',
  workflowId: 'Workflow ID',
};

/** What each filter by annotation is about. */
const ANNOTATION: Readonly<Record<string, keyof AnnotationFilter>> = {
  annotationCategory: 'category',
  annotationName: 'name',
  annotationPriority: 'priority',
};

/** @returns the distinct ids, at least one */
export function eventIds(
  context: IExecuteFunctions,
  itemIndex: number,
  parameter: string,
): readonly string[] {
  const value: unknown = context.getNodeParameter(parameter, itemIndex, '');
  const given = textList(value);
  const wrong = given.find((id) => eventIdOf(id) === null);
  const ids = given.flatMap((id) => eventIdOf(id) ?? []);
  if (ids.length > 0 && wrong === undefined) return [...new Set(ids)];
  throw nodeError(
    context.getNode(),
    wrong === undefined ? 'The event ID is empty' : `"${wrong.slice(0, 80)}" is not an event ID`,
    {
      itemIndex,
      description:
        'An item of a Durable Mail trigger has it in delivery.eventId, and an item of this node in eventId. ' +
        'An email that was read in a manual test has none.',
    },
  );
}

/**
 * @param strict for actions: a filter that is empty, and having none at all, is an error, because either would let
 * more events through than meant
 */
export function readFilter(context: IExecuteFunctions, itemIndex: number, strict?: 'strict'): EventFilter {
  const set = context.getNodeParameter('filters', itemIndex, {}) as Readonly<Record<string, unknown>>;
  const filter: { -readonly [Name in keyof EventFilter]: EventFilter[Name] } = {};
  for (const [name, value] of Object.entries(set)) {
    if (textList(value).length === 0) {
      if (!strict) continue;
      throw nodeError(context.getNode(), `The filter "${NAMES[name] ?? name}" is empty`, {
        itemIndex,
        description: 'Enter a value, or remove the filter if events are not to be chosen by it.',
      });
    }
    if (name === 'recordedAfter') filter.since = readTime(context, itemIndex, NAMES[name]!, value);
    if (name === 'recordedBefore') filter.until = readTime(context, itemIndex, NAMES[name]!, value);
    if (name === 'sender') filter.sender = textOf(value).trim();
    if (name === 'subject') filter.subject = textOf(value).trim();
    if (name === 'sourceId') filter.sourceId = readCount(context, itemIndex, name, value);
    if (name === 'leastFailures') filter.leastFailures = readCount(context, itemIndex, name, value);
    const part = ANNOTATION[name];
    if (part) filter.annotation = { ...filter.annotation, [part]: textOf(value).trim() };
    if (name === 'states') filter.states = readStates(context, itemIndex, value);
    if (name === 'workflowId') filter.workflowId = textOf(value).trim();
  }
  if (strict && Object.keys(filter).length === 0) {
    throw nodeError(context.getNode(), 'No filter is set, so every event would be chosen', {
      itemIndex,
      description: 'Add a filter.',
    });
  }
  return filter;
}

export function readWorkflowId(
  context: IExecuteFunctions,
  itemIndex: number,
): Pick<EventFilter, 'workflowId'> {
  const workflowId = textOf(context.getNodeParameter('workflowId', itemIndex, '')).trim();
  return workflowId === '' ? {} : { workflowId };
}

function readStates(context: IExecuteFunctions, itemIndex: number, value: unknown): readonly EventState[] {
  return textList(value).map((name) => {
    const state = STATES.find((known) => known === name.toUpperCase());
    if (state) return state;
    throw nodeError(context.getNode(), `"${name.slice(0, 80)}" is not a state of an event`, {
      itemIndex,
      description: `The states are ${STATES.join(', ')}.`,
    });
  });
}

function readCount(context: IExecuteFunctions, itemIndex: number, name: string, value: unknown): number {
  const count = Number(value);
  if (Number.isSafeInteger(count) && count >= 1) return count;
  throw nodeError(context.getNode(), `"${NAMES[name]}" must be a whole number from 1 on`, { itemIndex });
}

/** A time without a zone is in the workflow's. @param label what the parameter is called */
export function readTime(
  context: IExecuteFunctions,
  itemIndex: number,
  label: string,
  value: unknown,
): number {
  try {
    // Its type is Luxon's, which this package does not have.
    const time = tryToParseDateTime(value, context.getTimezone()) as unknown as { toMillis(): number };
    return time.toMillis();
  } catch {
    throw nodeError(context.getNode(), `"${textOf(value).slice(0, 80)}" in "${label}" is not a date`, {
      itemIndex,
      description: 'Pick a date, or write one such as 2026-01-31T08:00:00Z.',
    });
  }
}

/** The parts of a list that is an array, or text with commas. */
export function textList(value: unknown): string[] {
  const parts = Array.isArray(value) ? (value as unknown[]) : textOf(value).split(',');
  return parts.map((part) => textOf(part).trim()).filter((part) => part !== '');
}

export function textOf(value: unknown): string {
  if (value === undefined || value === null) return '';
  if (typeof value === 'bigint') return value.toString();
  // Of a function or a symbol there is none.
  const text = typeof value === 'string' ? value : (JSON.stringify(value) as string | undefined);
  return text ?? '';
}
