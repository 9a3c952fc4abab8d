// The lines between parts (RFC 2046, 5.1.1), found by the boundaries of the multiparts that are open: the innermost first.
// Blanks behind a boundary are padding, wherever they stand.
// Invariant: what is kept grows with the multiparts that are open, not with the lines of the mail.
import { Guesses } from './guesses';
import type { Part, Range } from './part';

/** A multipart that is being read, or that may be one. */
export interface Frame {
  readonly part: Part;
  /** Boundaries that it may have, and the type that goes with each: the one that comes first is its own. */
  readonly boundaries: Map<string, string>;
  /** What is begun in it, and goes on. */
  readonly going: Part[];
  /** What its boundary may be, if it is none of those. */
  readonly guesses: Guesses;
  /** How many parts were found in it. */
  found: number;
}

export const frameOf = (part: Part, boundaries: ReadonlyMap<string, string>): Frame => ({
  part,
  boundaries: new Map(boundaries),
  going: [],
  guesses: new Guesses(),
  found: 0,
});

export interface Delimiter {
  readonly frame: Frame;
  readonly boundary: string;
  readonly closes: boolean;
  /** Written as the parser wants it. */
  readonly isExact: boolean;
}

interface Entry {
  readonly frame: Frame;
  readonly boundary: string;
  readonly place: number;
}

export class OpenMultiparts {
  readonly #frames: Frame[] = [];
  /** The innermost last. */
  readonly #byBoundary = new Map<string, Entry[]>();
  #longest = 0;

  get innermost(): Frame | undefined {
    return this.#frames.at(-1);
  }

  get isFull(): boolean {
    return this.#frames.length >= MOST_OPEN;
  }

  open(frame: Frame): void {
    const place = this.#frames.push(frame);
    for (const boundary of frame.boundaries.keys()) {
      const entries = this.#byBoundary.get(boundary.trimEnd()) ?? [];
      entries.push({ frame, boundary, place });
      this.#byBoundary.set(boundary.trimEnd(), entries);
      this.#longest = Math.max(this.#longest, boundary.length);
    }
  }

  /** The innermost goes. */
  close(): Frame {
    const frame = this.#frames.pop()!;
    for (const boundary of frame.boundaries.keys()) this.#forget(frame, boundary);
    return frame;
  }

  /** The innermost has this boundary, and none of the others. */
  settle(frame: Frame, boundary: string): void {
    for (const other of [...frame.boundaries.keys()]) {
      if (other === boundary) continue;
      this.#forget(frame, other);
      frame.boundaries.delete(other);
    }
  }

  /** @param line one that begins with two dashes */
  delimiterAt(source: Buffer, line: Range): Delimiter | null {
    if (this.#byBoundary.size === 0) return null;
    const written = writtenAt(source, line, this.#longest + MOST_PADDING);
    if (written === null) return null;
    const token = written.trimEnd();
    const opened = this.#byBoundary.get(token)?.at(-1);
    const closed = token.endsWith('--') ? this.#byBoundary.get(token.slice(0, -2))?.at(-1) : undefined;
    const closes = closed !== undefined && closed.place > (opened?.place ?? 0);
    const found = closes ? closed : opened;
    if (!found) return null;
    const isExact = written === (closes ? `${found.boundary}--` : found.boundary);
    // Without a name, only what is written just so: two dashes also stand before a signature.
    if (found.boundary === '' && !isExact) return null;
    return { frame: found.frame, boundary: found.boundary, closes, isExact };
  }

  /** It is among the last ones: only the innermost multipart settles or closes. */
  #forget(frame: Frame, boundary: string): void {
    const entries = this.#byBoundary.get(boundary.trimEnd()) ?? [];
    const at = entries.findLastIndex((entry) => entry.frame === frame);
    if (at >= 0) entries.splice(at, 1);
    if (entries.length === 0) this.#byBoundary.delete(boundary.trimEnd());
  }
}

const MOST_PADDING = 200;
const MOST_OPEN = 20_000;

/** What stands behind two dashes; null where it is longer than what is looked for. */
function writtenAt(source: Buffer, { from, to }: Range, most: number): string | null {
  return to - from - 2 > most ? null : source.toString('latin1', from + 2, to);
}
