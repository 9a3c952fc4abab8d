// What the server tells of a mail: what identifies it, what filters need, and a small one's content.
import type { FetchMessageObject, FetchQueryObject, MessageStructureObject } from 'imapflow';

/** The header fields that a mail is identified and filtered by. */
const FIELDS = ['message-id', 'from', 'to', 'cc', 'date', 'subject'];
export const NO_NEEDS: FactNeeds = { flags: false, structure: false };

export interface MailFacts {
  readonly uid: number;
  /** Octets (RFC822.SIZE). */
  readonly size: number;
  /** INTERNALDATE, ms since 1970. */
  readonly receivedAt: number | null;
  readonly emailId: string | undefined;
  /** Message-ID, From, To, Cc, Date and Subject, as a header block. */
  readonly fields: Buffer;
  /** Where it was asked for. */
  readonly flags?: ReadonlySet<string>;
  /** BODYSTRUCTURE, where it was asked for. */
  readonly structure?: MessageStructureObject;
  /** The raw mail, where it was asked for and is small. */
  readonly content?: Buffer;
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
  headers: FIELDS,
  ...(flags && { flags }),
  ...(structure && { bodyStructure: true }),
  ...(wholeBelow > 0 && { source: { start: 0, maxLength: wholeBelow } }),
});

/** @param wholeBelow as it was asked with */
export function factsOf(message: FetchMessageObject, wholeBelow = 0): MailFacts {
  const { source } = message;
  const isWhole = source && source.length > 0 && Math.max(source.length, message.size ?? 0) < wholeBelow;
  const date = message.internalDate ? new Date(message.internalDate).getTime() : NaN;
  return {
    uid: message.uid,
    size: message.size ?? 0,
    receivedAt: Number.isNaN(date) ? null : date,
    emailId: message.emailId,
    fields: message.headers ?? Buffer.alloc(0),
    ...(message.flags && { flags: message.flags }),
    ...(message.bodyStructure && { structure: message.bodyStructure }),
    ...(isWhole && { content: source }),
  };
}
