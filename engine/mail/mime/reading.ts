// A mail is read for its parts, from the first byte to the last. Where a multipart has ended and none was found in it, its bytes are
// read again: decoded, or with the boundary that they seem to have.
// Invariant: no more than some times the length of the mail is read, and what is kept of a part is where it stands.
import { announcedBy, isShownMessage, newPart } from './begin-part';
import type { ContentFields } from './content-fields';
import { type Delimiter, type Frame, frameOf, OpenMultiparts } from './delimiters';
import { dashesFrom, isFirstDelimiter } from './first-delimiter';
import { headFields } from './head-fields';
import { endBefore, type Line, lineAt, readHeadBlock } from './head-block';
import { endAll, isBlank, isCodedWhole, MOST_PARSED_DEEP, MOST_PARTS, type Part, type Range } from './part';
import { decodeBody } from './transfer-encoding';

/** How much is read again: so many times the length of the mail. */
const MOST_REREADINGS = 8;
const MOST_REREADINGS_DEEP = 50;
const LINES_AT_ONCE = 2_000;
/** Lines within one header that may be delimiters. */
const MOST_TRIES = 20;

type Steps<T> = Generator<undefined, T>;

/** Some bytes, and what of them is being read. */
interface Scan {
  readonly source: Buffer;
  readonly to: number;
  readonly open: OpenMultiparts;
  /** What belongs to no multipart of these. */
  readonly outside: Frame;
}

export class Reading {
  isAmiss = false;
  partCount = 0;
  isCounted = true;
  readonly unread: Part[] = [];
  readonly #body: Buffer;
  readonly #namedAreFiles: boolean;
  #rereadBytes: number;
  #rereadingsDeep = 0;

  constructor(body: Buffer, namedAreFiles: boolean) {
    this.#body = body;
    this.#namedAreFiles = namedAreFiles;
    this.#rereadBytes = body.length * MOST_REREADINGS;
  }

  *read(fields: ContentFields): Steps<Part> {
    const range = { from: 0, to: this.#body.length };
    const root = newPart(this.#body, { from: 0, to: 0 }, range, fields, null);
    const scan = scanOf(root, this.#body, range.to);
    this.#begin(scan, scan.outside, root);
    const from = root.kind === 'message' ? this.#beginWithin(scan, scan.outside, 0) : 0;
    yield* this.#scan(scan, from);
    return root;
  }

  *#scan(scan: Scan, from: number): Steps<void> {
    const { source, to, open, outside } = scan;
    let lines = 0;
    for (let at = dashesFrom(source, from); at >= 0 && at < to && open.innermost;) {
      const line = lineAt(source, at, to);
      const delimiter = open.delimiterAt(source, line);
      if (!delimiter) {
        const { found, guesses } = open.innermost;
        if (found === 0) guesses.see(source, line, to);
      }
      const next = delimiter ? yield* this.#pass(scan, delimiter, line) : line.next;
      at = dashesFrom(source, next);
      if (++lines % LINES_AT_ONCE === 0) yield;
    }
    while (open.innermost) yield* this.#end(open.close(), to);
    endAll(outside.going, to);
  }

  /** Goes on behind a delimiter. @returns where */
  *#pass(scan: Scan, found: Delimiter, line: Line): Steps<number> {
    const { source, open } = scan;
    const { frame, boundary, closes, isExact } = found;
    // One that closes what has not begun means nothing.
    if (closes && frame.found === 0) return line.next;
    this.isAmiss ||= !isExact;
    const end = endBefore(source, line.from);
    while (open.innermost !== frame) {
      const inner = open.close();
      // The parser looks for the delimiters of the innermost multipart only.
      this.isAmiss ||= inner.found > 0;
      yield* this.#end(inner, end);
    }
    endAll(frame.going, end);
    frame.going.length = 0;
    if (closes) {
      open.close();
      endAll([frame.part], end);
      return line.next;
    }
    if (frame.found === 0) this.#settle(open, frame, boundary);
    return this.#beginWithin(scan, frame, line.next);
  }

  #settle(open: OpenMultiparts, frame: Frame, boundary: string): void {
    const type = frame.boundaries.get(boundary)!;
    open.settle(frame, boundary);
    Object.assign(frame.part, { kind: 'multipart', type });
    this.isAmiss ||= !announcedBy(frame.part.fields).isClear;
  }

  /** Reads the header of a part of it, and of what that shows. @returns where the body begins */
  #beginWithin(scan: Scan, frame: Frame, from: number): number {
    let parent = frame.part;
    for (let at = from; ;) {
      const part = this.#readHead(scan, at, parent);
      // Nothing at all is no part.
      if (!part) return at;
      frame.found++;
      if (++this.partCount > MOST_PARTS) this.isAmiss = true;
      else parent.parts.push(part);
      this.#begin(scan, frame, part);
      at = part.body.from;
      if (part.kind !== 'message') return at;
      parent = part;
    }
  }

  #readHead({ source, to, open }: Scan, from: number, parent: Part): Part | null {
    let tries = 0;
    const endsAt = (line: Line, head: Range): boolean =>
      open.delimiterAt(source, line) !== null ||
      (++tries <= MOST_TRIES && isFirstDelimiter(source, line, head, to));
    const { head, bodyFrom, isClosed, isNothing } = readHeadBlock(source, { from, to }, endsAt);
    if (isNothing) return null;
    this.isAmiss ||= !isClosed;
    const fields = headFields(source.toString('latin1', head.from, head.to));
    return newPart(source, head, { from: bodyFrom, to }, fields, parent);
  }

  #begin({ open }: Scan, frame: Frame, part: Part): void {
    const { leafType, leafTypeField, boundaries, multipartType, isPerhaps } = announcedBy(part.fields);
    part.type = leafType;
    part.typeField = leafTypeField;
    this.isAmiss ||= part.depth > MOST_PARSED_DEEP;
    if (multipartType !== null || boundaries.size > 0) {
      if (!isPerhaps) Object.assign(part, { kind: 'multipart', type: multipartType });
      if (open.isFull) this.isCounted = false;
      else open.open(frameOf(part, isCodedWhole(part) ? NONE : boundaries));
      return;
    }
    frame.going.push(part);
    if (!isShownMessage(part.fields, part.type, this.#namedAreFiles)) return;
    part.kind = 'message';
    this.isAmiss = true;
  }

  /** A multipart, or what may be one, is at its end. */
  *#end({ part, going, guesses, found }: Frame, to: number): Steps<void> {
    endAll(going, to);
    endAll([part], to);
    if (found > 0 || this.partCount > MOST_PARTS) return;
    if (part.kind === 'leaf') {
      this.isAmiss ||= part.typeField !== null;
      return;
    }
    yield* this.#findParts(part, guesses.best());
    this.isAmiss = true;
    if (part.parts.length === 0 && (part.parent === null || !isBlank(part))) this.unread.push(part);
  }

  /** Of a multipart in which none was found: it may be coded as a whole, and its boundary may be another one. */
  *#findParts(part: Part, guess: string | null): Steps<void> {
    const { source, body, fields } = part;
    const { boundaries } = announcedBy(fields);
    const decoded = this.#mayRead(body)
      ? decodeBody(source.subarray(body.from, body.to), fields.encoding)
      : null;
    if (decoded) {
      const all = { from: 0, to: decoded.length };
      const inner = yield* this.#reread(part, decoded, all, boundaries);
      if (part.parts.length === 0 && inner !== null)
        yield* this.#reread(part, decoded, all, new Map([[inner, part.type!]]));
    }
    if (part.parts.length === 0 && guess !== null)
      yield* this.#reread(part, source, body, new Map([[guess, part.type!]]));
  }

  *#reread(
    part: Part,
    source: Buffer,
    range: Range,
    boundaries: ReadonlyMap<string, string>,
  ): Steps<string | null> {
    if (!this.#mayRead(range)) return null;
    this.#rereadBytes -= range.to - range.from;
    this.#rereadingsDeep++;
    const scan = scanOf(part, source, range.to);
    // Not one of its own kind until a part is found: its end is nothing to be mended.
    const again: Part = { ...part, source, body: range, kind: 'leaf', typeField: null };
    const frame = frameOf(again, boundaries);
    scan.open.open(frame);
    yield* this.#scan(scan, range.from);
    this.#rereadingsDeep--;
    return frame.guesses.best();
  }

  #mayRead({ from, to }: Range): boolean {
    return to - from <= this.#rereadBytes && this.#rereadingsDeep < MOST_REREADINGS_DEEP;
  }
}

const scanOf = (part: Part, source: Buffer, to: number): Scan => ({
  ...{ source, to },
  open: new OpenMultiparts(),
  outside: frameOf(part, NONE),
});

const NONE: ReadonlyMap<string, string> = new Map();
