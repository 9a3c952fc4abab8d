// A mail that says that another one came back: which one, to whom it did not go, and why (RFC 3464, and what others write instead).
// Invariants: an ordinary mail costs a look at its header and no more; nothing that stands in a mail makes this throw; only what is
// lost for good counts: one that is late, relayed or delivered has not come back.
import type { MailHeaders } from '../headers';
import { type BounceParts, bouncePartsOf } from './parts';
import { failuresInText } from './text';
import { type BouncedRecipient, failuresIn } from './delivery-status';

export interface Bounce {
  /** Of the mail that came back, with angle brackets. */
  readonly messageId: string;
  /** One at least. */
  readonly recipients: readonly BouncedRecipient[];
  /** When the report was written, ms since 1970, as it says. Null: it does not say it in full. */
  readonly at: number | null;
}

/** @param raw the whole mail, as it came @returns null: it is none, or does not say of which mail */
export function bounceOf(raw: Buffer): Bounce | null {
  const parts = bouncePartsOf(raw);
  if (!parts) return null;
  const recipients = failuresOf(parts);
  if (recipients.length === 0) return null;
  const messageId = originalOf(parts);
  return messageId === null ? null : { messageId, recipients, at: writtenAt(parts.headers) };
}

/** What is noted of it. @param raw as far as it is here: a report stands at its beginning */
export function bounceIn(
  raw: Buffer,
): (Pick<Bounce, 'messageId' | 'at'> & { readonly reason: string }) | null {
  const bounce = bounceOf(raw);
  return bounce && { messageId: bounce.messageId, reason: bounceReason(bounce), at: bounce.at };
}

/** For people, and for the log. */
export function bounceReason({ recipients }: Bounce): string {
  return recipients
    .map(({ address, status, diagnostic }) => {
      const why = [status, diagnostic].filter((text) => text !== null).join(': ');
      return `It came back${address === null ? '' : ` from ${address}`}${why === '' ? '' : ` (${why})`}.`;
    })
    .join(' ');
}

function failuresOf({ headers, reports, text }: BounceParts): readonly BouncedRecipient[] {
  // A report says it all, also that nothing has failed.
  if (reports.length > 0) return reports.flatMap(failuresIn);
  if (isOtherReport(headers)) return [];
  return failuresInText(headers, text);
}

/** Of reading (RFC 8098), of spam (RFC 5965). */
const isOtherReport = (headers: MailHeaders): boolean =>
  /report-type\s*=\s*"?(?:disposition-notification|feedback-report)/i.test(
    headers.get('content-type')?.[0] ?? '',
  );

/**
 * What is left of it says best (Outlook.com gives it an id of its own, and keeps ours beside it); else what the report answers; else a
 * text that quotes its header.
 */
function originalOf({ headers, original, text }: BounceParts): string | null {
  return (
    idIn(original?.get('x-microsoft-original-message-id')?.[0]) ??
    idIn(original?.get('message-id')?.[0]) ??
    idIn(headers.get('x-original-message-id')?.[0]) ??
    idIn(headers.get('in-reply-to')?.[0]) ??
    idIn(headers.get('references')?.[0]?.slice(-MOST_ID)) ??
    idIn(/^[> \t]*x-microsoft-original-message-id:\s*(<[^<>\s]+>)/im.exec(text)?.[1]) ??
    idIn(/^[> \t]*message-id:\s*(<[^<>\s]+>)/im.exec(text)?.[1])
  );
}

const MOST_ID = 998;

/** The last one. */
const idIn = (field: string | undefined): string | null =>
  field?.match(/<[!-;=?-~\u0080-\uffff]{1,996}>/g)?.at(-1) ?? null;

const MOST_DATE = 100;

/** A date without its zone is hours off. */
function writtenAt(headers: MailHeaders): number | null {
  const date = headers.get('date')?.[0]?.slice(0, MOST_DATE) ?? '';
  const at = /[+-]\d{4}\b|\b(?:GMT|UTC?)\b/i.test(date) ? Date.parse(date.replace(/\s+/g, ' ')) : NaN;
  return Number.isNaN(at) ? null : at;
}
