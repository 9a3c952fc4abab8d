// What the server tells of a mail: what identifies it, what filters need, and a small one's content.
// Invariant: what the server does not say is unknown; it is never taken for something that it said.
import type { FetchMessageObject, FetchQueryObject, MessageStructureObject } from 'imapflow';
import { emptyLine } from '../../mail/headers';
import type { Answer } from './answers';

/** The header fields that a mail is identified and filtered by. */
const FIELDS = ['message-id', 'from', 'to', 'cc', 'date', 'subject'];
/** Hardly a header is as long: where so much comes of each mail, its header does not come once more. Octets. */
const MOST_HEADER_BYTES = 32 * 1024;
const [CR, LF] = [0x0d, 0x0a];
export const NO_NEEDS: FactNeeds = { flags: false, structure: false };

export interface MailFacts {
  readonly uid: number;
  /** Octets (RFC822.SIZE); 0: unknown, or a mail without anything. */
  readonly size: number;
  /** INTERNALDATE, ms since 1970; null: unknown. */
  readonly receivedAt: number | null;
  readonly emailId: string | undefined;
  /** A header block with Message-ID, From, To, Cc, Date and Subject at least; null: the server hands out nothing of it. */
  readonly fields: Buffer | null;
  /** Where it was asked for. */
  readonly flags?: ReadonlySet<string>;
  /** BODYSTRUCTURE, where it was asked for. */
  readonly structure?: MessageStructureObject;
  /** The raw mail, where it was asked for and is small. */
  readonly content?: Buffer;
  /** The same, where it is less than the server says that there is, or nobody knows: perhaps not all of it. */
  readonly short?: Buffer;
}

/** What is fetched of each mail besides what identifies it. */
export interface FactNeeds {
  readonly flags: boolean;
  readonly structure: boolean;
}

/**
 * The FETCH that asks for it.
 * @param wholeBelow a mail of fewer octets comes with its content; of a larger one no more is sent; 0: none does
 */
export const factQuery = ({ flags, structure }: FactNeeds, wholeBelow = 0): FetchQueryObject => ({
  size: true,
  internalDate: true,
  // Each item costs both sides, and the line, as much as a short mail.
  ...(wholeBelow < MOST_HEADER_BYTES && { headers: FIELDS }),
  ...(flags && { flags }),
  ...(structure && { bodyStructure: true }),
  ...(wholeBelow > 0 && { source: { start: 0, maxLength: wholeBelow } }),
});

/** With the header block that its content begins with, where that was not asked for; where it is longer, without. */
export function withHeader(message: FetchMessageObject): FetchMessageObject {
  const { headers, source } = message;
  const end = headers || !source ? null : emptyLine(source);
  return end ? { ...message, headers: source!.subarray(0, end.to) } : message;
}

/**
 * Whether all of it was answered, but for BODYSTRUCTURE: a server may have none, or one that cannot be read.
 * @param hasIds the server gives each mail an id (RFC 8474, Gmail)
 */
export function isAnswered(answer: Answer | undefined, needs: FactNeeds, hasIds: boolean): answer is Answer {
  return (
    answer?.header !== undefined &&
    isWholeHeader(answer.header) &&
    answer.size !== undefined &&
    answer.receivedAt !== undefined &&
    (answer.emailId !== undefined || !hasIds) &&
    (answer.flags !== undefined || !needs.flags)
  );
}

/** A header, and a choice of its fields, ends with an empty line (RFC 3501, 6.4.5): what does not may be cut off. */
export function isWholeHeader(header: Buffer | null): boolean {
  if (header?.at(-1) !== LF) return false;
  const end = header.length - (header.at(-2) === CR ? 3 : 2);
  return end < 0 || header[end] === LF;
}

/** @param wholeBelow as it was asked with */
export function factsOf(answer: Answer, wholeBelow = 0): MailFacts {
  const { uid, size = 0, receivedAt = null, emailId, header, content, flags, structure } = answer;
  const isSmall = content && content.length > 0 && Math.max(content.length, size) < wholeBelow;
  return {
    uid,
    size,
    receivedAt,
    emailId,
    fields: header && header.length > 0 ? header : null,
    ...(flags && { flags }),
    ...(structure && { structure }),
    ...(isSmall && (size > 0 && content.length >= size ? { content } : { short: content })),
  };
}
