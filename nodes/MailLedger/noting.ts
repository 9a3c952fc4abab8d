// Items that note something, noted together: one call of the ledger for many of them.
// Invariants: each item is answered as if it had been noted alone, also where the ledger refuses another one's; what is named
// first is noted first.
import type { IDataObject } from 'n8n-workflow';
import type { Annotations, Note } from '../../engine/ledger/annotations';
import { LedgerFault } from '../../engine/ledger/fault';

/** How many are noted in one call. */
const MOST = 200;

/** What an item notes. */
export interface Noting {
  readonly itemIndex: number;
  readonly notes: readonly Note[];
  /**
   * What the item is answered.
   * @param there of each note, whether its event is there @throws nothing was noted
   */
  answer(there: readonly boolean[]): IDataObject;
}

/** Rejects with what befell this item's. */
type Answered = () => Promise<IDataObject>;

export class Notings {
  readonly #waiting: Noting[] = [];
  #ledger: Annotations | undefined;

  /** @returns there is no more room for these before what waits is noted */
  isFullFor({ notes }: Noting): boolean {
    const count = this.#waiting.reduce((sum, one) => sum + one.notes.length, 0);
    return this.#waiting.length > 0 && count + notes.length > MOST;
  }

  /** @param ledger the same for all items: it is chosen by the node */
  add(noting: Noting, ledger: Annotations): void {
    this.#waiting.push(noting);
    this.#ledger = ledger;
  }

  /** Notes all that waits. It rejects for none: each of the answers tells its own. */
  async note(): Promise<(readonly [itemIndex: number, answered: Answered])[]> {
    const all = this.#waiting.splice(0);
    if (!this.#ledger) return [];
    const answers = await answersOf(this.#ledger, all);
    return all.map(({ itemIndex }, place) => [itemIndex, answers[place]!] as const);
  }
}

async function answersOf(ledger: Annotations, all: readonly Noting[]): Promise<readonly Answered[]> {
  try {
    const there = await noted(
      ledger,
      all.flatMap(({ notes }) => notes),
    );
    return all.map((one) => {
      const own = there.splice(0, one.notes.length);
      return async () => one.answer(own);
    });
  } catch (reason) {
    const error = reason as Error;
    // Which of them was refused, the ledger does not say.
    const isRefused = error instanceof LedgerFault && error.kind === 'asked';
    if (isRefused && all.length > 1) return eachAlone(ledger, all);
    return all.map(() => () => Promise.reject(error));
  }
}

async function eachAlone(ledger: Annotations, all: readonly Noting[]): Promise<readonly Answered[]> {
  const answers: Answered[] = [];
  for (const one of all) answers.push(...(await answersOf(ledger, [one])));
  return answers;
}

async function noted(ledger: Annotations, notes: readonly Note[]): Promise<boolean[]> {
  const there: boolean[] = [];
  for (let start = 0; start < notes.length; start += MOST)
    there.push(...(await ledger.annotate(notes.slice(start, start + MOST))));
  return there;
}
