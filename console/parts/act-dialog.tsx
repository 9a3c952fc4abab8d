// Asks before an act: what will be done, with how many, and by which filter they were found.
import type { JSX } from 'preact';
import { count } from '../words/numbers';
import type { Acting } from './acting';
import { Dialog } from './dialog';

interface Asking<Action extends string, Filter extends object> {
  readonly acting: Acting<Action, Filter>;
  readonly inWords: (filter: Filter) => readonly string[];
  /** In words, the states that it is for. */
  readonly statesOf: (action: Action) => string;
}

export function ActDialog<Action extends string, Filter extends object>({
  acting,
  inWords,
  statesOf,
}: Asking<Action, Filter>): JSX.Element | null {
  const question = acting.asked.value;
  if (question === null) return null;
  const { action, chosen, count: found } = question;
  const { acts, many } = acting.on;
  const { label, means, isDanger = false } = acts[action];
  const all = found === null ? '…' : `${found.isMore ? 'more than ' : ''}${acting.counted(found.count)}`;
  const filter = 'filter' in chosen ? inWords(chosen.filter) : null;
  return (
    <Dialog
      title={`${label}: ${filter === null ? all : `all ${all} that the filter finds`}?`}
      yes={found === null || found.isMore ? label : `${label} (${count(found.count)})`}
      isDanger={isDanger}
      isHeld={found === null || found.count === 0}
      onYes={() => void acting.act(question)}
      onNo={() => acting.doNothing()}
    >
      <p>{means}</p>
      {filter !== null && (
        <>
          <p>
            It is done in the background, can be stopped, and leaves out what comes from now on. The filter:
          </p>
          <ul>
            {filter.length === 0 ? (
              <li>none: all {many}</li>
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
      <p class="faint">It is for what is {statesOf(action)}; all others are left as they are.</p>
    </Dialog>
  );
}
