// One thing, opened beside the list.
// Invariants: Escape and the cross lead back to the list as it was; what is told here is as new as the feed makes it.
import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type { FeedEvent } from '../../engine/feed/feed-event';
import type { Resource } from '../api/resource';
import { onLive } from '../live/live';
import { addressOf, go, type Route } from '../route';
import { Asking, Wrong } from './held';
import { Icon } from './icons';

const PACE_MS = 700;

interface Panel<Answer> {
  readonly of: Resource<Answer>;
  /** What it is: `mail`. */
  readonly what: string;
  /** Its element in the list. */
  readonly row: string;
  readonly back: Pick<Route, 'view' | 'query'>;
  /** It may be otherwise by now. */
  readonly isOf: (event: FeedEvent) => boolean;
  /** Something else is answered by Escape. */
  readonly isHeld: () => boolean;
  readonly children: (answer: Answer) => ComponentChildren;
}

export function OpenedPanel<Answer>(panel: Panel<Answer>): JSX.Element {
  const { of, what, row, back, isHeld, children } = panel;
  const aside = useRef<HTMLElement>(null);
  useEffect(() => {
    void of.load();
    aside.current?.focus();
    const stop = onLive({
      event: (event) => {
        if (panel.isOf(event)) of.soon(PACE_MS);
      },
      anew: (hasHoles) => of.anew(hasHoles),
    });
    return () => {
      stop();
      of.clear();
    };
  }, [of]);
  const close = (): void => {
    go(back);
    // One that was led to by its address need not be among those that are shown.
    const led =
      document.querySelector<HTMLElement>(`${row} a`) ?? document.querySelector<HTMLElement>('main');
    led?.focus();
  };
  useEffect(() => {
    const onKeyDown = ({ key, target }: KeyboardEvent): void => {
      // A field has its own use for it, and a question is answered by it.
      const isOthers = target instanceof Element && target.matches('input, select, textarea');
      if (key === 'Escape' && !isOthers && !isHeld()) close();
    };
    document.addEventListener('keydown', onKeyDown);
    return () => document.removeEventListener('keydown', onKeyDown);
  });
  const answer = of.data.value;
  return (
    <aside ref={aside} class="opened" tabIndex={-1} aria-label={`The opened ${what}`}>
      <a
        class="button bare close"
        href={addressOf(back)}
        aria-label={`Close the ${what}`}
        onClick={(event) => {
          event.preventDefault();
          close();
        }}
      >
        <Icon name="close" />
      </a>
      {of.error.value !== null && <Wrong text={of.error.value} again={() => void of.load()} />}
      {answer === null ? of.error.value === null && <Asking /> : children(answer)}
    </aside>
  );
}
