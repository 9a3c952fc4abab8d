// What is the same of each endless list: its end, what came since, and how keys lead through it.
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { counted } from '../words/numbers';
import type { EndlessList } from './endless-list';
import { Asking, Nothing, Wrong } from './held';

interface Listed {
  readonly list: Pick<
    EndlessList<{ readonly id: string }, object>,
    ('rows' | 'error' | 'isAsked' | 'unseen' | 'beginnings' | 'hasMore') | ('again' | 'more' | 'refresh')
  >;
}

export function Newer({ list, one, many }: Listed & { one: string; many: string }): JSX.Element | null {
  if (list.unseen.value === 0) return null;
  return (
    <button type="button" class="newer" onClick={() => (scrollTo({ top: 0 }), void list.refresh(true))}>
      {counted(list.unseen.value, one, many)}: show
    </button>
  );
}

/** Older ones are asked for as soon as it is nearly seen; for who does not scroll there is a button. */
export function End({ list, none }: Listed & { none: () => string }): JSX.Element | null {
  const { rows, error, isAsked, hasMore, beginnings } = list;
  const end = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const watch = new IntersectionObserver(
      (seen) => {
        // A busy page is told of several moments at once: what counts is the last of them.
        if (seen.at(-1)?.isIntersecting && error.peek() === null) void list.more();
      },
      { rootMargin: '600px' },
    );
    if (end.current) watch.observe(end.current);
    return () => watch.disconnect();
    // A page that does not fill the window leaves the end in sight, as does one that takes the place of another while older ones
    // were on their way: watched anew, it asks again.
  }, [rows.value.length, beginnings.value]);
  return (
    <div ref={end}>
      {error.value !== null ? (
        <Wrong text={error.value} again={() => list.again()} />
      ) : isAsked.value ? (
        <Asking />
      ) : hasMore.value ? (
        <button type="button" onClick={() => void list.more()}>
          Look further back
        </button>
      ) : (
        <Nothing>{rows.value.length > 0 ? 'That is all.' : none()}</Nothing>
      )}
    </div>
  );
}

/** Up and down lead from row to row. */
export function step(event: KeyboardEvent): void {
  if (event.key !== 'ArrowDown' && event.key !== 'ArrowUp') return;
  const row = (event.target as Element).closest('.mail');
  const next = event.key === 'ArrowDown' ? row?.nextElementSibling : row?.previousElementSibling;
  const subject = next?.querySelector<HTMLElement>('.mail-subject');
  if (!subject) return;
  event.preventDefault();
  subject.focus();
}
