// What a mail that may be a bounce consists of: what it reports, what is left of the original, and what it says to people.
// Invariant: no more of it is read than its first megabytes; a report stands before the original that it returns.
import { readableText } from '../charset';
import { type MailHeaders, readHeaders, splitMail } from '../headers';
import type { Part } from '../mime/part';
import { readStructure, type Structure } from '../mime/structure';
import { decodeBody } from '../mime/transfer-encoding';
import { DAEMON } from './writer';

export interface BounceParts {
  readonly headers: MailHeaders;
  /** Bodies of `message/delivery-status` (RFC 3464, RFC 6533). */
  readonly reports: readonly string[];
  /** The header of the mail that came back. */
  readonly original: MailHeaders | null;
  /** For people, plain; or what its HTML says. */
  readonly text: string;
}

const MOST_HEAD_BYTES = 64 * 1024;
const MOST_READ_BYTES = 2 * 1024 * 1024;
const MOST_TEXT_BYTES = 128 * 1024;

/** A report; or from whom no person writes: the null sender, a daemon. Gmail and Exim name those that have not got it. */
const HINT = new RegExp(
  String.raw`^content-type:[^\n]*(?:\n[ \t][^\n]*){0,3}report|^x-failed-recipients:|^return-path:\s*<>|^from:[^\n]*(?:${DAEMON.source})`,
  'im',
);

/** Whether it is worth reading: by its header alone. */
export const hintsAtBounce = (head: Buffer): boolean =>
  HINT.test(head.toString('latin1', 0, Math.min(head.length, MOST_HEAD_BYTES)));

export function bouncePartsOf(raw: Buffer): BounceParts | null {
  const { head, body } = splitMail(raw);
  if (!hintsAtBounce(head)) return null;
  const { root } = atOnce(readStructure(head, body.subarray(0, MOST_READ_BYTES), true));
  const parts = leavesOf(root);
  const bodies = (wanted: RegExp): string[] =>
    parts.filter(({ type }) => wanted.test(type ?? 'text/plain')).map(textOf);
  const original = bodies(ORIGINAL)[0];
  return {
    headers: readHeaders(head.subarray(0, MOST_HEAD_BYTES)),
    reports: bodies(REPORT),
    original: original === undefined ? null : readHeaders(Buffer.from(headOf(original))),
    text: bodies(TEXT).join('\n') || bodies(HTML).map(withoutTags).join('\n'),
  };
}

const REPORT = /^message\/(?:global-)?delivery-status$/;
const ORIGINAL = /^(?:message\/(?:rfc822|global|rfc822-headers|global-headers)|text\/rfc822-headers)$/;
const TEXT = /^text\/plain$/;
const HTML = /^text\/html$/;

const ENTITIES: Readonly<Record<string, string>> = { lt: '<', gt: '>', nbsp: ' ', amp: '&' };

/** Enough to find addresses and codes in it. */
const withoutTags = (html: string): string =>
  html
    .replace(/\r?\n/g, ' ')
    .replace(/<(?:br|\/(?:p|div|t[dr]|li|h\d))\b[^<>]*>/gi, '\n')
    .replace(/<[^<>]*>/g, '')
    .replace(/&(lt|gt|nbsp|amp);/gi, (_, name: string) => ENTITIES[name.toLowerCase()]!);

function atOnce(steps: Generator<undefined, Structure>): Structure {
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
  }
}

/** Not those of a message within it: a bounce that somebody hands on is his own mail. */
function leavesOf(root: Part): readonly Part[] {
  const leaves: Part[] = [];
  const open = [root];
  for (let part = open.pop(); part; part = open.pop()) {
    if (part.kind === 'multipart') open.push(...[...part.parts].reverse());
    else leaves.push(part);
  }
  return leaves;
}

function textOf({ source, body, fields }: Part): string {
  const bytes = source.subarray(body.from, Math.min(body.to, body.from + MOST_TEXT_BYTES));
  return readableText(decodeBody(bytes, fields.encoding) ?? bytes);
}

/** Up to its first empty line. */
const headOf = (message: string): string => splitMail(Buffer.from(message.trimStart())).head.toString();
