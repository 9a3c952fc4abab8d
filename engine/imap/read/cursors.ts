// How far the subscriptions of one sync have read.
// Invariant: a cursor that is stored never passes a mail that is asked for again; in memory the reading goes on behind it,
// so that nothing is listed or read twice while it waits.
import { advanced, filled, type ImapCursor, storedCursor } from './cursor';
import type { Cursor } from '../../ledger/subscriptions';
import type { Withheld } from './withheld';

export type Moves = readonly { readonly subscriptionId: number; readonly cursor: Cursor }[];

/** Whom a mail is due to, by their cursors. */
export type DueTo = (mail: { readonly uid: number; readonly receivedAt: number | null }) => number[];

export const stored = ([subscriptionId, cursor]: readonly [number, ImapCursor]): Moves[number] => ({
  subscriptionId,
  cursor: storedCursor(cursor),
});

export class Cursors {
  readonly #cursors: Map<number, ImapCursor>;
  /** Where they stood in the ledger when the sync began. */
  readonly #begun: ReadonlyMap<number, ImapCursor>;
  /** What is to be stored, or is, of those that have moved. */
  readonly #moved = new Map<number, string>();
  readonly #withheld: Withheld;

  /** @param cursors by subscription, as they are stored */
  constructor(cursors: ReadonlyMap<number, ImapCursor>, withheld: Withheld) {
    this.#withheld = withheld;
    this.#begun = cursors;
    this.#cursors = new Map(
      [...cursors].map(([id, cursor]) => {
        const readTo = withheld.readTo.get(id);
        return [id, readTo === undefined || cursor.since !== undefined ? cursor : advanced(cursor, readTo)];
      }),
    );
  }

  get all(): ImapCursor[] {
    return [...this.#cursors.values()];
  }

  get entries(): [number, ImapCursor][] {
    return [...this.#cursors];
  }

  leaveOut(id: number): void {
    this.#cursors.delete(id);
  }

  /** For mails that were just listed. */
  dueTo(): DueTo {
    return this.#newFor(new Map(this.#cursors));
  }

  /** For mails that were listed before, and are asked for again. */
  heldFor(): DueTo {
    return this.#newFor(this.#begun);
  }

  #newFor(cursors: ReadonlyMap<number, ImapCursor>): DueTo {
    return ({ uid, receivedAt }) =>
      [...cursors]
        .filter(([id, { uid: read, since }]) => {
          const isNew = uid > read && this.#cursors.has(id);
          return isNew && (since === undefined || (receivedAt ?? since) >= since);
        })
        .map(([id]) => id);
  }

  /** For older mails. */
  olderFor(): DueTo {
    const before = [...this.#cursors];
    return ({ uid, receivedAt }) =>
      before
        .filter(
          ([, { fill }]) =>
            fill && uid < fill.below && uid >= fill.downTo && (receivedAt ?? Infinity) >= (fill.since ?? 0),
        )
        .map(([id]) => id);
  }

  /** Whether it is new to anybody. */
  isNew(uid: number): boolean {
    return [...this.#begun].some(([id, cursor]) => uid > cursor.uid && this.#cursors.has(id));
  }

  /** Whether it is among the older mail that is still to be read for somebody. */
  isOlder(uid: number): boolean {
    return this.all.some(({ fill }) => fill && uid < fill.below && uid >= fill.downTo);
  }

  /** Everything up to the UID was read. @returns what is to be stored */
  advance(to: number): Moves {
    for (const [id, cursor] of this.#cursors) this.#cursors.set(id, advanced(cursor, to));
    return this.changed();
  }

  /** Everything from `low` on was read. @param count how many mails that were @returns what is to be stored */
  fill(low: number, count: number): Moves {
    for (const [id, cursor] of this.#cursors) this.#cursors.set(id, filled(cursor, low, count));
    return this.changed();
  }

  /** What was read again by date is read: from here on only the UID counts. @param to everything up to it is read */
  readAgain(to: number): void {
    for (const [id, { since, ...cursor }] of this.#cursors) {
      if (since !== undefined) this.#cursors.set(id, advanced(cursor, to));
    }
  }

  /** What is to be stored and is not yet: nothing beyond a mail that is asked for again. */
  changed(): Moves {
    const { held } = this.#withheld;
    const moves: Moves[number][] = [];
    for (const [id, cursor] of this.#cursors) {
      const begun = this.#begun.get(id)!;
      const first = held.find((uid) => uid > begun.uid) ?? Infinity;
      const move = stored([id, { ...cursor, uid: Math.min(cursor.uid, first - 1) }]);
      const text = JSON.stringify(move.cursor);
      if (text === (this.#moved.get(id) ?? JSON.stringify(storedCursor(begun)))) continue;
      this.#moved.set(id, text);
      moves.push(move);
    }
    return moves;
  }

  /** How far they have read, for the next sync of this process; only once all of it is recorded. */
  keep(): void {
    if (this.#withheld.held.length === 0) return;
    for (const [id, { uid }] of this.#cursors) this.#withheld.readTo.set(id, uid);
  }
}
