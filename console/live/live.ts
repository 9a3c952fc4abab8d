// Keeps the page live: joins the feed, resumes after what it heard last, and says how its own connection is.
// Modes, by name: `off` nobody is logged in; `joining` for the first time; `live`; `lost` until `again` (performance.now());
// `paused` while the page is hidden: a browser has six connections to a server, and nobody looks.
// Invariants: one connection at a time; what was missed is heard after a resume, or everything is asked for anew (`reset`);
// where each hit is dear (`bundled`) all that is asked for because of a join goes along with it.
import { effect, signal, untracked } from '@preact/signals';
import type { BatchAnswer } from '../../engine/console/api';
import type { FeedEvent, FeedReset, FeedStats } from '../../engine/feed/feed-event';
import { brokenOff, noAnswer, Unanswered } from '../api/request';
import { isEntered } from '../api/session';
import { settings } from '../api/settings';
import { Along, haveAsked } from '../api/together';
import { hear } from './connection';
import type { Heard } from './frames';
import { tellTime } from './now';

export type Link =
  | { readonly mode: 'off' | 'joining' | 'live' | 'paused' }
  | { readonly mode: 'lost'; readonly since: number; readonly again: number };

export const link = signal<Link>({ mode: 'off' });
export const stats = signal<FeedStats['data'] | null>(null);

export interface LiveListener {
  /** In the order in which it became so. */
  readonly event?: (event: FeedEvent) => void;
  /**
   * What is shown may be old: ask for it anew.
   * @param hasHoles not all that came since was heard, or will be; else only an answer may have failed meanwhile
   */
  readonly anew: (hasHoles: boolean) => void;
}

const listeners = new Set<LiveListener>();

/** @returns to stop it */
export function onLive(listener: LiveListener): () => void {
  listeners.add(listener);
  return () => void listeners.delete(listener);
}

const LONGEST_MS = 30_000;
/** Until the feed says otherwise (`retry:`). */
let firstWaitMs = 1_000;
let last: string | null = null;
let hurry: (() => void) | null = null;

/** Does not wait any longer, where it waits. */
export const joinNow = (): void => hurry?.();

/** From now on, whenever somebody is logged in and the page is seen. */
export function startLive(): void {
  const isSeen = signal(!document.hidden);
  document.addEventListener('visibilitychange', () => (isSeen.value = !document.hidden));
  addEventListener('online', joinNow);
  effect(() => {
    if (!isEntered.value) {
      last = null;
      link.value = { mode: 'off' };
      return undefined;
    }
    if (!isSeen.value) {
      link.value = { mode: 'paused' };
      return undefined;
    }
    const leaving = new AbortController();
    untracked(() => void stayJoined(leaving.signal));
    return () => leaving.abort();
  });
}

async function stayJoined(leaving: AbortSignal): Promise<void> {
  link.value = { mode: 'joining' };
  const isLeft = (): boolean => leaving.aborted;
  let failures = 0;
  let since = performance.now();
  while (!isLeft()) {
    const wasLetIn = await (settings.bundled ? joinAlong : joinAlone)(failures > 0, leaving);
    if (isLeft()) return;
    failures = wasLetIn ? 0 : failures + 1;
    if (wasLetIn) since = performance.now();
    await waitForNext(failures, since, leaving);
  }
}

/** @param wasLost the one before was not let in @returns whether it was let in, when it has ended */
async function joinAlone(wasLost: boolean, leaving: AbortSignal): Promise<boolean> {
  const wasNew = last === null;
  const join = { isIn: false };
  const open = (): void => {
    join.isIn = true;
    link.value = { mode: 'live' };
    if (wasLost) tellAnew(false);
  };
  const moved = (id: string): void => {
    // What happened between the first questions and now was heard by nobody.
    if (wasNew && last === null) tellAnew(true);
    last = id;
  };
  try {
    await hear({ after: last, asks: null }, { open, ...hearing(moved, () => undefined) }, leaving);
  } catch {
    // It is told as lost.
  }
  return join.isIn;
}

/** The same, with what is asked: it is answered from where the feed begins on, so that there is no hole. */
async function joinAlong(wasLost: boolean, leaving: AbortSignal): Promise<boolean> {
  if (last === null && haveAsked()) tellAnew(true);
  else if (wasLost) tellAnew(false);
  const along = await Along.gather();
  const join = { isIn: false };
  const open = (): void => {
    join.isIn = true;
    link.value = { mode: 'live' };
  };
  const listener = {
    open,
    ...hearing(
      (id) => (last = id),
      (answers) => along.answer(answers),
    ),
  };
  let why: unknown = null;
  try {
    await hear({ after: last, asks: along.asks }, listener, leaving);
  } catch (error) {
    why = error;
  }
  // The page is hidden: its title is to be right all the same.
  if (leaving.aborted && !(why instanceof Unanswered)) along.leave();
  // One that ends before it has answered is not to be come back to at once.
  const isAnswered = !along.isOpen;
  along.fail(why instanceof Unanswered ? why : join.isIn ? brokenOff() : noAnswer());
  return join.isIn && isAnswered;
}

/** An end after a while is the feed's way, and nothing to be told of until joining again fails. */
async function waitForNext(failures: number, since: number, leaving: AbortSignal): Promise<void> {
  const most = Math.min(LONGEST_MS, firstWaitMs * 2 ** Math.max(0, failures - 1));
  // Not all pages at once after a restart.
  const wait = failures === 0 ? Math.random() * 500 : most * (0.5 + Math.random() / 2);
  if (failures > 0) link.value = { mode: 'lost', since, again: performance.now() + wait };
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, wait);
    hurry = () => {
      clearTimeout(timer);
      resolve();
    };
    leaving.addEventListener('abort', hurry, { once: true });
  });
  hurry = null;
}

/** @param moved all that came up to the id was told */
function hearing(moved: (id: string) => void, answered: (answers: BatchAnswer) => void): Heard {
  return {
    told: moved,
    retry: (ms) => (firstWaitMs = ms),
    frame: ({ event, data, id }) => {
      if (event === 'answers') {
        answered(JSON.parse(data) as BatchAnswer);
        return;
      }
      take(JSON.parse(data) as FeedEvent | FeedStats | FeedReset);
      if (id !== null) moved(id);
    },
  };
}

function take(told: FeedEvent | FeedStats | FeedReset): void {
  if (told.type === 'stats') {
    stats.value = told.data;
    tellTime(Date.parse(told.time));
  } else if (told.type === 'reset') tellAnew(true);
  else for (const listener of listeners) listener.event?.(told);
}

function tellAnew(hasHoles: boolean): void {
  for (const listener of listeners) listener.anew(hasHoles);
}
