// What a workflow has found out about an email, noted with its event: by whom (a name), a category, a priority, a summary and
// any small data of the user's.
// Invariants: an email of a manual test is no event, so a test goes on and notes nothing; what cannot be kept is said before
// anything is noted, but for a summary, of which that is left out: what a model writes has no length that one can rely on;
// what is told is what was noted, and with which emails.
import type { IDataObject, IExecuteFunctions } from 'n8n-workflow';
import { MOST_OF_ANNOTATION, type NewAnnotation } from '../../engine/ledger/annotations';
import { askableText } from '../../engine/ledger/askable';
import { plainData } from '../../engine/ledger/plain-data';
import { nodeError } from '../host/n8n/node-error';
import { mailOfItem } from '../host/run/mail-of-item';
import type { MailLedgerStore } from './actions';
import { eventIds, textOf } from './filters';
import type { Noting } from './noting';

/** The event of an email that a trigger has read in a manual test. */
const MANUAL_TEST = 'manual-test';

export function annotate(context: IExecuteFunctions, itemIndex: number, store: MailLedgerStore): Noting {
  const name = readName(context, itemIndex);
  return noting(context, itemIndex, store, name, { ...readWords(context, itemIndex), name });
}

export function removeAnnotation(
  context: IExecuteFunctions,
  itemIndex: number,
  store: MailLedgerStore,
): Noting {
  return noting(context, itemIndex, store, readName(context, itemIndex), null);
}

function noting(
  context: IExecuteFunctions,
  itemIndex: number,
  store: MailLedgerStore,
  name: string,
  annotation: NewAnnotation | null,
): Noting {
  const ids = readEvents(context, itemIndex, store);
  return {
    itemIndex,
    notes: (ids ?? []).map((event) => ({ event, name, annotation })),
    answer: (there) => {
      if (ids === null) {
        const message = 'Nothing was noted: an email of a manual test has no event.';
        return { count: 0, eventIds: [], message, ...annotation } as IDataObject;
      }
      const noted = ids.filter((_, place) => there[place]);
      if (noted.length === 0)
        throw nodeError(context.getNode(), `Event ${ids[0]} is not in this mail ledger`, { itemIndex });
      const missing = ids.filter((_, place) => !there[place]);
      const message = `${missing.length} of these ${ids.length} events are not in this mail ledger: nothing was done with them.`;
      return {
        ...{ count: noted.length, eventIds: noted },
        ...(missing.length > 0 && { missing, message }),
        ...annotation,
      } as IDataObject;
    },
  };
}

/** @returns null: it is an email of a manual test */
function readEvents(
  context: IExecuteFunctions,
  itemIndex: number,
  { runs }: MailLedgerStore,
): readonly string[] | null {
  if (context.getNodeParameter('annotated', itemIndex, 'run') === 'ids')
    return eventIds(context, itemIndex, 'eventIds');
  const held = runs.mailEvents(context.getExecutionId());
  const event = mailOfItem(context, itemIndex, 'eventId', held);
  if (event === MANUAL_TEST) return null;
  if (event) return [event];
  throw nodeError(
    context.getNode(),
    held.length > 1
      ? `It cannot be told which of the ${held.length} emails of this run this item comes from`
      : 'This item comes from no Durable Mail trigger',
    { itemIndex, description: 'Choose "By ID" under Events, and enter the ID of the event.' },
  );
}

function readName(context: IExecuteFunctions, itemIndex: number): string {
  const name = readText(context, itemIndex, 'annotationName', 'Name', MOST_OF_ANNOTATION.name);
  if (name !== null) return name;
  throw nodeError(context.getNode(), '"Name" is empty', {
    itemIndex,
    description: 'Name whose word it is, such as "triage". What it said before under that name is replaced.',
  });
}

function readWords(context: IExecuteFunctions, itemIndex: number): Omit<NewAnnotation, 'name'> {
  const category = readText(context, itemIndex, 'category', 'Category', MOST_OF_ANNOTATION.category);
  const priority = readText(context, itemIndex, 'priority', 'Priority', MOST_OF_ANNOTATION.priority);
  const summary = textOf(context.getNodeParameter('summary', itemIndex, ''))
    .replaceAll('\0', '')
    .trim()
    .slice(0, MOST_OF_ANNOTATION.summary)
    .replace(/[\ud800-\udbff]$/, '');
  return {
    category,
    priority,
    summary: askableText(summary, 'Summary') || null,
    data: readData(context, itemIndex),
  };
}

/** @returns null: it is empty */
function readText(
  context: IExecuteFunctions,
  itemIndex: number,
  parameter: string,
  label: string,
  most: number,
): string | null {
  const text = askableText(textOf(context.getNodeParameter(parameter, itemIndex, '')).trim(), label);
  if (text.length <= most) return text || null;
  throw nodeError(context.getNode(), `"${label}" has ${text.length} characters; ${most} are the most`, {
    itemIndex,
  });
}

function readData(context: IExecuteFunctions, itemIndex: number): unknown {
  const value: unknown = context.getNodeParameter('data', itemIndex, '');
  const data = typeof value === 'string' ? parsed(context, itemIndex, value) : (value ?? null);
  return plainData(data, 'Data', MOST_OF_ANNOTATION.data);
}

function parsed(context: IExecuteFunctions, itemIndex: number, text: string): unknown {
  if (text.trim() === '') return null;
  try {
    return JSON.parse(text);
  } catch {
    throw nodeError(context.getNode(), '"Data" is no JSON', {
      itemIndex,
      description: 'Write it as JSON, such as {"order": 7}, or enter an expression that gives an object.',
    });
  }
}
