// What the boundary of a multipart may be that names none, or one that is not there: the first line in the form of a
// delimiter that a part's header follows, or that is closed later.
// Invariant: a text with dashes in it is not taken for parts.
import { type Line, lineAt } from './head-block';

const MOST_GUESSES = 64;
/** RFC 2046, 5.1.1, has 70. */
const MOST_CHARACTERS = 200;

export class Guesses {
  readonly #seen = new Map<string, { isFollowed: boolean; isClosed: boolean }>();

  /** @param line one that begins with two dashes */
  see(source: Buffer, line: Line, to: number): void {
    if (line.to - line.from > MOST_CHARACTERS) return;
    const boundary = source.toString('latin1', line.from + 2, line.to).trimEnd();
    const closed = boundary.endsWith('--') ? this.#seen.get(boundary.slice(0, -2)) : undefined;
    if (closed) closed.isClosed = true;
    const isFollowed = line.next < to && isPartHeader(source, line.next, to);
    const seen = this.#seen.get(boundary);
    if (seen) seen.isFollowed ||= isFollowed;
    else if (this.#seen.size < MOST_GUESSES) this.#seen.set(boundary, { isFollowed, isClosed: false });
  }

  best(): string | null {
    const all = [...this.#seen];
    const best =
      all.find(([, { isFollowed }]) => isFollowed) ??
      all.find(([boundary, { isClosed }]) => isClosed && /[a-z0-9]/i.test(boundary));
    return best?.[0] ?? null;
  }
}

/** Whether a field begins there that tells what a part is. */
export const isPartHeader = (source: Buffer, from: number, to: number): boolean =>
  /^content-[a-z-]+[ \t]*:/i.test(
    source.toString('latin1', from, Math.min(lineAt(source, from, to).to, from + 60)),
  );
