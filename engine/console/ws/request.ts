// What a message asks for, strictly: what is not understood is refused in words.
// Invariant: what it is answered with has its id, whatever becomes of it.
import { isTooDeep } from '../../runtime/json-levels';
import { isObject } from '../body';
import { shown } from '../query';
import { Refusal } from '../refusal';

const DEEDS = ['login', 'subscribe', 'unsubscribe', 'replay', 'retry', 'look'] as const;

export type RequestId = string | number | null;

export interface Request {
  readonly id: RequestId;
  readonly do: (typeof DEEDS)[number];
  /** What else is in it. */
  readonly given: Readonly<Record<string, unknown>>;
}

/** @returns a refusal with the id that it has, where it has one */
export function requestIn(text: string): Request | { readonly id: RequestId; readonly refusal: Refusal } {
  const message = parsed(text);
  if (!isObject(message))
    return { id: null, refusal: new Refusal(400, 'A message has to be one JSON object.') };
  const { id = null, do: deed, ...given } = message;
  if (!isId(id))
    return {
      id: null,
      refusal: new Refusal(400, '"id" has to be a number, or text of at most 100 characters.'),
    };
  const known = DEEDS.find((one) => one === deed);
  if (known) return { id, do: known, given };
  return {
    id,
    refusal: new Refusal(400, `"${shown(deed)}" is nothing to "do" here. There are ${DEEDS.join(', ')}.`),
  };
}

const isId = (id: unknown): id is RequestId =>
  id === null || typeof id === 'number' || (typeof id === 'string' && id.length <= 100);

/** @returns undefined: it is no JSON */
function parsed(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return isTooDeep(value) ? undefined : value;
  } catch {
    return undefined;
  }
}

const SUBSCRIBED_BY = ['types', 'sourceId', 'workflowId', 'after', 'since'];

/** As the parameters of `/events`. @throws Refusal */
export function feedParametersIn(
  given: Readonly<Record<string, unknown>>,
): Partial<Record<'type' | 'source' | 'workflow' | 'since', string>> {
  const strange = Object.keys(given).find((name) => !SUBSCRIBED_BY.includes(name));
  if (strange !== undefined)
    throw new Refusal(400, `"${shown(strange)}" is not known here. There are ${SUBSCRIBED_BY.join(', ')}.`);
  const { types, sourceId, workflowId, after, since } = given;
  if (types !== undefined && (!Array.isArray(types) || types.length === 0 || !types.every(isText)))
    throw new Refusal(400, '"types" has to be a list of types; without it there are all of them.');
  if (after !== undefined && since !== undefined)
    throw new Refusal(400, 'There may be "after", a position, or "since", a time, and not both.');
  const from = textOf(after, 'after') ?? textOf(since, 'since');
  return {
    ...(types !== undefined && { type: types.join(',') }),
    ...(sourceId !== undefined && {
      source: typeof sourceId === 'number' ? String(sourceId) : shown(sourceId),
    }),
    ...(workflowId !== undefined && { workflow: textOf(workflowId, 'workflowId')! }),
    ...(from !== undefined && { since: from }),
  };
}

const isText = (value: unknown): value is string => typeof value === 'string';

function textOf(value: unknown, name: string): string | undefined {
  if (value === undefined || (isText(value) && value !== '')) return value;
  throw new Refusal(400, `"${name}" has to be text.`);
}
