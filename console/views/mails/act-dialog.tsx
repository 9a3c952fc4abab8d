// Asks before an act: what will be done, with how many, and by which filter they were found.
import type { JSX } from 'preact';
import { Dialog } from '../../parts/dialog';
import { count, counted } from '../../words/numbers';
import type { ActName } from '../../../engine/console/api';
import { ACTS, STATES } from '../../words/states';
import { act, asked, doNothing } from './acting';
import { inWords } from './filter';

export function ActDialog(): JSX.Element | null {
  const question = asked.value;
  if (question === null) return null;
  const { action, chosen, count: found } = question;
  const { label, means } = ACTS[action];
  const many = found === null ? '…' : `${found.isMore ? 'more than ' : ''}${counted(found.count, 'mail')}`;
  const filter = 'filter' in chosen ? inWords(chosen.filter) : null;
  return (
    <Dialog
      title={`${label}: ${filter === null ? many : `all ${many} that the filter finds`}?`}
      yes={found === null || found.isMore ? label : `${label} (${count(found.count)})`}
      isDanger={action === 'forget'}
      isHeld={found === null || found.count === 0}
      onYes={() => void act(question)}
      onNo={doNothing}
    >
      <p>{means}</p>
      {filter !== null && (
        <>
          <p>
            It is done in the background, can be stopped, and leaves out what is recorded from now on. The
            filter:
          </p>
          <ul>
            {filter.length === 0 ? (
              <li>none: all mails</li>
            ) : (
              filter.map((part) => (
                <li key={part}>
                  <bdi>{part}</bdi>
                </li>
              ))
            )}
          </ul>
        </>
      )}
      <p class="faint">It is for what is {stateWords(action)}; all others are left as they are.</p>
    </Dialog>
  );
}

const stateWords = (action: ActName): string =>
  ACTS[action].of.map((state) => STATES[state].word.toLowerCase()).join(', ');
