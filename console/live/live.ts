// Keeps the page live: joins the feed, resumes after what it heard last, and says how its own connection is.
// Modes, by name: `off` nobody is logged in; `joining` for the first time; `live`; `lost` until `again` (performance.now());
// `paused` while the page is hidden: a browser has six connections to a server, and nobody looks.
// Invariants: one connection at a time; what was missed is heard after a resume, or everything is asked for anew (`reset`).
import { effect, signal } from '@preact/signals';
import type { FeedEvent, FeedReset, FeedStats } from '../../engine/feed/feed-event';
import { askAfter, haveAsked } from '../api/ask';
import { isEntered } from '../api/session';
import { hear } from './connection';
import type { Frame } from './frames';
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
    void stayJoined(leaving.signal);
    return () => leaving.abort();
  });
}

async function stayJoined(leaving: AbortSignal): Promise<void> {
  link.value = { mode: 'joining' };
  let joined = (): void => undefined;
  if (last === null) askAfter(new Promise<void>((resolve) => (joined = resolve)));
  const isLeft = (): boolean => leaving.aborted;
  let failures = 0;
  let since = performance.now();
  while (!isLeft()) {
    const wasNew = last === null;
    const join = { opened: false };
    const open = (): void => {
      const wasLost = failures > 0;
      join.opened = true;
      failures = 0;
      link.value = { mode: 'live' };
      joined();
      // What happened between the first questions and now was heard by nobody.
      if (wasNew && haveAsked()) tellAnew(true);
      else if (wasLost) tellAnew(false);
    };
    try {
      await hear(last, { open, frame: take, retry: (ms) => (firstWaitMs = ms) }, leaving);
    } catch {
      // Told below, unless it was let in before.
    }
    if (isLeft()) return;
    if (join.opened) since = performance.now();
    await waitForNext(join.opened ? 0 : ++failures, since, leaving);
  }
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

function take({ data, id }: Frame): void {
  const told = JSON.parse(data) as FeedEvent | FeedStats | FeedReset;
  if (id !== null) last = id;
  if (told.type === 'stats') {
    stats.value = told.data;
    tellTime(Date.parse(told.time));
  } else if (told.type === 'reset') {
    last = told.id;
    tellAnew(true);
  } else for (const listener of listeners) listener.event?.(told);
}

function tellAnew(hasHoles: boolean): void {
  for (const listener of listeners) listener.anew(hasHoles);
}
