// What a mail consists of: parts within parts, each a place in the bytes that it stands in. Nothing is copied.
import type { ContentFields } from './content-fields';

/** The parser takes some 12 kB of memory for each (measured). */
export const MOST_PARTS = 20_000;
/** The parser needs the stack for parts within parts. */
export const MOST_PARSED_DEEP = 100;

export interface Range {
  readonly from: number;
  /** The first byte behind it. */
  readonly to: number;
}

export interface Part {
  /** What its places count in: the body of the mail, or what a part of it was decoded to. */
  readonly source: Buffer;
  /** Its header block, without the empty line. */
  readonly head: Range;
  readonly fields: ContentFields;
  readonly parent: Part | null;
  /** How many parts it is within. */
  readonly depth: number;
  readonly parts: Part[];
  /** `message`: one that is shown within the mail; its only part is what it says. */
  kind: 'leaf' | 'multipart' | 'message';
  /** Such as `text/plain`; null where it cannot be read. */
  type: string | null;
  /** The field that says so, where it is not the first of its name. */
  typeField: string | null;
  body: Range;
}

/** They go no further than that. */
export function endAll(parts: readonly Part[], to: number): void {
  for (const part of parts) part.body = { from: part.body.from, to: Math.max(part.body.from, to) };
}

/** Quoted-printable leaves delimiters as they are, but not the fields of the parts. */
export function isCodedWhole({ fields, source, body: { from, to } }: Part): boolean {
  if (fields.encoding !== 'quoted-printable') return false;
  const begin = source.toString('latin1', from, Math.min(to, from + LOOKED_AT_BYTES));
  return /^content-[a-z-]{1,40}:[^\n]{0,200}=3D/im.test(begin);
}

const LOOKED_AT_BYTES = 16 * 1024;

/** Nothing in it, or only what closes it. */
export const isBlank = ({ source, body }: Part): boolean =>
  body.to - body.from < MOST_BLANK &&
  /^\s*(?:--\S*--\s*)?$/.test(source.toString('latin1', body.from, body.to));

const MOST_BLANK = 1_000;
