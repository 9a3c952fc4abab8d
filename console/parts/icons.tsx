// The page's icons: lines of one width, 16 by 16, in the colour of the text beside them. They say nothing that a word beside
// them does not say, so a screen reader is not told of them.
import type { JSX } from 'preact';

const PATHS = {
  good: 'M2.5 8.5 6 12l7.5-8',
  busy: 'M13.5 8A5.5 5.5 0 1 1 11.6 3.8M13.5 2v3h-3',
  quiet: 'M13 9.8A5.6 5.6 0 0 1 6.2 3a5.6 5.6 0 1 0 6.8 6.8Z',
  off: 'M4 8h8M14 8A6 6 0 1 1 2 8a6 6 0 0 1 12 0Z',
  warn: 'M8 2 1.5 13.5h13ZM8 6.5v3M8 11.4v.2',
  bad: 'M5.4 1.8h5.2l3.6 3.6v5.2l-3.6 3.6H5.4l-3.6-3.6V5.4ZM5.7 5.7l4.6 4.6M10.3 5.7l-4.6 4.6',
  odd: 'M14 8A6 6 0 1 1 2 8a6 6 0 0 1 12 0ZM6.3 6.2a1.8 1.8 0 1 1 2.4 1.7c-.5.2-.7.5-.7 1M8 11.2v.2',
  mail: 'M2 3.5h12v9H2ZM2 4l6 5 6-5',
  person: 'M8 8a2.7 2.7 0 1 0 0-5.4A2.7 2.7 0 0 0 8 8ZM2.8 13.8c.5-2.4 2.5-3.8 5.2-3.8s4.7 1.4 5.2 3.8',
  server: 'M2.5 3h11v4h-11ZM2.5 9h11v4h-11ZM5 5h.1M5 11h.1',
  tag: 'M2.5 2.5h5l6 6-5 5-6-6ZM5.4 5.4h.1',
  play: 'M4.5 2.8v10.4L13 8Z',
  close: 'M3.5 3.5l9 9M12.5 3.5l-9 9',
  out: 'M6 3.5H3v9.5h9.5v-3M9 2.5h4.5V7M13.5 2.5 7.5 8.5',
  cut: 'M2 2l12 12M5.2 7.5a5 5 0 0 1 1.5-.9M9.6 6.7c.5.2.9.5 1.3.8M2.5 5a9 9 0 0 1 2-1.2M7.5 3a9 9 0 0 1 6 2.1M8 12.4h.1',
  pause: 'M5.5 3v10M10.5 3v10',
  theme: 'M8 2a6 6 0 1 0 0 12ZM8 2a6 6 0 0 1 0 12',
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, class: more = '' }: { name: IconName; class?: string }): JSX.Element {
  return (
    <svg
      class={`icon ${more}`}
      viewBox="0 0 16 16"
      width="16"
      height="16"
      aria-hidden="true"
      focusable="false"
    >
      <path d={PATHS[name]} />
    </svg>
  );
}
