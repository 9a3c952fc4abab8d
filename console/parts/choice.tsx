// A choice of one of what is known, or of any.
import type { JSX } from 'preact';

interface Choosing {
  readonly label: string;
  readonly value: string | undefined;
  readonly ids: readonly string[];
  readonly name: (id: string) => string;
  readonly choose: (id: string) => void;
}

export function Choice({ label, value = '', ids, name, choose }: Choosing): JSX.Element {
  return (
    <label>
      <span>{label}</span>
      <select value={value} onChange={({ currentTarget }) => choose(currentTarget.value)}>
        <option value="">Any</option>
        {ids.map((id) => (
          <option key={id} value={id} selected={id === value}>
            {name(id)}
          </option>
        ))}
      </select>
    </label>
  );
}

/** What is asked for stands among them, whether it is known or not. */
export const known = (ids: readonly string[] = [], asked = ''): readonly string[] =>
  [...new Set([...ids, asked])].filter(Boolean);
