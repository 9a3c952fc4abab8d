// What one subscription of a connection is told: the feed's events, as messages of JSON.
// Invariants: what the feed makes for all who ask the same is put into JSON once; whatever the feed has against a client that does
// not read holds for the connection as a whole.
import type { FeedClient } from '../../feed/client';

/** The connection. */
export interface Line {
  /** @returns false: there is a lot unsent */
  push(text: string): boolean;
  unsent(): number;
  /** It has lasted its time. */
  end(): void;
  cut(): void;
}

export class Subscription implements FeedClient {
  readonly #number: number;
  readonly #line: Line;
  #drained = (): void => undefined;

  constructor(number: number, line: Line) {
    this.#number = number;
    this.#line = line;
  }

  write(chunk: Buffer): boolean {
    const told = toldIn(chunk);
    return told === null || this.#line.push(`{"subscription":${this.#number},${told}}`);
  }

  unsent(): number {
    return this.#line.unsent();
  }

  end(): void {
    this.#line.end();
  }

  cut(): void {
    this.#line.cut();
  }

  onDrain(listener: () => void): void {
    this.#drained = listener;
  }

  /** Nothing is unsent any more. */
  drained(): void {
    this.#drained();
  }
}

const known = new WeakMap<Buffer, string | null>();

/** The frames (engine/feed/frames.ts) as the rest of an object of JSON; null: there is nothing in them for who has this connection. */
function toldIn(chunk: Buffer): string | null {
  let told = known.get(chunk);
  if (told === undefined) {
    told = wordsOf(chunk.toString());
    known.set(chunk, told);
  }
  return told;
}

function wordsOf(frames: string): string | null {
  const lines = frames.split('\n');
  const values = (field: string): string[] =>
    lines.flatMap((line) => (line.startsWith(field) ? line.slice(field.length) : []));
  const events = values('data: ');
  const position = values('id: ').at(-1);
  if (events.length === 0 && position === undefined) return null;
  const last = position === undefined ? '' : `,"position":${JSON.stringify(position)}`;
  return `"events":[${events.join(',')}]${last}`;
}
