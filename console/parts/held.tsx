// What stands where a view has no answer yet, could not get a newer one, or has nothing to show.
import type { ComponentChildren, JSX } from 'preact';
import { Icon } from './icons';

export function Wrong({ text, again }: { text: string; again: () => void }): JSX.Element {
  return (
    <p class="held is-bad" role="alert">
      <Icon name="bad" />
      <span>{text}</span>
      <button type="button" onClick={again}>
        Ask again
      </button>
    </p>
  );
}

export function Nothing({ children }: { children: ComponentChildren }): JSX.Element {
  return <p class="held">{children}</p>;
}

export function Asking(): JSX.Element {
  return (
    <p class="held" aria-busy="true">
      <span class="turning" aria-hidden="true" />
      <span>Asking…</span>
    </p>
  );
}
