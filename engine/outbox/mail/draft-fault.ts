// What is wrong with a mail as a person has filled it in.
// Invariant: what is of one line in a mail is of one line here, made so, or refused.

/** What a person filled in cannot be sent, with words that say what is wrong. */
export class DraftFault extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'DraftFault';
  }
}

/** C0, DEL, C1, and Unicode's line and paragraph separators. */
export const CONTROLS = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/u;

/** @throws DraftFault */
export function aText(field: string, value: unknown): string {
  if (typeof value === 'string') return value;
  throw new DraftFault(`"${field}" is no text.`);
}

/** @throws DraftFault */
export function ofOneLine(field: string, value: string): string {
  if (!CONTROLS.test(aText(field, value))) return value;
  throw new DraftFault(`"${field}" holds a line break, or another control character. Nothing was sent.`);
}

/** Where a line break is no fault of who filled it in. */
export const asOneLine = (text: string): string =>
  text
    .split(CONTROLS)
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .join(' ');
