// Parameters that stood beside the options once, and those of the built-in triggers that have no field here: n8n drops what a
// node does not describe, so they are described, and not shown.
// Invariant: a workflow goes on as it was stored, and its node says in a sentence what counts that nobody sees.
import type { INodeProperties, NodeHint } from 'n8n-workflow';

export interface AsBefore {
  readonly name: string;
  /** As it was: n8n has stored no other than those that differ. */
  readonly default: INodeProperties['default'];
}

export const carried = (parameters: readonly AsBefore[]): INodeProperties[] =>
  parameters.map(({ name, default: value }) => ({
    displayName: name,
    name,
    type: 'hidden',
    default: value,
  }));

interface Told {
  /** What counts that is not shown. */
  readonly what: string;
  /** The option that takes its place. */
  readonly option: string;
  /** Its name. */
  readonly optionName: string;
  /** An expression that holds where the parameter matters. */
  readonly counts: string;
}

export const asBeforeHint = ({ what, option, optionName, counts }: Told): NodeHint => ({
  message: `${what} To change it, add the option <b>${option}</b>.`,
  type: 'info',
  location: 'ndv',
  whenToDisplay: 'always',
  displayCondition: `={{ (${counts}) && ($parameter["options"] || {})["${optionName}"] === undefined }}`,
});

/** In the order of the names; what is not among them comes last, as it stood. */
export function inOrder(properties: readonly INodeProperties[], names: readonly string[]): INodeProperties[] {
  const place = ({ name }: INodeProperties): number =>
    names.includes(name) ? names.indexOf(name) : names.length;
  return [...properties].sort((a, b) => place(a) - place(b));
}
