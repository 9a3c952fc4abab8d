// The parts of a mail, found in its bytes from the first to the last, and whether the parser (mailsplit 5.x of mailparser
// 3.9.31) would find the same: it reads only what is written as RFC 2046 has it, and says nothing of the rest.
// Invariant: time grows with the length of the mail, however its parts are nested, and whoever runs it may pause at each yield.
import { announcedBy, headFields, isShownMessage, newPart } from './begin-part';
import type { ContentFields } from './content-fields';
import { type Delimiter, type Frame, frameOf, OpenMultiparts } from './delimiters';
import { dashesFrom, isFirstDelimiter } from './first-delimiter';
import { endBefore, type Line, lineAt, readHeadBlock } from './head-block';
import type { Part, Range } from './part';
import { decodeBody } from './transfer-encoding';

export interface Structure {
  readonly root: Part;
  /** The parser would read something else. */
  readonly isAmiss: boolean;
  /** All there are, of which `MOST_PARTS` are read. */
  readonly partCount: number;
  /** Multiparts in which no part was found. */
  readonly unread: readonly Part[];
}

/** The parser takes some 20 kB of memory for each (measured). */
export const MOST_PARTS = 20_000;
/** How much is looked at again, with another boundary or decoded: so many times the length of the mail. */
const MOST_REREADINGS = 8;
const MOST_REREADINGS_DEEP = 50;
/** A message that is deeper within others is in their files, but not shown. */
const MOST_SHOWN_DEEP = 1_000;
const LINES_AT_ONCE = 20_000;
/** Lines within one header that may be delimiters. */
const MOST_TRIES = 20;

export type Steps<T> = Generator<undefined, T>;

/** @param namedAreFiles parts with a file name are files, also those that are to be shown within the text */
export function* readStructure(head: Buffer, body: Buffer, namedAreFiles: boolean): Steps<Structure> {
  const reading = new Reading(body, namedAreFiles);
  const root = yield* reading.read(headFields(head));
  return { root, isAmiss: reading.isAmiss, partCount: reading.partCount, unread: reading.unread };
}

/** Some bytes, and what of them is being read. */
interface Scan {
  readonly source: Buffer;
  readonly to: number;
  readonly open: OpenMultiparts;
  /** What belongs to no multipart of these. */
  readonly outside: Frame;
}

class Reading {
  isAmiss = false;
  partCount = 0;
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
    yield* this.#scan(scan, this.#begin(scan, scan.outside, root));
    return root;
  }

  *#scan(scan: Scan, from: number): Steps<void> {
    const { source, to, open, outside } = scan;
    let lines = 0;
    for (let at = dashesFrom(source, from); at >= 0 && at < to && open.innermost; ) {
      const line = lineAt(source, at, to);
      const delimiter = open.delimiterAt(source, line);
      if (!delimiter) {
        const { part, guesses } = open.innermost;
        if (part.parts.length === 0) guesses.see(source, line, to);
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
    if (closes && frame.part.parts.length === 0) return line.next;
    this.isAmiss ||= !isExact;
    const end = endBefore(source, line.from);
    while (open.innermost !== frame) {
      const inner = open.close();
      // The parser looks for the delimiters of the innermost multipart only.
      this.isAmiss ||= inner.part.parts.length > 0;
      yield* this.#end(inner, end);
    }
    endAll(frame.going, end);
    frame.going.length = 0;
    if (closes) {
      open.close();
      endAll([frame.part], end);
      return line.next;
    }
    if (frame.part.parts.length === 0) this.#settle(open, frame, boundary);
    return this.#beginWithin(scan, frame, line.next, frame.part);
  }

  #settle(open: OpenMultiparts, frame: Frame, boundary: string): void {
    const type = frame.boundaries.get(boundary)!;
    open.settle(frame, boundary);
    Object.assign(frame.part, { kind: 'multipart', type });
    this.isAmiss ||= !announcedBy(frame.part.fields).isClear;
  }

  /** Reads the header of a part of it, and of what that shows. @returns where the body begins */
  #beginWithin(scan: Scan, frame: Frame, from: number, parent: Part): number {
    const { source, to, open } = scan;
    let tries = 0;
    const endsAt = (line: Line, head: Range): boolean =>
      open.delimiterAt(source, line) !== null ||
      (++tries <= MOST_TRIES && isFirstDelimiter(source, line, head, to));
    const { head, bodyFrom, isClosed } = readHeadBlock(source, { from, to }, endsAt);
    // Nothing at all is no part.
    if (bodyFrom === from) return from;
    if (++this.partCount > MOST_PARTS) {
      this.isAmiss = true;
      return bodyFrom;
    }
    this.isAmiss ||= !isClosed;
    const fields = headFields(source.subarray(head.from, head.to));
    const part = newPart(source, head, { from: bodyFrom, to }, fields, parent);
    parent.parts.push(part);
    return this.#begin(scan, frame, part);
  }

  /** @returns where to go on */
  #begin(scan: Scan, frame: Frame, part: Part): number {
    const { leafType, leafTypeField, boundaries, multipartType, isPerhaps } = announcedBy(part.fields);
    part.type = leafType;
    if (multipartType !== null || boundaries.size > 0) {
      if (!isPerhaps) Object.assign(part, { kind: 'multipart', type: multipartType });
      part.typeField = leafTypeField;
      scan.open.open(frameOf(part, boundaries));
      return part.body.from;
    }
    frame.going.push(part);
    part.typeField = leafTypeField;
    this.isAmiss ||= leafTypeField !== null && part.fields.types[0]!.type?.startsWith('multipart/') === true;
    const isShown = isShownMessage(part.fields, part.type, this.#namedAreFiles);
    if (!isShown || part.depth > MOST_SHOWN_DEEP) return part.body.from;
    part.kind = 'message';
    this.isAmiss = true;
    return this.#beginWithin(scan, frame, part.body.from, part);
  }

  /** A multipart, or what may be one, is at its end. */
  *#end({ part, boundaries, going, guesses }: Frame, to: number): Steps<void> {
    endAll(going, to);
    endAll([part], to);
    if (part.parts.length > 0) return;
    if (part.kind === 'leaf') {
      this.isAmiss ||= part.typeField !== null;
      return;
    }
    yield* this.#findParts(part, boundaries, guesses.best());
    this.isAmiss = true;
    if (part.parts.length === 0 && (part.parent === null || !isBlank(part))) this.unread.push(part);
  }

  /** Of a multipart in which none was found: it may be coded as a whole, and its boundary may be another one. */
  *#findParts(part: Part, boundaries: ReadonlyMap<string, string>, guess: string | null): Steps<void> {
    const { source, body, fields } = part;
    const decoded = this.#mayRead(body) ? decodeBody(source.subarray(body.from, body.to), fields.encoding) : null;
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
    const frame = frameOf({ ...part, source, body: range, kind: 'leaf', typeField: null }, boundaries);
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
  outside: frameOf(part, new Map()),
});

function endAll(parts: readonly Part[], to: number): void {
  for (const part of parts) part.body = { from: part.body.from, to: Math.max(part.body.from, to) };
}

/** Nothing in it, or only what closes it. */
const isBlank = ({ source, body }: Part): boolean =>
  body.to - body.from < MOST_BLANK && /^\s*(?:--\S*--\s*)?$/.test(source.toString('latin1', body.from, body.to));

const MOST_BLANK = 1_000;
