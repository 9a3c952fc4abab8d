// What a filter finds, as far as it was scrolled to, kept new by the feed.
// Invariants: the newest first, each once; one that does not fit the filter any more stays where it is until the filter is
// asked for anew: nothing moves under a hand; an answer to an older filter is dropped.
import { batch, computed, signal } from '@preact/signals';
import type { FeedEvent } from '../../engine/feed/feed-event';
import { later, paced } from '../api/later';
import { Unanswered } from '../api/request';
import { Resource } from '../api/resource';

/** How many are asked for at once. */
export const PAGE = 50;
/** How many pages are asked for at once where a filter finds few among many. */
const MOST_PAGES = 30;
const PACE_MS = 1_000;

interface Page<Row> {
  readonly rows: readonly Row[];
  readonly next: number | null;
}

/** What is listed. */
export interface Kind<Row, Filter> {
  page(filter: Filter, after: number | null, signal: AbortSignal): Promise<Page<Row>>;
  one(id: string): Promise<Row>;
  /** When it began, ISO 8601: the list's order. */
  at(row: Row): string;
  /** Undefined: the event is of none of these; null: of one that is not named. */
  idIn(event: FeedEvent): string | null | undefined;
  /** By what the event says. */
  changed(row: Row, event: FeedEvent): Row;
  /** What it is of has become something that the event does not tell. Few of these are below the first page. */
  saysLess(event: FeedEvent): boolean;
}

export class EndlessList<Row extends { readonly id: string }, Filter> {
  readonly rows = signal<readonly Row[]>([]);
  readonly error = signal<string | null>(null);
  /** Begun since, and not shown: they would move what is read. */
  readonly unseen = signal(0);
  /** How often the list was begun anew. */
  readonly beginnings = signal(0);
  readonly #next = signal<number | null>(null);
  readonly hasMore = computed(() => this.#next.value !== null);
  readonly #kind: Kind<Row, Filter>;
  readonly #newest: Resource<Page<Row>>;
  #filter: Filter;
  /** Null: nobody waits for an answer, though one that was called off may still come. */
  readonly #asking = signal<AbortController | null>(null);
  readonly isAsked = computed(() => this.#asking.value !== null);
  /** Never rejects. */
  #firstPage: Promise<void> = Promise.resolve();
  /** By id, what the feed told last of each while older ones were asked for: the answer may not know it yet. */
  readonly #heard = new Map<string, FeedEvent>();
  #isComing = false;

  constructor(kind: Kind<Row, Filter>, filter: Filter) {
    this.#kind = kind;
    this.#filter = filter;
    this.#newest = new Resource((signal) => kind.page(this.#filter, null, signal));
  }

  /** Another filter, from the newest on. */
  async show(wanted: Filter): Promise<void> {
    this.#filter = wanted;
    batch(() => {
      this.rows.value = [];
      this.#next.value = null;
      this.unseen.value = 0;
    });
    await this.#showAnew();
  }

  /** The same filter anew. @param hasHoles else only what has failed is asked for again */
  anew(hasHoles: boolean, isTop: boolean): void {
    if (hasHoles || this.error.peek() !== null) void this.#showAnew();
    else if (this.#newest.error.peek() !== null) void this.refresh(isTop);
  }

  /** Older ones. */
  async more(): Promise<void> {
    if (this.#next.value !== null && !this.isAsked.value) await this.#fetchFrom(this.#next.value);
  }

  /** What failed. */
  again(): void {
    void (this.rows.value.length > 0 ? this.more() : this.show(this.#filter));
  }

  /** @param isTop nothing is above what is seen, so that new ones may come in */
  async refresh(isTop: boolean): Promise<void> {
    // Asked side by side, the older of two answers could come last.
    await this.#firstPage;
    const before = this.#newest.data.value;
    await this.#newest.load();
    const answer = this.#newest.data.value;
    // It failed, or another question has overtaken it.
    if (answer === null || answer === before) return;
    const known = new Set(this.rows.value.map(({ id }) => id));
    const fresh = answer.rows.filter(({ id }) => !known.has(id));
    batch(() => {
      // More came than a page holds: what lies between is not known.
      const isOther = fresh.length > 0 && fresh.length === answer.rows.length;
      const hasGap = isOther && this.rows.value.length > 0 && answer.next !== null;
      // Where the first of them came in by this answer, it says whether there are more.
      const isFirst = isOther && this.rows.value.length === 0;
      if (isFirst || (hasGap && isTop)) {
        // Where questions go together, one that is called off ends with the others: the end, watched anew, is not to wait for it.
        this.#asking.peek()?.abort();
        this.#asking.value = null;
        this.rows.value = answer.rows;
        this.#next.value = answer.next;
        this.beginnings.value += 1;
      } else this.rows.value = isTop ? this.#withAll(answer.rows) : this.#renewedBy(answer.rows);
      this.unseen.value = isTop || isFirst ? 0 : fresh.length;
    });
  }

  /** What the feed tells. */
  hear(event: FeedEvent, isTop: () => boolean): void {
    const id = this.#kind.idIn(event);
    if (id === undefined) return;
    if (id !== null && this.isAsked.value) this.#heard.set(id, event);
    if (id !== null && this.rows.value.some((row) => row.id === id)) {
      this.rows.value = this.rows.value.map((row) => (row.id === id ? this.#kind.changed(row, event) : row));
      if (this.#kind.saysLess(event)) void this.#renew(id);
    }
    if (this.#isComing) return;
    this.#isComing = true;
    later(performance.now() + paced(PACE_MS), () => {
      this.#isComing = false;
      void this.refresh(isTop());
    });
  }

  /** From the newest on: what is shown stays until there is better. */
  #showAnew(): Promise<void> {
    this.#newest.clear();
    return (this.#firstPage = this.#fetchFrom(null));
  }

  async #fetchFrom(from: number | null): Promise<void> {
    this.#asking.peek()?.abort();
    const mine = new AbortController();
    this.#asking.value = mine;
    this.#heard.clear();
    this.error.value = null;
    try {
      let after = from;
      for (let pages = 0; pages < MOST_PAGES; pages += 1) {
        const answer = await this.#kind.page(this.#filter, after, mine.signal);
        if (mine.signal.aborted) return;
        this.#add(answer, after === null);
        after = answer.next;
        if (answer.rows.length > 0 || after === null) break;
      }
    } catch (failure) {
      if (!mine.signal.aborted)
        this.error.value = failure instanceof Unanswered ? failure.message : String(failure);
    } finally {
      if (this.#asking.peek() === mine) this.#asking.value = null;
    }
  }

  #add(answer: Page<Row>, isFirst: boolean): void {
    const before = isFirst ? [] : this.rows.value;
    const known = new Set(before.map(({ id }) => id));
    batch(() => {
      const added = answer.rows.filter(({ id }) => !known.has(id));
      this.rows.value = [...before, ...added.map((row) => this.#renewedAfter(row))];
      this.#next.value = answer.next;
      if (isFirst) this.beginnings.value += 1;
    });
  }

  async #renew(id: string): Promise<void> {
    if (this.rows.value.findIndex((row) => row.id === id) < PAGE) return;
    const renewed = await this.#kind.one(id).catch(() => null);
    if (renewed) this.rows.value = this.rows.value.map((row) => (row.id === id ? renewed : row));
  }

  #renewedAfter(row: Row): Row {
    const event = this.#heard.get(row.id);
    return event ? this.#kind.changed(row, event) : row;
  }

  #renewedBy(answer: readonly Row[]): readonly Row[] {
    const told = new Map(answer.map((row) => [row.id, row]));
    return this.rows.value.map((row) => told.get(row.id) ?? row);
  }

  /**
   * Each that is new stands behind the one that it follows in the answer, and behind what began later: also a row that fits the
   * filter no more, and is in no answer. (Ids tell nothing of the order, and what comes in need not be the newest.)
   */
  #withAll(answer: readonly Row[]): readonly Row[] {
    const all = [...this.#renewedBy(answer)];
    let place = 0;
    for (const row of answer) {
      const known = all.findIndex(({ id }) => id === row.id);
      if (known < 0) {
        while (place < all.length && this.#kind.at(all[place]!) > this.#kind.at(row)) place += 1;
        all.splice(place, 0, row);
        place += 1;
      } else place = known + 1;
    }
    return all;
  }
}
