// Acts on mails.
import type { ActName, MailQuery, MailTold } from '../../../engine/console/api';
import { Acting, type Chosen } from '../../parts/acting';
import { ACTS } from '../../words/states';
import { toldOf } from '../known-jobs';
import { selection } from './selection';

export const acting = new Acting<ActName, MailQuery>({
  ...{ at: '/api/act', countAt: '/api/count', one: 'mail', many: 'mails' },
  ...{ acts: ACTS, selection, begun: toldOf },
});

/** What would run again is meant as it is shown now: one that is DEAD, and done when the person says yes, is not to run once more. */
export const chosenAs = (
  action: ActName,
  ids: readonly string[],
  shown: readonly MailTold[],
): Chosen<MailQuery> =>
  action === 'replay' ? { ids, states: new Map(shown.map(({ id, state }) => [id, state])) } : { ids };
