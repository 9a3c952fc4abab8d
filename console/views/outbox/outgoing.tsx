// What went out in answer to a mail, in its opened view.
import type { JSX } from 'preact';
import { useEffect, useMemo } from 'preact/hooks';
import type { OutboxAnswer } from '../../../engine/console/outbox-api';
import { ask, pathOf } from '../../api/ask';
import { Resource } from '../../api/resource';
import { onLive } from '../../live/live';
import { Within } from '../../parts/links';
import { EntryMark } from '../../parts/state-mark';
import { At } from '../../parts/when';
import { entryIn } from './list';
import { titleOf } from './row';

const PACE_MS = 700;
const MOST = 50;

export type Outgoing = Resource<OutboxAnswer>;

/** Asked for as soon as the mail is, so that both go in one request where each is dear. @param event the mail's */
export function useOutgoing(event: string): Outgoing {
  const outgoing = useMemo(
    () => new Resource((signal) => ask<OutboxAnswer>(pathOf('/api/outbox', { event, limit: MOST }), signal)),
    [event],
  );
  useEffect(() => {
    void outgoing.load();
    const stop = onLive({
      event: (told) => {
        const isKnown = outgoing.data.peek()?.entries.some(({ id }) => id === entryIn(told));
        if (told.type.startsWith('outbox.') && (told.event === event || isKnown)) outgoing.soon(PACE_MS);
      },
      anew: (hasHoles) => outgoing.anew(hasHoles),
    });
    return () => {
      stop();
      outgoing.clear();
    };
  }, [outgoing]);
  return outgoing;
}

export function OutgoingList({ of }: { of: Outgoing }): JSX.Element | null {
  const entries = of.data.value?.entries ?? [];
  if (entries.length === 0) return null;
  return (
    <>
      <h3>What went out for it</h3>
      <ul class="outgoing">
        {entries.map((entry) => (
          <li key={entry.id}>
            <EntryMark state={entry.state} />
            <Within view="outbox" id={entry.id} dir="auto">
              {titleOf(entry)}
            </Within>
            <span class="faint">
              {entry.recipient !== null && (
                <>
                  to <bdi>{entry.recipient}</bdi>,{' '}
                </>
              )}
              <At at={entry.queuedAt} />
            </span>
          </li>
        ))}
      </ul>
    </>
  );
}
