// What a part is by its header: a leaf, a multipart, or a message that is shown within the mail.
// Invariant: of several types the one is taken that fits what is there; a part is a multipart if one of them says so.
import type { ContentFields } from './content-fields';
import { mendedValue } from './field-value';
import type { Part, Range } from './part';

/** What follows from the fields of a part, before its body is looked at. */
export interface Announced {
  /** What it is if it has no parts; null where that cannot be read. */
  readonly leafType: string | null;
  /** What a field says that is not the first of its name. */
  readonly leafTypeField: string | null;
  /** Boundaries that it names, and the type of multipart that goes with each. */
  readonly boundaries: ReadonlyMap<string, string>;
  readonly multipartType: string | null;
  /** Without parts it may be a leaf. */
  readonly isPerhaps: boolean;
  /** The parser sees the same multipart, and the same boundary. */
  readonly isClear: boolean;
}

const isMultipart = (type: string | null): type is string => type?.startsWith('multipart/') ?? false;

export function announcedBy({ types }: ContentFields): Announced {
  const multipart = types.find(({ type }) => isMultipart(type));
  const leaf = types.find(({ type }) => type !== null && !isMultipart(type));
  const boundaries = new Map<string, string>();
  for (const { type, value } of types.slice(0, MOST_TYPES)) {
    const boundary = value.parameters.get('boundary') ?? '';
    if (boundary === '' || boundaries.has(boundary) || type?.startsWith('message/')) continue;
    boundaries.set(boundary, isMultipart(type) ? type : 'multipart/mixed');
  }
  return {
    leafType: leaf?.type ?? null,
    leafTypeField: leaf && leaf !== types[0] ? mendedValue(leaf.value) : null,
    boundaries,
    multipartType: multipart?.type ?? null,
    isPerhaps: !multipart || leaf !== undefined,
    isClear: types.length === 1 && multipart !== undefined && multipart.isClear,
  };
}

const MOST_TYPES = 8;

/** How a message must be coded to be read on within the mail. */
const AS_IT_IS = ['', '7bit', '8bit', 'binary'];

/** A message that is shown within the mail, and not only attached. */
export const isShownMessage = (fields: ContentFields, type: string | null, namedAreFiles: boolean): boolean =>
  type === 'message/rfc822' &&
  fields.disposition === 'inline' &&
  AS_IT_IS.includes(fields.encoding) &&
  !(namedAreFiles && fields.name !== '');

export const newPart = (
  source: Buffer,
  head: Range,
  body: Range,
  fields: ContentFields,
  parent: Part | null,
): Part => ({
  ...{ source, head, body, fields, parent },
  depth: parent ? parent.depth + 1 : 0,
  parts: [],
  kind: 'leaf',
  type: null,
  typeField: null,
});
