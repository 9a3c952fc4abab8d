// A part whose header tells what it is with comments, junk, or twice: what the splitter (mailsplit 5.x of mailparser 3.9.31) has made
// of it is put right, before the parser goes by it.
// Invariant: a part whose fields are well formed stays as the splitter read it.
import type { Transform } from 'node:stream';
import { ContentFields, type ContentType } from './mime/content-fields';
import { mendedValue } from './mime/field-value';
import { inKnownCharsets } from './words';

/** A part, as the splitter hands it on. */
export interface SplitPart {
  readonly root: boolean;
  readonly headers: {
    get(name: string): string[];
    /** Whole lines, by lower-case name. */
    getList(): readonly { readonly key: string; readonly line: string }[];
  };
  readonly parentNode: SplitPart | false;
  readonly libmime: {
    parseHeaderValue(value: string): { value: string; params: Record<string, string> };
    decodeWords(value: string): string;
  };
  contentType: string | false;
  disposition: string | false;
  encoding: string | false;
  charset: string | false;
  filename: string | false;
  flowed: boolean;
  delSp: boolean;
  getDecoder(): Transform;
}

export function mendPart(part: SplitPart): void {
  if (isWellFormed(part) || (part.contentType && part.contentType.startsWith('multipart/'))) return;
  const valuesOf = (name: string): string[] =>
    part.headers.get(name).map((line) => line.slice(line.indexOf(':') + 1).trim());
  const fields = new ContentFields(valuesOf);
  part.encoding = fields.encoding;
  const type = fields.types[0];
  const isTypeClear =
    type === undefined || (type.isClear && type.type !== null && isKnown(mendedValue(type.value)));
  const isClear =
    isTypeClear && fields.mendedDisposition === null && isKnown(valuesOf('content-disposition')[0] ?? '');
  if (!isClear) mend(part, fields, valuesOf('content-disposition')[0] ?? '');
}

/** What nearly every part has; the rest is looked at more closely. */
const USUAL: ReadonlyMap<string, RegExp> = new Map([
  ['content-type', /^[^:]*:\s*[a-z0-9]+\/[a-z0-9.+-]+\s*(?:;[^(*?]*)?$/i],
  ['content-disposition', /^[^:]*:\s*(?:inline|attachment)\s*(?:;[^(*?]*)?$/i],
  ['content-transfer-encoding', /^[^:]*:\s*(?:base64|quoted-printable|[78]bit|binary)\s*$/i],
]);

function isWellFormed({ headers }: SplitPart): boolean {
  const seen = new Set<string>();
  for (const { key, line } of headers.getList()) {
    const usual = USUAL.get(key);
    if (!usual) continue;
    if (seen.has(key) || !usual.test(line)) return false;
    seen.add(key);
  }
  return true;
}

const isKnown = (value: string): boolean => inKnownCharsets(value) === value;

function mend(part: SplitPart, fields: ContentFields, written: string): void {
  const { libmime } = part;
  const disposition = libmime.parseHeaderValue(inKnownCharsets(fields.mendedDisposition ?? written));
  part.disposition = fields.disposition || false;
  let name = disposition.params['filename'];
  const type = fields.types.find(isLeaf) ?? fields.types[0];
  if (type) {
    const { params } = libmime.parseHeaderValue(inKnownCharsets(mendedValue(type.value)));
    name ||= params['name'];
    part.contentType = type.type ?? unreadableType(fields);
    part.charset = params['charset'] || false;
    part.flowed = params['format']?.trim().toLowerCase() === 'flowed';
    part.delSp = part.flowed && params['delsp']?.trim().toLowerCase() === 'yes';
  }
  part.filename = name ? decoded(name, libmime) : false;
}

const isLeaf = ({ type }: ContentType): boolean => type !== null && !type.startsWith('multipart/');

/** A type that cannot be read is text (RFC 2045, 5.2), but not that of a file. */
const unreadableType = (fields: ContentFields): string =>
  fields.isAttachment || fields.name !== '' ? 'application/octet-stream' : 'text/plain';

function decoded(name: string, libmime: SplitPart['libmime']): string {
  try {
    return libmime.decodeWords(name);
  } catch {
    return name;
  }
}
