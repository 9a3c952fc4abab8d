// A state as it is shown everywhere: a word with an icon, in its colour, and what it means on pointing.
import type { JSX } from 'preact';
import { STATES, type State } from '../words/states';
import { Icon, type IconName } from './icons';

const ICONS: Readonly<Record<State, IconName>> = {
  PENDING: 'pause',
  QUEUED: 'busy',
  RUNNING: 'play',
  RETRY: 'warn',
  DONE: 'good',
  DEAD: 'bad',
  GONE: 'odd',
  UNKNOWN: 'odd',
};

export function StateMark({ state }: { state: State }): JSX.Element {
  const { word, tone, means } = STATES[state];
  return (
    <span class={`state is-${tone}`} title={means}>
      <Icon name={ICONS[state]} />
      {word}
    </span>
  );
}
