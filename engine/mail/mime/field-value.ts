// The value of a structured field (RFC 2045, 5.1; RFC 2183, 2): comments taken out, then cut at its semicolons.
// Comments, blanks for semicolons and whatever else mailers write there are read as they were meant.
// Invariant: a value without any of that comes out as it went in; the time grows with the length only.

export interface FieldValue {
  /** What stands before the first semicolon. */
  readonly main: string;
  /** By lower-case name, in the order of the value; pieces (RFC 2231) put together under one name. */
  readonly parameters: ReadonlyMap<string, string>;
  /** What stands behind it, between semicolons. */
  readonly rest: readonly string[];
}

/** The value as it should have been written. */
export const mendedValue = ({ main, rest }: FieldValue): string => [main, ...rest].join('; ');

/** Parameters that hold a file's name: many are written without quotes, `report (1).pdf` among them. */
const NAMES = /^(?:file)?name\b/i;

/** @param unfolded one field, without its name */
export function readFieldValue(unfolded: string): FieldValue {
  const [first = '', ...rest] = segments(unfolded);
  const [main, behind] = splitMain(first.trim());
  const all = [...(behind === '' ? [] : [behind]), ...rest.map((one) => one.trim())].filter(
    (one) => one !== '',
  );
  return { main, rest: all, parameters: parametersOf(all) };
}

/** `text/html charset=utf-8`: a blank, a comma or a colon where the semicolon should be. */
function splitMain(text: string): [main: string, behind: string] {
  if (!/[\s,:"]/.test(text)) return [text, ''];
  const main = (/^"([^"]*)"$/.exec(text)?.[1] ?? text).replace(/\s+/g, ' ').trim();
  const found = /^([^\s,:;=/]+(?: ?\/ ?[^\s,:;=/]+)?) ?[\s,:] ?([^\s=]+ ?=[^]*)$/.exec(main);
  return found ? [found[1]!, found[2]!] : [main, ''];
}

/** The pieces between semicolons, without comments. */
function segments(value: string): string[] {
  if (!/["(]/.test(value)) return value.split(';');
  const found: string[] = [];
  let [segment, begin] = ['', 0];
  let [isQuoted, isBroken, comments] = [false, false, 0];
  for (let at = 0; at < value.length; at++) {
    const one = value[at];
    if (one === '\\' && isQuoted) at++;
    else if (one === '"') isQuoted = !isQuoted;
    else if (isQuoted) continue;
    else if (one === ';') {
      found.push(segment + value.slice(begin, at));
      [segment, begin] = ['', at + 1];
    } else if (one === '(' && !isBroken) {
      const end = endOfComment(value, at);
      // One that never ends makes no comments of those behind it, either.
      isBroken = end < 0 || ++comments > MOST_COMMENTS;
      if (isBroken || isPartOfName(value, segment + value.slice(begin, at), end)) continue;
      segment += `${value.slice(begin, at)} `;
      at = end;
      begin = end + 1;
    }
  }
  return [...found, segment + value.slice(begin)];
}

const MOST_COMMENTS = 100;

/** Where a comment ends, which may hold others (RFC 822, 3.4.3); -1: nowhere. */
function endOfComment(value: string, from: number): number {
  let depth = 0;
  for (let at = from; at < value.length; at++) {
    const one = value[at];
    if (one === '\\') at++;
    else if (one === '(') depth++;
    else if (one === ')' && --depth === 0) return at;
  }
  return -1;
}

/** In a name without quotes, what is in brackets belongs to it, if the name goes on behind. */
function isPartOfName(value: string, segment: string, end: number): boolean {
  const equals = segment.indexOf('=');
  if (equals < 0 || !NAMES.test(segment.trimStart()) || segment.includes('"', equals)) return false;
  if (segment.slice(equals + 1).trim() === '') return false;
  return /^[^\s;(]/.test(value.slice(end + 1, end + 2));
}

function parametersOf(all: readonly string[]): Map<string, string> {
  const parameters = new Map<string, string>();
  const pieces = new Map<string, { readonly number: number; readonly value: string }[]>();
  for (const one of all) {
    const equals = one.indexOf('=');
    if (equals < 0) continue;
    const name = one.slice(0, equals).trim().toLowerCase();
    const value = unquoted(one.slice(equals + 1).trim());
    const [, base, number, encoded] = (name.includes('*') && PIECE.exec(name)) || [];
    if (base === undefined) parameters.set(name, value);
    else {
      const isEncoded = encoded === '*' || number === '';
      const piece = { number: Number(number), value: isEncoded ? decoded(value) : value };
      pieces.set(base, [...(pieces.get(base) ?? []).slice(0, MOST_PIECES), piece]);
    }
  }
  for (const [name, found] of pieces) {
    const inOrder = found.sort((one, other) => one.number - other.number);
    parameters.set(name, inOrder.map(({ value }) => value).join(''));
  }
  return parameters;
}

/** `name*`, `name*0`, `name*0*` (RFC 2231, 3 and 4). */
const PIECE = /^([^*]+)\*(\d{0,6})(\*?)$/;
const MOST_PIECES = 100;

function unquoted(value: string): string {
  if (!value.startsWith('"')) return value;
  const end = value.endsWith('"') && value.length > 1 ? -1 : value.length;
  return value.slice(1, end).replace(/\\(.)/gs, '$1');
}

/** `utf-8''a%20b` (RFC 2231, 4), as bytes: a boundary is no more than that. */
const decoded = (value: string): string =>
  value
    .replace(/^[^'%]{0,40}'[^']{0,40}'/, '')
    .replace(/%([0-9a-f]{2})/gi, (_, digits: string) => String.fromCharCode(parseInt(digits, 16)));
