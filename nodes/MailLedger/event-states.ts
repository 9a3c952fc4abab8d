// The states of an event, for people: docs/architecture.md has them all.
import type { INodePropertyOptions } from 'n8n-workflow';
import type { EventState } from '../../engine/ledger/states';

const MEANINGS: Readonly<Record<EventState, string>> = {
  DEAD: 'All tries failed; the content is kept, and it can be replayed',
  DONE: 'Its run succeeded',
  GONE: 'The email was deleted before it could be read',
  PENDING: 'Recorded; its run has not been started yet',
  QUEUED: 'Handed to n8n, which has not begun its run yet',
  RETRY: 'A run failed; it is due again at a later time',
  RUNNING: 'A run has it now',
  UNKNOWN: 'Nobody knows how its run ended; it is not tried again, because it is to run at most once',
};

export const STATES = Object.keys(MEANINGS) as readonly EventState[];

export const stateOptions: INodePropertyOptions[] = STATES.map((state) => ({
  name: state.charAt(0) + state.slice(1).toLowerCase(),
  value: state,
  description: MEANINGS[state],
}));
