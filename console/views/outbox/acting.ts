// Acts on what is in the outbox.
import type { OutboxActName, OutboxQuery } from '../../../engine/console/api';
import { Acting } from '../../parts/acting';
import { Selection } from '../../parts/selection';
import { ENTRY_ACTS, ENTRY_STATES } from '../../words/entries';
import { toldOf } from '../known-jobs';

export const selection = new Selection();

export const acting = new Acting<OutboxActName, OutboxQuery>({
  ...{ at: '/api/outbox/act', countAt: '/api/outbox/found', one: 'entry', many: 'entries' },
  ...{ acts: ENTRY_ACTS, selection, begun: toldOf },
});

export const stateWords = (action: OutboxActName): string =>
  ENTRY_ACTS[action].of.map((state) => ENTRY_STATES[state].word.toLowerCase()).join(', ');
