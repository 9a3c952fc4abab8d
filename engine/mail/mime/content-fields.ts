// What the header of a part says that it is: its type, how it is coded, and whether it is a file (RFC 2045, RFC 2183).
// Where a field is there twice, or cannot be read, what was meant is taken: a type that cannot be read is text (RFC 2045, 5.2).
// Invariant: a header that is well formed is read as the parser reads it.
import { type FieldValue, mendedValue, readFieldValue } from './field-value';

export interface ContentType {
  /** Such as `text/plain`, lower case; null where it cannot be read. */
  readonly type: string | null;
  readonly value: FieldValue;
  /** The parser reads the same from it, as it is written. */
  readonly isClear: boolean;
}

const TOKEN = "[!#$%&'*+\\-.^_`{|}~A-Za-z0-9]+";
const TYPE = new RegExp(`^(${TOKEN})\\s*/\\s*(${TOKEN})$`);
const ENCODING = /^[\s"'(<]*(?:x-)?(base64|quoted-printable|7bit|8bit|binary)(?![a-z0-9-])/;

/** Most of them are asked of few parts only. */
export class ContentFields {
  /** In the order of the header. */
  readonly types: readonly ContentType[];
  readonly #valuesOf: (name: string) => readonly string[];
  #disposition: FieldValue | undefined;

  /** @param valuesOf the values of a field, by its lower-case name, unfolded or not */
  constructor(valuesOf: (name: string) => readonly string[]) {
    this.types = valuesOf('content-type').map(readContentType);
    this.#valuesOf = valuesOf;
  }

  /** Lower case; `attachment` or `inline`, as a rule. */
  get disposition(): string {
    return this.#dispositionField.main.toLowerCase();
  }

  /** The field as it should have been written; null where that is how it is. */
  get mendedDisposition(): string | null {
    const written = this.#writtenDisposition;
    const value = this.#dispositionField;
    return isClear(written) && value.main === mainOf(written) ? null : mendedValue(value);
  }

  get encoding(): string {
    return knownEncoding(this.#valuesOf('content-transfer-encoding'));
  }

  /** The name of the file, not decoded; empty where it has none. */
  get name(): string {
    const named = this.types.map(({ value }) => value.parameters.get('name'));
    return [this.#dispositionField.parameters.get('filename'), ...named].find((name) => name) ?? '';
  }

  /** Handed out as a file, whatever is in it. */
  get isAttachment(): boolean {
    return !['', 'inline'].includes(this.disposition);
  }

  get #dispositionField(): FieldValue {
    return (this.#disposition ??= readFieldValue(this.#writtenDisposition));
  }

  get #writtenDisposition(): string {
    return unfolded(this.#valuesOf('content-disposition')[0] ?? '');
  }
}

function readContentType(folded: string): ContentType {
  const written = unfolded(folded);
  const value = readFieldValue(written);
  const [, type, subtype] = TYPE.exec(value.main) ?? [];
  const name = type && subtype ? `${type}/${subtype}`.toLowerCase() : multipartOnly(value.main);
  return { type: name, value, isClear: isClear(written) && name === mainOf(written).toLowerCase() };
}

/** `multipart`, and nothing more: of a subtype that is not known, it is mixed (RFC 2046, 5.1.7). */
const multipartOnly = (main: string): string | null =>
  /^multipart(?:\s*\/[^]*)?$/i.test(main) ? 'multipart/mixed' : null;

/** No comment, and nothing that could be one. */
const isClear = (written: string): boolean => !written.includes('(');
const mainOf = (written: string): string => written.split(';', 1)[0]!.trim();

const unfolded = (value: string): string =>
  value.includes('\n') ? value.replace(/\r?\n[ \t]?/g, ' ').trim() : value;

/** What stands behind the name of an encoding is dropped, and so is what names none. */
function knownEncoding(values: readonly string[]): string {
  for (const value of values) {
    const named = ENCODING.exec(withoutComment(unfolded(value)).toLowerCase())?.[1];
    if (named !== undefined) return named;
  }
  return '';
}

const withoutComment = (value: string): string =>
  value.includes('(') ? mendedValue(readFieldValue(value)) : value;
