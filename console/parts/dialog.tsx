// A question that has to be answered first. The browser keeps the focus in it, and Escape says no.
import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';

interface Question {
  readonly title: string;
  readonly yes: string;
  readonly isDanger: boolean;
  /** It cannot be answered yes yet. */
  readonly isHeld: boolean;
  readonly onYes: () => void;
  readonly onNo: () => void;
  readonly children: ComponentChildren;
}

export function Dialog({ title, yes, isDanger, isHeld, onYes, onNo, children }: Question): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const before = document.activeElement;
    dialog.current?.showModal();
    return () => (before as HTMLElement | null)?.focus();
  }, []);
  const refused = (event: Event): void => {
    event.preventDefault();
    onNo();
  };
  return (
    <dialog ref={dialog} aria-labelledby="question" onCancel={refused}>
      <h2 id="question">{title}</h2>
      {children}
      <div class="answers">
        <button type="button" onClick={onNo}>
          Cancel
        </button>
        <button
          type="button"
          class={isDanger ? 'danger primary' : 'primary'}
          disabled={isHeld}
          onClick={onYes}
        >
          {yes}
        </button>
      </div>
    </dialog>
  );
}
