// What stands where a view has no answer yet, could not get a newer one, or has nothing to show.
import type { ComponentChildren, JSX } from 'preact';
import { Icon } from './icons';

interface WrongTold {
  readonly text: string;
  readonly again: () => void;
  /** What else may help: buttons. */
  readonly children?: ComponentChildren;
}

export function Wrong({ text, again, children }: WrongTold): JSX.Element {
  return (
    <p class="held is-bad" role="alert">
      <Icon name="bad" />
      <span>{text}</span>
      <button type="button" onClick={again}>
        Ask again
      </button>
      {children}
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
