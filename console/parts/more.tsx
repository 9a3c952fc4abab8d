// A long list is drawn piece by piece, as somebody asks for more: thousands of rows at once would hold up the browser.
import type { JSX } from 'preact';
import { count } from '../words/numbers';

/** Drawn at first, and by each wish for more. */
export const PIECE = 100;

/** @param left so many are not drawn */
export function More({ left, show }: { left: number; show: () => void }): JSX.Element | null {
  if (left <= 0) return null;
  return (
    <button type="button" class="more" onClick={show}>
      Show {count(Math.min(left, PIECE))} more of {count(left)}
    </button>
  );
}
