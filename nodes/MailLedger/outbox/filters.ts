// Reads which entries of the outbox are meant from the node's parameters; what cannot be meant throws, with what to change.
import type { IExecuteFunctions } from 'n8n-workflow';
import { eventIdOf } from '../../../engine/ledger/askable';
import { ENTRY_STATES, type EntryFilter, type EntryState } from '../../../engine/ledger/outbox';
import { nodeError } from '../../host/n8n/node-error';
import { readTime, textList, textOf } from '../filters';

const NAMES: Readonly<Record<string, string>> = {
  eventId: 'Event ID',
  kind: 'Kind',
  lane: 'Lane',
  messageId: 'Message-ID',
  queuedAfter: 'Queued After',
  queuedBefore: 'Queued Before',
  recipient: 'Recipient',
  states: 'States',
  subject: 'Subject',
  workflowId: 'Workflow ID',
};

/** @returns the distinct ids, at least one */
export function entryIds(
  context: IExecuteFunctions,
  itemIndex: number,
  parameter: string,
): readonly string[] {
  const given = textList(context.getNodeParameter(parameter, itemIndex, ''));
  const wrong = given.find((id) => eventIdOf(id) === null);
  const ids = given.flatMap((id) => eventIdOf(id) ?? []);
  if (ids.length > 0 && wrong === undefined) return [...new Set(ids)];
  throw nodeError(
    context.getNode(),
    wrong === undefined ? 'The entry ID is empty' : `"${wrong.slice(0, 80)}" is not an entry ID`,
    {
      itemIndex,
      description:
        'An item of Get Many has it in entryId, one of Durable Send or Durable Webhook in outbox.id, one of the Outbox ' +
        'Trigger in entry.id.',
    },
  );
}

/**
 * @param strict for actions: a filter that is empty, and having none at all, is an error, because either would let
 * more entries through than meant
 */
export function readEntryFilter(
  context: IExecuteFunctions,
  itemIndex: number,
  strict?: 'strict',
): EntryFilter {
  const set = context.getNodeParameter('entryFilters', itemIndex, {}) as Readonly<Record<string, unknown>>;
  const filter: { -readonly [Name in keyof EntryFilter]: EntryFilter[Name] } = {};
  for (const [name, value] of Object.entries(set)) {
    if (textList(value).length === 0) {
      if (!strict) continue;
      throw nodeError(context.getNode(), `The filter "${NAMES[name] ?? name}" is empty`, {
        itemIndex,
        description: 'Enter a value, or remove the filter if entries are not to be chosen by it.',
      });
    }
    const text = textOf(value).trim();
    if (name === 'eventId') filter.event = eventIdOf(text) ?? text;
    if (name === 'queuedAfter') filter.from = readTime(context, itemIndex, NAMES[name]!, value);
    if (name === 'queuedBefore') filter.until = readTime(context, itemIndex, NAMES[name]!, value);
    if (name === 'states') filter.states = readStates(context, itemIndex, value);
    if (name === 'kind' || name === 'lane' || name === 'messageId' || name === 'workflowId')
      filter[name] = text;
    if (name === 'recipient' || name === 'subject') filter[name] = text;
  }
  if (strict && Object.keys(filter).length === 0) {
    throw nodeError(context.getNode(), 'No filter is set, so every entry would be chosen', {
      itemIndex,
      description: 'Add a filter.',
    });
  }
  return filter;
}

function readStates(context: IExecuteFunctions, itemIndex: number, value: unknown): readonly EntryState[] {
  return textList(value).map((name) => {
    const state = ENTRY_STATES.find((known) => known === name.toUpperCase());
    if (state) return state;
    throw nodeError(context.getNode(), `"${name.slice(0, 80)}" is not a state of an entry`, {
      itemIndex,
      description: `The states are ${ENTRY_STATES.join(', ')}.`,
    });
  });
}
