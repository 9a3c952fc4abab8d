// Work on many things, in pieces: whatever else goes on in the process has its turn between them.
// Invariant: a piece is as long as one thing takes, or as its time.
import { setImmediate as turn } from 'node:timers/promises';
import { monotonicNow } from './time';

const PIECE_MS = 4;

/** What is done at a time: it begins when it is made, and whenever it was over. */
export class Piece {
  #began = monotonicNow();

  get isLong(): boolean {
    return monotonicNow() - this.#began >= PIECE_MS;
  }

  /** Whatever waits has its turn. */
  async over(): Promise<void> {
    await turn();
    this.#began = monotonicNow();
  }
}

/** What becomes of each, in their order. What one waits for holds up no other. @throws what the first that failed threw */
export async function inPieces<T, Result>(
  items: readonly T[],
  work: (item: T) => Promise<Result>,
): Promise<Result[]> {
  const results: Promise<Result>[] = [];
  const piece = new Piece();
  for (const item of items) {
    const result = work(item);
    // All of them are heard of at the end.
    result.catch(() => undefined);
    results.push(result);
    if (piece.isLong) await piece.over();
  }
  return Promise.all(results);
}
