// How a trigger's parameters are read, the same way while it listens, in a run, and in the editor.
import type { IExecuteFunctions, INode, ITriggerFunctions } from 'n8n-workflow';
import { errorText } from '../../../engine/runtime/log';
import { nodeError } from '../n8n/node-error';
import { LIKE_BUILT_IN } from './like-built-in';
import { NUMBERS, readNumber } from './numbers';

export interface Parameters {
  /** Where n8n shows a faulty one. */
  readonly node: INode;
  /** @returns undefined, where the parameter is not shown, so that nobody set it */
  get(name: string): unknown;
}

export const parametersOfTrigger = (context: ITriggerFunctions): Parameters => ({
  node: context.getNode(),
  get: (name) => known(context.getNodeParameter(name, null)),
});

export const parametersOfRun = (context: IExecuteFunctions): Parameters => ({
  node: context.getNode(),
  get: (name) => known(context.getNodeParameter(name, 0, null)),
});

/** A text, without the spaces around it. */
export function text(parameters: Parameters, name: string): string {
  const value = parameters.get(name);
  return typeof value === 'string' || typeof value === 'number' ? String(value).trim() : '';
}

/** What was chosen from a list of several, or given as one text. */
export function texts(parameters: Parameters, name: string): string[] {
  const value = parameters.get(name);
  const list: unknown[] = Array.isArray(value) ? value : [value];
  const entered = list.filter((one) => typeof one === 'string').map((one) => one.trim());
  return [...new Set(entered.filter((one) => one !== ''))];
}

/** What was added to one of the node's collections. */
export function collection(parameters: Parameters, name: string): Parameters {
  const value = parameters.get(name);
  const values = (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>;
  return { node: parameters.node, get: (name) => known(values[name]) };
}

/** What is an option now, and stood beside the options before: the option counts where it is set. */
export function optionOrBefore(parameters: Parameters): Parameters {
  const options = collection(parameters, 'options');
  return { node: parameters.node, get: (name) => options.get(name) ?? parameters.get(name) };
}

/** It is to do what the built-in trigger does by default, where nothing else is chosen. */
export const isLikeBuiltIn = (parameters: Parameters): boolean =>
  collection(parameters, 'options').get(LIKE_BUILT_IN) === true;

/** @throws Error that names the setting */
export const numberOption = (options: Parameters, name: keyof typeof NUMBERS): number =>
  readNumber(options.get(name), NUMBERS[name]);

/** Reads what a person wrote in a language of its own. @throws NodeOperationError that names the setting and its fault */
export function parsed<T>({ node }: Parameters, setting: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    throw nodeError(node, `${setting} cannot be used: ${errorText(error)}`);
  }
}

/** A faulty setting is an error of the node: n8n shows it there. */
export function named<T>(context: Pick<ITriggerFunctions, 'getNode'>, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw nodeError(context.getNode(), error as Error);
  }
}

/** What was chosen from a list of the server comes with how it was chosen. */
function known(value: unknown): unknown {
  if (typeof value === 'object' && value !== null && 'value' in value && 'mode' in value) return value.value;
  return value ?? undefined;
}
