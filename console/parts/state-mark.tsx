// A state as it is shown everywhere: a word with an icon, in its colour, and what it means on pointing.
import type { JSX } from 'preact';
import type { EntryState } from '../../engine/console/outbox-api';
import { ENTRY_STATES } from '../words/entries';
import { STATES, type State, type Word } from '../words/states';
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

const ENTRY_ICONS: Readonly<Record<EntryState, IconName>> = {
  QUEUED: 'pause',
  SENDING: 'busy',
  SENT: 'good',
  FAILED: 'bad',
  UNKNOWN: 'odd',
  BOUNCED: 'warn',
  CANCELLED: 'off',
};

export const StateMark = ({ state }: { state: State }): JSX.Element => (
  <Mark word={STATES[state]} icon={ICONS[state]} />
);

/** Of what goes out. */
export const EntryMark = ({ state }: { state: EntryState }): JSX.Element => (
  <Mark word={ENTRY_STATES[state]} icon={ENTRY_ICONS[state]} />
);

function Mark({ word: { word, tone, means }, icon }: { word: Word; icon: IconName }): JSX.Element {
  return (
    <span class={`state is-${tone}`} title={means}>
      <Icon name={icon} />
      {word}
    </span>
  );
}
