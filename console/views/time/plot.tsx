// A plot of one or more lines over time, with a legend that tells the numbers where the pointer is.
// Invariant: what is drawn can be read as numbers, too: a picture tells a screen reader nothing.
import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { isDark } from '../../parts/theme';
import { shortTime } from '../../words/time';
import { Drawing, type Plotted } from './drawing';

export function Plot(plotted: Plotted): JSX.Element {
  const { title, times, lines, word } = plotted;
  const pointed = useSignal<number | null>(null);
  const isRead = useSignal(false);
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!place.current) return undefined;
    const drawing = new Drawing(place.current, plotted, (at) => (pointed.value = at));
    const watch = new ResizeObserver(() => drawing.draw());
    watch.observe(place.current);
    const stop = isDark.subscribe(() => drawing.draw());
    return () => {
      stop();
      watch.disconnect();
      drawing.remove();
    };
  }, [times, lines]);
  const at = pointed.value === null ? null : Math.min(pointed.value, times.length - 1);
  const time = at === null ? undefined : times[at];
  return (
    <figure class="plot">
      <figcaption>
        <h2>{title}</h2>
        <ul class="legend">
          {lines.map(({ name, color, values, whole }) => (
            <li key={name}>
              <i class={`line-${color}`} /> {name} <b>{at === null ? whole : word(values[at] ?? 0)}</b>
            </li>
          ))}
          <li class="faint">{time === undefined ? '' : shortTime(time * 1_000, Date.now())}</li>
        </ul>
      </figcaption>
      <div ref={place} class="drawn" aria-hidden="true" />
      <details onToggle={({ currentTarget }) => (isRead.value = currentTarget.open)}>
        <summary>As numbers</summary>
        {isRead.value && <Numbers {...plotted} />}
      </details>
    </figure>
  );
}

function Numbers({ times, lines, word, title }: Plotted): JSX.Element {
  const said = times
    .map((time, at) => ({ time, at }))
    .filter(({ at }) => lines.some(({ values }) => values[at]));
  return (
    <div class="scrolls" tabIndex={0} role="region" aria-label={`${title}, as numbers`}>
      <table>
        <thead>
          <tr>
            <th scope="col">Time</th>
            {lines.map(({ name }) => (
              <th key={name} scope="col">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {said.map(({ time, at }) => (
            <tr key={time}>
              <th scope="row">{shortTime(time * 1_000, Date.now())}</th>
              {lines.map(({ name, values }) => (
                <td key={name} class="number">
                  {word(values[at] ?? 0)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
