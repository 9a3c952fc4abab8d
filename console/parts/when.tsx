// A time as people read it: how long ago, or when exactly, with the whole of it on pointing.
import { computed } from '@preact/signals';
import { useMemo } from 'preact/hooks';
import type { ComponentChildren, JSX } from 'preact';
import { now } from '../live/now';
import { fromNow, shortTime, timeOf, wholeTime } from '../words/time';

interface Asked {
  /** ISO 8601. */
  readonly at: string | null;
  /** Where it is none. */
  readonly none?: string;
}

/** "4 min ago", and it goes on. */
export function Ago({ at, none = '–' }: Asked): JSX.Element {
  const time = timeOf(at);
  const text = useMemo(() => computed(() => (time === null ? none : fromNow(time, now.value))), [time, none]);
  return time === null ? <span>{none}</span> : <Whole time={time}>{text}</Whole>;
}

/** "14:03:22", or with its day where that is another. */
export function At({ at, none = '–' }: Asked): JSX.Element {
  const time = timeOf(at);
  if (time === null) return <span>{none}</span>;
  return <Whole time={time}>{shortTime(time, now.peek())}</Whole>;
}

function Whole({ time, children }: { time: number; children: ComponentChildren }): JSX.Element {
  return (
    <time dateTime={new Date(time).toISOString()} title={wholeTime(time)}>
      {children}
    </time>
  );
}
