// Which process reads what a trigger listens to: the option that both mail triggers have, and what it says.
import type { INodeProperties } from 'n8n-workflow';
import type { Subscriber } from '../../../engine/source/source';
import { type Parameters, text } from './parameters';

/** @param what is read, for people */
export const collectingOption = (what: string): INodeProperties => ({
  displayName: 'Collecting',
  name: 'collecting',
  type: 'options',
  options: [
    { name: 'Here', value: 'here', description: 'By n8n itself, or whoever shares its mail ledger' },
    {
      name: 'Left to a Collector',
      value: 'elsewhere',
      description: 'By durable-mail collect only. The error workflow hears of it when none is there.',
    },
    {
      name: 'Left to a Collector, Here While There Is None',
      value: 'reserve',
      description: 'By durable-mail collect, and by n8n itself until one is there',
    },
  ],
  default: 'here',
  description: `Which process reads the ${what}. The workflow runs in n8n in any case.`,
});

export type ReadBy = NonNullable<Subscriber<never, never>['readBy']>;

/** @throws Error that names the setting */
export function readBy(options: Parameters): ReadBy {
  const chosen = text(options, 'collecting') || 'here';
  if (chosen === 'here' || chosen === 'reserve' || chosen === 'elsewhere') return chosen;
  throw new Error(`"Collecting" cannot be "${chosen}". Choose one of its values.`);
}
