// A plot of one or more lines over time, drawn by uPlot in the colours of the page, with a legend that tells the numbers where
// the pointer is.
// Invariant: what is drawn can be read as numbers, too: a picture tells a screen reader nothing, and may be missing.
import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type uPlot from 'uplot';
import { axisTime, shortTime } from '../../words/time';
import { isDark } from '../../parts/theme';
import { drawer, type UPlot } from './uplot';

export interface Line {
  readonly name: string;
  /** One of the style's `--line-…`. */
  readonly color: 'first' | 'second' | 'third' | 'fourth';
  readonly values: readonly number[];
  /** What it says as a whole, where nobody points at a time. */
  readonly whole: string;
  readonly filled?: boolean;
}

export interface Plotted {
  readonly title: string;
  /** s since 1970, growing. */
  readonly times: readonly number[];
  readonly from: number;
  readonly until: number;
  readonly lines: readonly Line[];
  readonly word: (value: number) => string;
  /** Each value counts from its time to the next one. */
  readonly stepped: boolean;
}

const HEIGHT = 180;

export function Plot(plotted: Plotted): JSX.Element {
  const { title, times, lines, word } = plotted;
  const pointed = useSignal<number | null>(null);
  const isRead = useSignal(false);
  const place = useRef<HTMLDivElement>(null);
  const UPlot = drawer.uPlot.value;
  useEffect(() => {
    if (!place.current || !UPlot) return undefined;
    const plot = draw(UPlot, place.current, plotted, (at) => (pointed.value = at));
    const watch = new ResizeObserver(([seen]) => {
      if (seen) plot.setSize({ width: seen.contentRect.width, height: HEIGHT });
    });
    watch.observe(place.current);
    const stop = isDark.subscribe(() => plot.redraw(false));
    return () => {
      stop();
      watch.disconnect();
      plot.destroy();
    };
  }, [times, lines, UPlot]);
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

function draw(UPlot: UPlot, place: HTMLElement, plotted: Plotted, point: (at: number | null) => void): uPlot {
  const { times, from, until, lines, word, stepped } = plotted;
  const ink = colorOf(place);
  const axis = { stroke: ink('--faint'), grid: { stroke: ink('--edge'), width: 1 }, ticks: { show: false } };
  const options: uPlot.Options = {
    width: Math.max(200, place.clientWidth),
    height: HEIGHT,
    legend: { show: false },
    cursor: { drag: { x: false, y: false }, points: { size: 6 } },
    scales: { x: { range: [from, until] }, y: { range: (_, __, most) => [0, Math.max(1e-3, most * 1.1)] } },
    axes: [
      {
        ...axis,
        size: 28,
        values: (_, splits, __, ___, apart) => splits.map((at) => axisTime(at * 1_000, apart)),
      },
      { ...axis, size: 56, values: (_, splits) => splits.map(word) },
    ],
    series: [
      {},
      ...lines.map(({ name, color, filled = false }) => ({
        label: name,
        stroke: ink(`--line-${color}`),
        width: 1.5,
        ...(filled ? { fill: ink(`--fill-${color}`) } : {}),
        ...(stepped && UPlot.paths.stepped ? { paths: UPlot.paths.stepped({ align: 1 }) } : {}),
        points: { show: !stepped && times.length < 200, size: 4 },
      })),
    ],
    hooks: { setCursor: [({ cursor }) => point(cursor.idx ?? null)] },
  };
  // The last step is as wide as the others.
  const end = <T,>(values: readonly T[], last: T | undefined): T[] =>
    stepped && last !== undefined ? [...values, last] : [...values];
  const drawn = lines.map(({ values }) => end(values, values.at(-1)));
  return new UPlot(options, [end(times, until), ...drawn], place);
}

/** As the style says it just now, by the name of a property of it: a canvas knows no `light-dark()`. */
function colorOf(place: HTMLElement): (name: string) => () => string {
  const probe = place.appendChild(document.createElement('i'));
  return (name) => () => {
    probe.style.color = `var(${name})`;
    return getComputedStyle(probe).color;
  };
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
