// How a Gmail mail is stored: a line of JSON that says what Gmail says of it, then the raw message, packed together.
// Invariant: a run needs nothing but this to give out the mail; JSON has no line breaks, so the first one ends it.
import type { RawMessage } from '../api/types';
import type { GmailEvent } from './event';

const LF = 0x0a;

/** What Gmail said of the mail when it was read, and why it is here. */
export interface GmailMailFacts extends Omit<RawMessage, 'raw'> {
  /** What has happened to it; a mail that was both received and sent (to oneself) was received. */
  readonly event: GmailEvent;
  /** The labels whose addition this is about. */
  readonly addedLabelIds: readonly string[];
}

/** What is stored, and what is handed out for a mail that is not stored. */
export function gmailMailBytes(
  { raw, ...message }: RawMessage,
  event: GmailEvent,
  addedLabelIds: readonly string[] = [],
): Buffer {
  const { id, threadId, labelIds, snippet, historyId, internalDate, sizeEstimate } = message;
  const facts: GmailMailFacts = {
    ...{ id, threadId, labelIds, snippet, historyId, internalDate, sizeEstimate },
    ...{ event, addedLabelIds },
  };
  return Buffer.concat([Buffer.from(`${JSON.stringify(facts)}\n`), raw]);
}

/** @param unpacked as `gmailMailBytes` gave it @throws Error: it is none of that */
export function openGmailMail(unpacked: Buffer): { readonly facts: GmailMailFacts; readonly raw: Buffer } {
  const end = unpacked.indexOf(LF);
  if (end < 0) throw new Error('The stored mail is not one of Gmail: it has no line that describes it.');
  const facts = JSON.parse(unpacked.toString('utf8', 0, end)) as GmailMailFacts;
  return { facts, raw: unpacked.subarray(end + 1) };
}
