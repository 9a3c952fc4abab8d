// A choice of one of what is known, or of any.
// Invariant: what is chosen is among them. Of thousands only some are: nobody reads through them, and the browser takes long to
// draw them; a view has them all.
import type { JSX } from 'preact';
import { count } from '../words/numbers';

const MOST = 300;

interface Choosing {
  readonly label: string;
  readonly value: string | undefined;
  readonly ids: readonly string[];
  readonly name: (id: string) => string;
  /** Where all of them are. */
  readonly view: string;
  readonly choose: (id: string) => void;
}

export function Choice({ label, value = '', ids, name, view, choose }: Choosing): JSX.Element {
  const shown = ids.slice(0, MOST);
  if (value !== '' && !shown.includes(value)) shown.push(value);
  const left = ids.length - shown.length;
  return (
    <label>
      <span>{label}</span>
      <select value={value} onChange={({ currentTarget }) => choose(currentTarget.value)}>
        <option value="">Any</option>
        {shown.map((id) => (
          <option key={id} value={id} selected={id === value}>
            {name(id)}
          </option>
        ))}
        {left > 0 && (
          <option value="" disabled>
            {count(left)} more: choose in {view}
          </option>
        )}
      </select>
    </label>
  );
}

/** What is asked for stands among them, whether it is known or not. */
export const known = (ids: readonly string[] = [], asked = ''): readonly string[] =>
  [...new Set([...ids, asked])].filter(Boolean);
