// The body of a text, from the bytes that were sent to UTF-8: base64 with other text around it, charsets that are named wrong or
// not at all, or that the parser (mailparser 3.9.31) does not know, and lines that flow.
// Invariant: whatever the bytes are, a text comes out, and none of it is missing.
import { Transform, type TransformCallback } from 'node:stream';
import { isUtf8 } from 'node:buffer';
import { looksLikeUtf8, readableText } from '../charset';
import { type Run, base64Runs } from './base64-runs';
import { decodeEscapeSwitched } from './escape-switched';
import { joinFlowed } from './flowed';
import { htmlCharset } from './html-charset';

export interface TextCoding {
  readonly charset: string;
  readonly isHtml: boolean;
  /** The bytes are still in base64. */
  readonly isBase64: boolean;
  readonly isFlowed: boolean;
  readonly delSp: boolean;
}

/** The parser's own way, for a charset that it knows. @throws where it does not */
export type DecodeStream = (charset: string) => Transform;

/** Charsets whose names are given to any text, whatever it is in. */
const NAMED_AT_RANDOM = new Set(['', 'ascii', 'usascii', 'utf8']);

/** The bytes of the body, in; UTF-8 out. */
export class TextBody extends Transform {
  readonly #coding: TextCoding;
  readonly #decodeStream: DecodeStream;
  readonly #chunks: Buffer[] = [];

  constructor(coding: TextCoding, decodeStream: DecodeStream) {
    super();
    this.#coding = coding;
    this.#decodeStream = decodeStream;
  }

  override _transform(chunk: Buffer, _encoding: string, done: TransformCallback): void {
    this.#chunks.push(chunk);
    done();
  }

  override _flush(done: TransformCallback): void {
    this.#text(Buffer.concat(this.#chunks)).then((text) => {
      done(null, Buffer.from(text));
    }, done);
  }

  async #text(bytes: Buffer): Promise<string> {
    const { isBase64, isFlowed, delSp, charset } = this.#coding;
    const runs = isBase64
      ? base64Runs(bytes.toString('latin1'), (some) => mayBeText(some, charset))
      : [{ bytes, wasCoded: true }];
    let text = '';
    for (const run of runs) {
      const isNewLine = text === '' || text.endsWith('\n');
      text += `${isNewLine ? '' : '\n'}${await this.#decoded(run)}`;
    }
    return isFlowed ? joinFlowed(text, delSp) : text;
  }

  async #decoded({ bytes, wasCoded }: Run): Promise<string> {
    const { charset, isHtml } = this.#coding;
    const text = wasCoded ? await this.#inCharset(bytes, charset, isHtml) : readableText(bytes);
    return text.startsWith(BYTE_ORDER_MARK) ? text.slice(1) : text;
  }

  /** What is named counts, where it can be; then what the text says of itself. */
  async #inCharset(bytes: Buffer, charset: string, isHtml: boolean): Promise<string> {
    if (bytes.subarray(0, 3).equals(UTF_8_MARK) && isUtf8(bytes)) return bytes.toString();
    const isNamed = !NAMED_AT_RANDOM.has(plain(charset));
    const named = isNamed ? await this.#known(bytes, charset) : null;
    if (named !== null) return named;
    const utf16 = utf16Of(bytes);
    if (utf16 !== null) return new TextDecoder(utf16).decode(bytes);
    const own = isHtml ? htmlCharset(bytes) : null;
    // A mail that was taken to UTF-8 on its way still says what it was in.
    const isSure = looksLikeUtf8(bytes) && !isSevenBit(bytes);
    const meant = own === null || isSure || plain(own) === 'utf8' ? null : await this.#known(bytes, own);
    return meant ?? readableText(bytes);
  }

  /** Null: nobody knows the charset. */
  async #known(bytes: Buffer, charset: string): Promise<string | null> {
    const switched = decodeEscapeSwitched(bytes, charset);
    if (switched !== null) return switched;
    let decoder: Transform;
    try {
      decoder = this.#decodeStream(charset);
    } catch {
      return null;
    }
    decoder.end(bytes);
    let text = '';
    for await (const piece of decoder.setEncoding('utf8') as AsyncIterable<string>) text += piece;
    return text;
  }
}

const BYTE_ORDER_MARK = '\uFEFF';
const UTF_8_MARK = Buffer.from(BYTE_ORDER_MARK);

const plain = (charset: string): string => charset.toLowerCase().replace(/[^a-z0-9]+/g, '');

function utf16Of(bytes: Buffer): string | null {
  const [first, second] = bytes;
  if (first === 0xff && second === 0xfe) return 'utf-16le';
  return first === 0xfe && second === 0xff ? 'utf-16be' : null;
}

const isSevenBit = (bytes: Buffer): boolean => !bytes.some((byte) => byte > 0x7f);

/** Random bytes are not, as a rule. */
function mayBeText(bytes: Buffer, charset: string): boolean {
  if (/^(?:utf|ucs)(?:16|32|2|4)/.test(plain(charset))) return true;
  if (NAMED_AT_RANDOM.has(plain(charset)) && !isUtf8(bytes)) return false;
  return !/[\0-\x08\x0b\x10-\x1a\x1c-\x1f\x7f]/.test(bytes.toString('latin1'));
}
