// Random settings of a trigger's node, from its own description: all that a person can set there, with texts that the node takes.
// Invariant: every parameter comes up that the description has, but for notices.
import fc from 'fast-check';
import type { INodeParameters, INodeProperties, INodePropertyOptions } from 'n8n-workflow';

/** By the names of the parameters: texts for which the node has a language of its own, and what it only carries along. */
export type Texts = Readonly<Record<string, readonly unknown[]>>;

/** Some of the description's parameters; of a collection some of its options. */
export function settingsOf(
  properties: readonly INodeProperties[],
  texts: Texts,
): fc.Arbitrary<INodeParameters> {
  const known = properties.filter(({ type }) => type !== 'notice');
  const each = Object.fromEntries(known.map((property) => [property.name, valueOf(property, texts)]));
  return fc.record(each, { requiredKeys: [] }) as fc.Arbitrary<INodeParameters>;
}

/** All names of the description's parameters; an option's behind its collection's. */
export const namesOf = (properties: readonly INodeProperties[]): string[] =>
  properties
    .filter(({ type }) => type !== 'notice')
    .flatMap((property) => [
      property.name,
      ...(property.type === 'collection'
        ? namesOf(property.options as INodeProperties[]).map((name) => `${property.name}.${name}`)
        : []),
    ]);

/** Those that are set. */
export const namesIn = (parameters: INodeParameters): string[] =>
  Object.entries(parameters).flatMap(([name, value]) =>
    name === 'options' || name === 'filters'
      ? [name, ...Object.keys(value as object).map((option) => `${name}.${option}`)]
      : [name],
  );

function valueOf(property: INodeProperties, texts: Texts): fc.Arbitrary<unknown> {
  const { name, type, typeOptions = {}, default: usual } = property;
  const known = texts[name];
  if (type === 'multiOptions') return fc.subarray([...(known ?? values(property))]);
  if (known) return fc.constantFrom(...known);
  switch (type) {
    case 'options':
      return fc.constantFrom(...values(property));
    case 'boolean':
      return fc.boolean();
    case 'number': {
      const { minValue = 0, maxValue = 0 } = typeOptions;
      return fc.integer({ min: Math.ceil(minValue), max: maxValue });
    }
    case 'collection':
      return settingsOf(property.options as INodeProperties[], texts);
    default:
      return fc.constant(usual);
  }
}

const values = ({ options = [] }: INodeProperties): unknown[] =>
  (options as INodePropertyOptions[]).map(({ value }) => value);
