// The fields and chips of a filter.
// Invariant: a field shows what it is given; what is typed counts when it is finished (Enter, or leaving the field).
import type { JSX } from 'preact';
import { count } from '../words/numbers';

interface Chips<State extends string> {
  readonly states: readonly (readonly [State, { readonly word: string; readonly means: string }])[];
  readonly chosen: readonly State[];
  readonly choose: (states: readonly State[]) => void;
  /** How many there are of each. */
  readonly counts?: Readonly<Partial<Record<State, number>>>;
}

export function StateChips<State extends string>({
  states,
  chosen,
  choose,
  counts,
}: Chips<State>): JSX.Element {
  return (
    <div class="chips" role="group" aria-label="State">
      <button type="button" aria-pressed={chosen.length === 0} onClick={() => choose([])}>
        All
      </button>
      {states.map(([state, { word, means }]) => {
        const isChosen = chosen.includes(state);
        const others = isChosen ? chosen.filter((one) => one !== state) : [...chosen, state];
        const found = counts?.[state];
        return (
          <button
            key={state}
            type="button"
            aria-pressed={isChosen}
            title={means}
            onClick={() => choose(others)}
          >
            {word}
            {found !== undefined && <span class="faint">{count(found)}</span>}
          </button>
        );
      })}
    </div>
  );
}

interface Typing {
  readonly label: string;
  readonly value: string | undefined;
  readonly type: 'text' | 'search' | 'number' | 'datetime-local';
  readonly set: (value: string) => void;
}

export function Field({ label, value = '', type, set }: Typing): JSX.Element {
  return (
    <label class={type === 'datetime-local' ? 'moment' : undefined}>
      <span>{label}</span>
      <input
        type={inputType(type)}
        value={value}
        onChange={({ currentTarget }) => set(currentTarget.value.trim())}
      />
    </label>
  );
}

/** preact's types tell each kind of field apart, and none that may be of several. */
const inputType = (type: Typing['type']): 'text' => type as 'text';
