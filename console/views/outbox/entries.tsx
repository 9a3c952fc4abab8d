// What is to go out and what did, the newest first, without an end; one of them opened beside the list.
// Invariant: the list follows the address; opening an entry does not move it.
import type { JSX } from 'preact';
import { useEffect, useMemo, useRef } from 'preact/hooks';
import { me } from '../../api/session';
import { outboxCounts, triggers } from '../../live/known';
import { onLive } from '../../live/live';
import { ActDialog } from '../../parts/act-dialog';
import { ActsBar } from '../../parts/acts-bar';
import { End, Newer, step } from '../../parts/list-end';
import { route } from '../../route';
import { countsByState } from '../../words/entries';
import { Jobs } from '../jobs';
import { acting, selection, stateWords } from './acting';
import { entriesInWords, entryFilterOf } from './filter';
import { FilterBar } from './filter-bar';
import { entries } from './list';
import { OpenedEntry } from './opened';
import { Row } from './row';

export function Entries(): JSX.Element {
  const { query, id } = route.value;
  const key = JSON.stringify(entryFilterOf(query));
  const filter = useMemo(() => entryFilterOf(query), [key]);
  const top = useRef<HTMLDivElement>(null);
  const isTop = (): boolean => (top.current?.getBoundingClientRect().top ?? 0) >= 0;
  useEffect(() => {
    selection.pickNothing();
    void entries.show(filter);
    const stop = onLive({
      event: (event) => entries.hear(event, isTop),
      anew: (hasHoles) => entries.anew(hasHoles, isTop()),
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
      <FilterBar filter={filter} />
      <Jobs of="outbox" />
      <div ref={top} />
      {mayAct && (
        <ActsBar
          acting={acting}
          filter={filter}
          shown={entries.rows.value.map(({ id }) => id)}
          chosenAs={(_, ids) => ({ ids })}
        />
      )}
      <Newer list={entries} one="newer entry" many="newer entries" />
      <ul
        class={`mails ${mayAct ? 'may-act' : ''}`}
        aria-label="The outbox, the newest first"
        aria-busy={entries.isAsked.value}
        onKeyDown={step}
      >
        {entries.rows.value.map((entry) => (
          <Row
            key={entry.id}
            entry={entry}
            filter={filter}
            isPicked={selection.isAll.value || selection.picked.value.has(entry.id)}
            isOpen={entry.id === id}
            mayAct={mayAct}
          />
        ))}
      </ul>
      <End list={entries} none={noEntries} />
      {id !== null && <OpenedEntry key={id} id={id} filter={filter} />}
      <ActDialog acting={acting} inWords={entriesInWords} statesOf={stateWords} />
    </>
  );
}

const noEntries = (): string => {
  const counts = outboxCounts.data.value;
  return counts && Object.values(countsByState(counts)).some((count) => count > 0)
    ? 'Nothing is found by this filter.'
    : 'Nothing has gone out yet. Durable Send and Durable Webhook put here what they send.';
};
