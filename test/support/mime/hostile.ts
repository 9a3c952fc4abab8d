// What a hostile mail is to the tests: its bytes, and what a reader would still want to have of it.
import { Buffer } from 'node:buffer';
import { createHash } from 'node:crypto';

export interface Wanted {
  readonly subject?: string;
  readonly from?: string;
  /** Stands in the text. */
  readonly text?: string;
  /** Stands in the HTML. */
  readonly html?: string;
  /** Another header field, and its value. */
  readonly header?: readonly [name: string, value: string];
  /** The whole text, or HTML, but for blanks around it. */
  readonly wholeText?: string;
  readonly wholeHtml?: string;
  /** One of the attachments; its name as it is handed out. */
  readonly attachment?: { readonly name?: string; readonly content: Buffer };
  /** The names of all of them. */
  readonly files?: readonly string[];
  /** What is missing is said; where this is not there, nothing is missing. */
  readonly missing?: RegExp;
  /** There is nothing in it that anybody could want. */
  readonly nothing?: true;
}

export interface HostileMail {
  readonly name: string;
  readonly raw: Buffer;
  readonly wanted: Wanted;
}

export const CRLF = '\r\n';

/** Text as UTF-8, and bytes as they are. */
export const bytes = (...pieces: readonly (string | Buffer)[]): Buffer =>
  Buffer.concat(pieces.map((piece) => (typeof piece === 'string' ? Buffer.from(piece) : piece)));

export const hex = (digits: string): Buffer => Buffer.from(digits.replaceAll(' ', ''), 'hex');

export const lines = (...all: readonly string[]): string => all.join(CRLF);

export const hostile = (
  name: string,
  wanted: Wanted,
  ...pieces: readonly (string | Buffer)[]
): HostileMail => ({
  name,
  wanted,
  raw: bytes(...pieces),
});

/** A mail with only these fields, and some text. */
export const plainly = (name: string, field: string, wanted: Wanted = {}): HostileMail =>
  hostile(name, { text: 'the text', ...wanted }, `${field}\r\n\r\nthe text`);

/** No two have the same: a server may hand them out with the same size. */
export const messageIdField = (name: string): string =>
  `Message-ID: <${createHash('sha256').update(name).digest('hex').slice(0, 24)}@torture.example>`;

/** A header block with From, Subject, Date and Message-ID, all told by the name; the fields given come after them. */
export const head = (name: string, ...fields: readonly string[]): string =>
  lines(
    'From: Ann <ann@example.com>',
    'To: bob@example.com',
    `Subject: ${name}`,
    'Date: Thu, 01 Oct 2026 10:00:00 +0000',
    messageIdField(name),
    ...fields,
    '',
    '',
  );

/** A mail with a header of its own, whose subject is its name, and the body given. */
export const withBody = (
  name: string,
  fields: readonly string[],
  wanted: Wanted,
  ...body: readonly (string | Buffer)[]
): HostileMail => hostile(name, { subject: name, ...wanted }, head(name, ...fields), ...body);

export interface Part {
  readonly fields: readonly string[];
  readonly body: string | Buffer;
}

/** The parts between their boundaries, with the closing one. */
export const parts = (boundary: string, ...all: readonly Part[]): Buffer =>
  bytes(
    ...all.flatMap(({ fields, body }) => [lines(`--${boundary}`, ...fields, '', ''), body, CRLF]),
    `--${boundary}--${CRLF}`,
  );

export const textPart = (text: string): Part => ({ fields: ['Content-Type: text/plain'], body: text });

/** Bytes that are told from one another, and from text. */
export const noise = (length: number): Buffer =>
  Buffer.from(Array.from({ length }, (_, i) => (i * 31 + 7) % 256));

export const base64Lines = (content: Buffer): string =>
  content.toString('base64').replace(/(.{76})/g, `$1${CRLF}`);

/** In lines that are broken, but not within a code. */
export const quotedPrintable = (text: string): string =>
  text.replaceAll('=', '=3D').replace(/((?:=[0-9A-F]{2}|[^\r\n=]){60})(?=[^\r\n])/g, `$1=${CRLF}`);

export const filePart = (content: Buffer, name: string, ...more: readonly string[]): Part => ({
  fields: [
    'Content-Type: application/octet-stream',
    `Content-Disposition: attachment; filename="${name}"`,
    'Content-Transfer-Encoding: base64',
    ...more,
  ],
  body: base64Lines(content),
});
