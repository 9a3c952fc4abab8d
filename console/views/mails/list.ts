// The mails that the filter finds, as far as they were scrolled to, kept new by the feed.
// Invariants: the newest first, each once; one that does not fit the filter any more stays where it is until the filter is
// asked for anew: nothing moves under a hand; an answer to an older filter is dropped.
import { batch, computed, signal } from '@preact/signals';
import type { MailAnswer, MailQuery, MailsAnswer, MailTold } from '../../../engine/console/api';
import type { FeedEvent } from '../../../engine/feed/feed-event';
import { ask, pathOf } from '../../api/ask';
import { later, paced } from '../../api/later';
import { Unanswered } from '../../api/request';
import { Resource } from '../../api/resource';
import { STATES } from '../../words/states';

const PAGE = 50;
/** How many pages are asked for at once where a filter finds few among many. */
const MOST_PAGES = 20;
const PACE_MS = 1_000;

export const rows = signal<readonly MailTold[]>([]);
export const error = signal<string | null>(null);
export const isAsked = signal(false);
/** Recorded since, and not shown: they would move what is read. */
export const unseen = signal(0);
/** How often the list was begun anew. */
export const beginnings = signal(0);
const next = signal<number | null>(null);
export const hasMore = computed(() => next.value !== null);

let filter: MailQuery = {};
let asking = new AbortController();
/** Never rejects. */
let firstPage: Promise<void> = Promise.resolve();
/** By id, what the feed told last of each while older ones were asked for: the answer may not know it yet. */
const heard = new Map<string, FeedEvent>();

const page = (after: number | null, signal: AbortSignal): Promise<MailsAnswer> =>
  ask(pathOf('/api/mails', { ...filter, after, limit: PAGE }), signal);

const newest = new Resource((signal) => page(null, signal));

/** Another filter, from the newest on. */
export async function show(wanted: MailQuery): Promise<void> {
  filter = wanted;
  batch(() => {
    rows.value = [];
    next.value = null;
    unseen.value = 0;
  });
  await showAnew();
}

/** From the newest on: what is shown stays until there is better. */
function showAnew(): Promise<void> {
  newest.clear();
  return (firstPage = fetchFrom(null));
}

/** The same filter anew. @param hasHoles else only what has failed is asked for again */
export function anew(hasHoles: boolean, isTop: boolean): void {
  if (hasHoles || error.peek() !== null) void showAnew();
  else if (newest.error.peek() !== null) void refresh(isTop);
}

/** Older ones. */
export async function more(): Promise<void> {
  if (next.value !== null && !isAsked.value) await fetchFrom(next.value);
}

async function fetchFrom(from: number | null): Promise<void> {
  asking.abort();
  const mine = new AbortController();
  asking = mine;
  heard.clear();
  isAsked.value = true;
  error.value = null;
  try {
    let after = from;
    for (let pages = 0; pages < MOST_PAGES; pages += 1) {
      const answer = await page(after, mine.signal);
      if (mine.signal.aborted) return;
      add(answer, after === null);
      after = answer.next;
      if (answer.mails.length > 0 || after === null) break;
    }
  } catch (failure) {
    if (!mine.signal.aborted) error.value = failure instanceof Unanswered ? failure.message : String(failure);
  } finally {
    if (asking === mine) isAsked.value = false;
  }
}

function add(answer: MailsAnswer, isFirst: boolean): void {
  const before = isFirst ? [] : rows.value;
  const known = new Set(before.map(({ id }) => id));
  batch(() => {
    const added = answer.mails.filter(({ id }) => !known.has(id));
    rows.value = [...before, ...added.map((mail) => renewedAfter(mail, heard.get(mail.id)))];
    next.value = answer.next;
    if (isFirst) beginnings.value += 1;
  });
}

/** @param isTop nothing is above what is seen, so that new ones may come in */
export async function refresh(isTop: boolean): Promise<void> {
  // Asked side by side, the older of two answers could come last.
  await firstPage;
  const before = newest.data.value;
  await newest.load();
  const answer = newest.data.value;
  // It failed, or another question has overtaken it.
  if (answer === null || answer === before) return;
  const known = new Set(rows.value.map(({ id }) => id));
  const fresh = answer.mails.filter(({ id }) => !known.has(id));
  batch(() => {
    // More came than a page holds: what lies between is not known.
    const isOther = fresh.length > 0 && fresh.length === answer.mails.length;
    const hasGap = isOther && rows.value.length > 0 && answer.next !== null;
    // Where the first of them came in by this answer, it says whether there are more.
    const isFirst = isOther && rows.value.length === 0;
    if (isFirst || (hasGap && isTop)) {
      asking.abort();
      rows.value = answer.mails;
      next.value = answer.next;
      beginnings.value += 1;
    } else rows.value = isTop ? withAll(answer.mails) : renewedBy(answer.mails);
    unseen.value = isTop || isFirst ? 0 : fresh.length;
  });
}

let isComing = false;

/** What the feed tells of a mail. */
export function hear(event: FeedEvent, isTop: () => boolean): void {
  if (!event.type.startsWith('email.')) return;
  if (event.event !== null && isAsked.value) heard.set(event.event, event);
  if (event.event !== null && rows.value.some(({ id }) => id === event.event)) {
    rows.value = rows.value.map((mail) => (mail.id === event.event ? changed(mail, event) : mail));
    if (saysLess(event)) void renew(event.event);
  }
  if (isComing) return;
  isComing = true;
  later(performance.now() + paced(PACE_MS), () => {
    isComing = false;
    void refresh(isTop());
  });
}

/** Its text is not in the feed: an error's, an annotation's. Few of these are below the first page. */
const saysLess = ({ type }: FeedEvent): boolean => type === 'email.classified' || type === 'email.dead';

async function renew(id: string): Promise<void> {
  if (rows.value.findIndex((mail) => mail.id === id) < PAGE) return;
  const answer = await ask<MailAnswer>(`/api/mails/${encodeURIComponent(id)}`).catch(() => null);
  if (answer) rows.value = rows.value.map((mail) => (mail.id === id ? answer.mail : mail));
}

const renewedAfter = (mail: MailTold, event?: FeedEvent): MailTold => (event ? changed(mail, event) : mail);

/** By what the event says. */
function changed(mail: MailTold, { data }: FeedEvent): MailTold {
  const { state, attempt, failures, dueAt, execution } = data;
  if (typeof state !== 'string' || !(state in STATES)) return mail;
  return {
    ...mail,
    state: state as MailTold['state'],
    attempt: typeof attempt === 'number' ? attempt : mail.attempt,
    failures: typeof failures === 'number' ? failures : mail.failures,
    dueAt: typeof dueAt === 'string' ? dueAt : null,
    executionId: typeof execution === 'string' ? execution : mail.executionId,
  };
}

function renewedBy(answer: readonly MailTold[]): readonly MailTold[] {
  const told = new Map(answer.map((mail) => [mail.id, mail]));
  return rows.value.map((mail) => told.get(mail.id) ?? mail);
}

/**
 * Each that is new stands behind the one that it follows in the answer, and behind what was recorded later: also a row that
 * fits the filter no more, and is in no answer. (Ids tell nothing of the order, and what comes in need not be the newest.)
 */
function withAll(answer: readonly MailTold[]): readonly MailTold[] {
  const all = [...renewedBy(answer)];
  let place = 0;
  for (const mail of answer) {
    const known = all.findIndex(({ id }) => id === mail.id);
    if (known < 0) {
      while (place < all.length && all[place]!.recordedAt > mail.recordedAt) place += 1;
      all.splice(place, 0, mail);
      place += 1;
    } else place = known + 1;
  }
  return all;
}
