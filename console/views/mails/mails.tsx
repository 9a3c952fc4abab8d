// The mails that the filter finds, the newest first, without an end; one of them opened beside the list.
// Invariant: the list follows the address; opening a mail does not move it.
import type { JSX } from 'preact';
import { useEffect, useMemo, useRef } from 'preact/hooks';
import type { ActName } from '../../../engine/console/api';
import { me } from '../../api/session';
import { statistics, triggers } from '../../live/known';
import { onLive } from '../../live/live';
import { ActDialog } from '../../parts/act-dialog';
import { ActsBar } from '../../parts/acts-bar';
import { End, Newer, step } from '../../parts/list-end';
import { route } from '../../route';
import { ACTS, STATES } from '../../words/states';
import { Jobs } from '../jobs';
import { acting, chosenAs } from './acting';
import { filterOf, inWords } from './filter';
import { FilterBar } from './filter-bar';
import { mails } from './list';
import { Opened } from './opened';
import { Row } from './row';
import { selection } from './selection';

export function Mails(): JSX.Element {
  const { query, id } = route.value;
  const key = JSON.stringify(filterOf(query));
  const filter = useMemo(() => filterOf(query), [key]);
  const top = useRef<HTMLDivElement>(null);
  const isTop = (): boolean => (top.current?.getBoundingClientRect().top ?? 0) >= 0;
  useEffect(() => {
    selection.pickNothing();
    void mails.show(filter);
    const stop = onLive({
      event: (event) => mails.hear(event, isTop),
      anew: (hasHoles) => mails.anew(hasHoles, isTop()),
    });
    return () => {
      stop();
      // A question is about what was seen when it was asked.
      acting.doNothing();
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
      <Jobs of="mails" />
      <div ref={top} />
      {mayAct && (
        <ActsBar
          acting={acting}
          filter={filter}
          shown={mails.rows.value.map(({ id }) => id)}
          chosenAs={(action, ids) => chosenAs(action, ids, mails.rows.value)}
        />
      )}
      <Newer list={mails} one="newer mail" many="newer mails" />
      <ul
        class={`mails ${mayAct ? 'may-act' : ''}`}
        aria-label="Mails, the newest first"
        aria-busy={mails.isAsked.value}
        onKeyDown={step}
      >
        {mails.rows.value.map((mail) => (
          <Row
            key={mail.id}
            mail={mail}
            filter={filter}
            isPicked={selection.isAll.value || selection.picked.value.has(mail.id)}
            isOpen={mail.id === id}
            mayAct={mayAct}
          />
        ))}
      </ul>
      <End list={mails} none={noMails} />
      {id !== null && <Opened key={id} id={id} filter={filter} />}
      <ActDialog acting={acting} inWords={inWords} statesOf={stateWords} />
    </>
  );
}

const stateWords = (action: ActName): string =>
  ACTS[action].of.map((state) => STATES[state].word.toLowerCase()).join(', ');

const noMails = (): string => {
  const counts = statistics.data.value?.counts;
  const all = counts ? Object.values(counts).reduce((sum, count) => sum + count, 0) : 0;
  return all > 0 ? 'No mail is found by this filter.' : 'No mail has come yet.';
};
