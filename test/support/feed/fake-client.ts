// A client of the feed in memory, which reads as it is told to, and understands what it was sent as a browser does.
import type { FeedClient } from '../../../engine/feed/client';

export interface Heard {
  readonly id: string;
  readonly type: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** As much may be unsent before `write` says that it is a lot. */
const HIGH = 16_384;

export class FakeClient implements FeedClient {
  /** As they were written: the very buffers. */
  readonly chunks: Buffer[] = [];
  reads = true;
  end_: 'ended' | 'cut' | null = null;
  #unsent = 0;
  #readUpTo = 0;
  #drained: () => void = () => undefined;

  write(chunk: Buffer): boolean {
    if (this.end_) throw new Error('It was ended');
    this.chunks.push(chunk);
    if (!this.reads) this.#unsent += chunk.length;
    return this.#unsent < HIGH;
  }

  unsent(): number {
    return this.#unsent;
  }

  end(): void {
    this.end_ ??= 'ended';
  }

  cut(): void {
    this.end_ ??= 'cut';
  }

  onDrain(listener: () => void): void {
    this.#drained = listener;
  }

  /** Reads all there is, and from now on. */
  drain(): void {
    this.reads = true;
    this.#unsent = 0;
    this.#drained();
  }

  /** What it has read of what was written. */
  get received(): readonly Buffer[] {
    return this.chunks.slice(0, this.reads ? undefined : this.#readUpTo);
  }

  /** Reads no more. */
  stop(): void {
    if (!this.reads) return;
    this.reads = false;
    this.#readUpTo = this.chunks.length;
  }

  get text(): string {
    return Buffer.concat(this.chunks).toString();
  }

  get retryMs(): number {
    return Number(/^retry: (\d+)$/m.exec(this.text)?.[1]);
  }

  /** `Last-Event-ID` of its next connection. */
  get lastId(): string | undefined {
    return [...this.text.matchAll(/^id: (.*)$/gm)].at(-1)?.[1];
  }

  get heard(): readonly Heard[] {
    return heardOf(this.text);
  }

  /** Ids of changes, and `reset <id>`. */
  get told(): string[] {
    return this.heard
      .filter(({ type }) => type !== 'stats')
      .map(({ id, type }) => (type === 'reset' ? `reset ${id}` : id));
  }

  get comments(): number {
    return [...this.text.matchAll(/^:/gm)].length;
  }
}

/** The events of a stream that has come so far. */
export function heardOf(text: string): Heard[] {
  let id = '';
  const heard: Heard[] = [];
  for (const block of text.split('\n\n').slice(0, -1)) {
    const fields = new Map(
      block.split('\n').map((line) => {
        const [, name, value] = /^([^:]*):? ?(.*)$/.exec(line)!;
        return [name!, value!];
      }),
    );
    id = fields.get('id') ?? id;
    const data = fields.get('data');
    if (data !== undefined)
      heard.push({ id, type: fields.get('event')!, data: JSON.parse(data) as Heard['data'] });
  }
  return heard;
}
