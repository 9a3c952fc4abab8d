// What stands above every view: where one can go, whether the page is connected, how many mails are where, who one is.
import type { JSX } from 'preact';
import { useComputed } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { leave, me, isGiven } from './api/session';
import { outboxCounts, sources, statistics } from './live/known';
import { joinNow, link, stats } from './live/live';
import { now } from './live/now';
import { Icon } from './parts/icons';
import { ThemeChoice } from './parts/theme';
import { addressOf, route, type View } from './route';
import { count } from './words/numbers';
import type { State } from './words/states';
import { span } from './words/time';

const WORDS: Readonly<Record<View, string>> = {
  sources: 'Sources',
  mails: 'Mails',
  outbox: 'Outbox',
  time: 'Over time',
  workflows: 'Workflows',
};

export function Head(): JSX.Element {
  const broken = sources.data.value?.standings.broken ?? 0;
  const unknown = outboxCounts.data.value?.unknown ?? 0;
  const header = useRef<HTMLElement>(null);
  useEffect(() => {
    // What sticks below it has to know how high it is.
    const watch = new ResizeObserver(() => {
      document.documentElement.style.setProperty('--head', `${header.current?.offsetHeight ?? 0}px`);
    });
    if (header.current) watch.observe(header.current);
    return () => watch.disconnect();
  }, []);
  return (
    <header ref={header}>
      <div class="head">
        <span class="name">
          <Icon name="mail" /> Mail Console
        </span>
        <nav aria-label="Views">
          {(Object.keys(WORDS) as View[]).map((view) => (
            <a
              key={view}
              href={addressOf({ view })}
              aria-current={route.value.view === view ? 'page' : undefined}
            >
              {WORDS[view]}
              {view === 'sources' && broken > 0 && <span class="badge">{broken} broken</span>}
              {view === 'outbox' && unknown > 0 && <span class="badge">{count(unknown)} unknown</span>}
            </a>
          ))}
        </nav>
        <span class="push" />
        <LinkSign />
        <ThemeChoice />
        <Self />
      </div>
      <Figures />
      <Lost />
    </header>
  );
}

function LinkSign(): JSX.Element {
  const { mode } = link.value;
  const [tone, icon, word] =
    mode === 'live'
      ? (['good', 'good', 'Live'] as const)
      : mode === 'lost'
        ? (['bad', 'cut', 'Not connected'] as const)
        : (['quiet', 'busy', 'Connecting…'] as const);
  return (
    <span class={`link is-${tone}`} data-link={mode}>
      <Icon name={icon} /> {word}
    </span>
  );
}

/** What is seen is not what is so, as long as this stands here. */
function Lost(): JSX.Element | null {
  const left = useComputed(() => {
    const to = link.value;
    // Told anew each second.
    return now.value > 0 && to.mode === 'lost' ? span(to.again - performance.now()) : '';
  });
  const to = link.value;
  if (to.mode !== 'lost') return null;
  return (
    <div class="lost is-bad" role="alert">
      <Icon name="cut" />
      <span>
        <strong>The connection to the console is lost.</strong> What you see here may be old. It is tried
        again by itself<span aria-hidden="true">, in {left}</span>.
      </span>
      <button type="button" onClick={joinNow}>
        Connect now
      </button>
    </div>
  );
}

function Self(): JSX.Element {
  const self = me.value;
  return (
    <span class="self">
      {self !== null && (
        <span class="faint" title={`Version ${self.version}, ledger: ${self.ledger}`}>
          {self.right === 'operate' ? 'operate' : 'read only'}
        </span>
      )}
      {!isGiven && (
        <button type="button" class="bare" onClick={() => leave(null)}>
          Sign out
        </button>
      )}
    </span>
  );
}

type Figure = readonly [word: string, value: number, states: readonly State[]];

/** By the feed, and before it spoke by what was asked for once. */
function Figures(): JSX.Element | null {
  const figures = stats.value ?? counted();
  if (figures === null) return null;
  const { waiting, active, delayed, failed, completed } = figures;
  const all: readonly Figure[] = [
    ['Waiting', waiting, ['PENDING', 'QUEUED']],
    ['Running', active, ['RUNNING']],
    ['Retrying', delayed, ['RETRY']],
    ['Dead', failed, ['DEAD']],
    ['Done', completed, ['DONE']],
  ];
  return (
    <div class="figures" role="group" aria-label="Mails">
      {all.map(([word, value, states]) => (
        <a
          key={word}
          href={addressOf({ view: 'mails', query: { state: states.join(',') } })}
          class={word === 'Dead' && value > 0 ? 'is-bad' : word === 'Retrying' && value > 0 ? 'is-warn' : ''}
        >
          <b>{count(value)}</b> {word}
        </a>
      ))}
    </div>
  );
}

function counted(): NonNullable<typeof stats.value> | null {
  const counts = statistics.data.value?.counts;
  if (!counts) return null;
  return {
    waiting: counts.PENDING + counts.QUEUED,
    active: counts.RUNNING,
    delayed: counts.RETRY,
    failed: counts.DEAD,
    completed: counts.DONE,
  };
}
