// What mailparser does not forgive by itself: text in no charset, in an unknown one, or not in the one that is named.
// It reaches into the parser (mailparser 3.9.31); where an inside is missing, the parser's own way is kept.
import { Transform, type TransformCallback } from 'node:stream';
import { readableText } from './charset';

interface Insides {
  createNode?(node: unknown): { charset?: string };
  decoder?: { decodeStream(charset: string): Transform };
}

/** Charsets that the parser takes as UTF-8, whatever the bytes are. */
const TAKEN_AS_UTF8 = new Set(['', 'ascii', 'usascii', 'utf8']);
/** The name under which text goes through `ReadableText`; no charset has it. */
const AS_READABLE = 'x-as-readable';

export function forgiveCharsets(parser: object): void {
  const insides = parser as Insides;
  const createNode = insides.createNode?.bind(parser);
  const decodeStream = insides.decoder?.decodeStream.bind(insides.decoder);
  if (!createNode || !decodeStream) return;
  insides.createNode = (node) => {
    const made = createNode(node);
    const charset = (made.charset ?? '').toLowerCase().replace(/[^a-z0-9]+/g, '');
    if (TAKEN_AS_UTF8.has(charset)) made.charset = AS_READABLE;
    return made;
  };
  insides.decoder = {
    decodeStream: (charset) => {
      if (charset === AS_READABLE) return new ReadableText();
      try {
        return decodeStream(charset);
      } catch {
        return new ReadableText();
      }
    },
  };
}

/** Bytes in an unknown charset, in; UTF-8 out. */
class ReadableText extends Transform {
  readonly #chunks: Buffer[] = [];

  override _transform(chunk: Buffer, _encoding: string, done: TransformCallback): void {
    this.#chunks.push(chunk);
    done();
  }

  override _flush(done: TransformCallback): void {
    done(null, Buffer.from(readableText(Buffer.concat(this.#chunks))));
  }
}
