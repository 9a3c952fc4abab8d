// The mails that the filter finds, the newest first, without an end; one of them opened beside the list.
// Invariant: the list follows the address; opening a mail does not move it.
import type { JSX } from 'preact';
import { useEffect, useMemo, useRef } from 'preact/hooks';
import { me } from '../../api/session';
import { statistics, triggers } from '../../live/known';
import { onLive } from '../../live/live';
import { Asking, Nothing, Wrong } from '../../parts/held';
import { route } from '../../route';
import { counted } from '../../words/numbers';
import { doNothing } from './acting';
import { ActsBar } from './acts-bar';
import { ActDialog } from './act-dialog';
import { filterOf } from './filter';
import { FilterBar } from './filter-bar';
import { Jobs } from './jobs';
import { anew, beginnings, error, hasMore, hear, isAsked, more, refresh, rows, show, unseen } from './list';
import { Opened } from './opened';
import { Row } from './row';
import { picked, isAll, pickNothing } from './selection';

export function Mails(): JSX.Element {
  const { query, id } = route.value;
  const key = JSON.stringify(filterOf(query));
  const filter = useMemo(() => filterOf(query), [key]);
  const top = useRef<HTMLDivElement>(null);
  const isTop = (): boolean => (top.current?.getBoundingClientRect().top ?? 0) >= 0;
  useEffect(() => {
    pickNothing();
    void show(filter);
    const stop = onLive({
      event: (event) => hear(event, isTop),
      anew: (hasHoles) => anew(hasHoles, isTop()),
    });
    return () => {
      stop();
      // A question is about what was seen when it was asked.
      doNothing();
    };
  }, [filter]);
  useEffect(() => {
    void triggers.load();
  }, []);
  const mayAct = me.value?.right === 'operate';
  return (
    <>
      <h1>Mails</h1>
      <FilterBar filter={filter} />
      <Jobs />
      <div ref={top} />
      {mayAct && <ActsBar filter={filter} />}
      {unseen.value > 0 && (
        <button type="button" class="newer" onClick={() => (scrollTo({ top: 0 }), void refresh(true))}>
          {counted(unseen.value, 'newer mail')}: show
        </button>
      )}
      <ul
        class={`mails ${mayAct ? 'may-act' : ''}`}
        aria-label="Mails, the newest first"
        aria-busy={isAsked.value}
        onKeyDown={step}
      >
        {rows.value.map((mail) => (
          <Row
            key={mail.id}
            mail={mail}
            filter={filter}
            isPicked={isAll.value || picked.value.has(mail.id)}
            isOpen={mail.id === id}
            mayAct={mayAct}
          />
        ))}
      </ul>
      <End />
      {id !== null && <Opened key={id} id={id} filter={filter} />}
      <ActDialog />
    </>
  );
}

/** Up and down lead from mail to mail. */
function step(event: KeyboardEvent): void {
  if (event.key !== 'ArrowDown' && event.key !== 'ArrowUp') return;
  const row = (event.target as Element).closest('.mail');
  const next = event.key === 'ArrowDown' ? row?.nextElementSibling : row?.previousElementSibling;
  const subject = next?.querySelector<HTMLElement>('.mail-subject');
  if (!subject) return;
  event.preventDefault();
  subject.focus();
}

/** Older ones are asked for as soon as it is nearly seen; for who does not scroll there is a button. */
function End(): JSX.Element | null {
  const end = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const watch = new IntersectionObserver(
      ([seen]) => {
        if (seen?.isIntersecting && error.peek() === null) void more();
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
        <Wrong
          text={error.value}
          again={() => void (rows.value.length > 0 ? more() : show(filterOf(route.value.query)))}
        />
      ) : isAsked.value ? (
        <Asking />
      ) : hasMore.value ? (
        <button type="button" onClick={() => void more()}>
          Look further back
        </button>
      ) : (
        <Nothing>{rows.value.length > 0 ? 'That is all.' : noMails()}</Nothing>
      )}
    </div>
  );
}

const noMails = (): string => {
  const counts = statistics.data.value?.counts;
  const all = counts ? Object.values(counts).reduce((sum, count) => sum + count, 0) : 0;
  return all > 0 ? 'No mail is found by this filter.' : 'No mail has come yet.';
};
