// What is secret of a webhook, blotted out of what its receiver answers: one may answer with what it was sent.
// Invariants: a secret is found whole, without its scheme (`Bearer …`), in each of its long pieces, encoded for a URL, JSON or HTML,
// and where the text ends in its middle; its first characters alone give nothing away.

/** Shorter ones are in every text. */
const LEAST = 4;
/** Of a secret of several pieces (`session=…; path=…`, `bot123:…`). */
const LEAST_PIECE = 8;
const PIECES = /[^\w~.-]+/;
/** No way to write a character is longer. */
const LONGEST_FORM = 12;

const HTML: Readonly<Partial<Record<string, readonly string[]>>> = {
  '&': ['&amp;'],
  '<': ['&lt;'],
  '>': ['&gt;'],
  '"': ['&quot;'],
  "'": ['&apos;', '&#039;'],
};

/** Each character in all its forms, the longest first. */
type Forms = readonly (readonly string[])[];

/** How many bytes behind a place have to be seen, for a secret that begins before it to be seen whole. */
export const longestSecret = (secrets: readonly string[]): number =>
  Math.max(0, ...secrets.map((secret) => formsOf(secret).reduce((sum, [form]) => sum + bytesIn(form!), 0)));

export function blotted(text: string, secrets: readonly string[]): string {
  const all = [...new Set(secrets.flatMap(told))].map(formsOf);
  let shown = '';
  for (let at = 0; at < text.length;) {
    const end = Math.max(...all.map((forms) => endOf(text, at, forms)), -1);
    shown += end < 0 ? text.charAt(at) : '…';
    at = end < 0 ? at + 1 : end;
  }
  return shown;
}

/** What a receiver may tell of one. */
function told(secret: string): readonly string[] {
  const afterScheme = /^\S+\s+(.+)$/s.exec(secret)?.[1] ?? '';
  return [
    ...[secret, afterScheme].filter(({ length }) => length >= LEAST),
    ...secret.split(PIECES).filter(({ length }) => length >= LEAST_PIECE),
  ];
}

/** @returns where it ends that begins there; -1: it does not */
function endOf(text: string, at: number, forms: Forms): number {
  let end = at;
  for (const [index, ways] of forms.entries()) {
    const form = ways.find((way) => text.startsWith(way, end));
    if (form !== undefined) {
      end += form.length;
      continue;
    }
    if (index < LEAST || text.length - end >= LONGEST_FORM) return -1;
    const rest = text.slice(end);
    return ways.some((way) => way.startsWith(rest)) ? text.length : -1;
  }
  return end;
}

const formsOf = (secret: string): Forms =>
  Array.from(secret, (character) => {
    if (/^[\dA-Za-z]$/.test(character)) return [character];
    const percent = [...Buffer.from(character)].map((byte) => `%${hex(byte, 2)}`).join('');
    const json = [...Array(character.length).keys()]
      .map((index) => `\\u${hex(character.charCodeAt(index), 4)}`)
      .join('');
    const code = character.codePointAt(0)!;
    const ways = [
      ...[percent, percent.toUpperCase(), json, json.replace(/[a-f]/g, (digit) => digit.toUpperCase())],
      ...[`&#${code};`, `&#x${hex(code)};`, `&#x${hex(code).toUpperCase()};`, ...(HTML[character] ?? [])],
      ...[`\\${character}`, character, ...(character === ' ' ? ['+'] : [])],
    ];
    return [...new Set(ways)].sort((one, other) => other.length - one.length);
  });

const hex = (code: number, digits = 1): string => code.toString(16).padStart(digits, '0');

const bytesIn = (form: string): number => Buffer.byteLength(form);
