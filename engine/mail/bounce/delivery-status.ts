// What a report says of each recipient (RFC 3464, 2.3): read forgivingly, as real servers write it.
// Invariant: who is late, or has got it, is not among those that it failed for.
import { type MailHeaders, readHeaders } from '../headers';
import { decodeBase64 } from '../mime/transfer-encoding';

export interface BouncedRecipient {
  /** Null: it does not say. */
  readonly address: string | null;
  /** RFC 3463, such as 5.1.1. */
  readonly status: string | null;
  /** What the other server said, on one line. */
  readonly diagnostic: string | null;
}

/** Blocks of fields: the first is of the mail, each other one of a recipient. */
export function failuresIn(report: string): readonly BouncedRecipient[] {
  const blocks = blocksOf(report);
  return blocks
    .flatMap((block, at) => (isCoded(blocks[at - 1]) ? blocksOf(decodeBase64(block).toString()) : [block]))
    .slice(0, MOST_BLOCKS)
    .map((block) => readHeaders(Buffer.from(block)))
    .filter(hasFailed)
    .map(recipientOf);
}

/** With one or more empty lines between them. */
const blocksOf = (report: string): readonly string[] => report.split(/\r?\n[ \t]*(?:\r?\n[ \t]*)+/);

/** Filters on the way (seen: Proofpoint) take the first block for the header of a part, and code what is below it. */
const isCoded = (above: string | undefined): boolean =>
  above !== undefined && /^content-transfer-encoding:[ \t]*base64/im.test(above);

const MOST_BLOCKS = 1_000;

/** Some leave out the action, and give the status alone. */
function hasFailed(block: MailHeaders): boolean {
  const action = valueOf(block, 'action')?.toLowerCase();
  if (action !== undefined) return /^failed\b/.test(action);
  const isRecipient = block.has('final-recipient') || block.has('original-recipient');
  return isRecipient && /^5\./.test(valueOf(block, 'status') ?? '');
}

function recipientOf(block: MailHeaders): BouncedRecipient {
  const diagnostic = withoutType(valueOf(block, 'diagnostic-code'));
  return {
    // The address that was written to, before anybody forwarded it.
    address: addressOf(block, 'original-recipient') ?? addressOf(block, 'final-recipient'),
    status: statusIn(valueOf(block, 'status') ?? '') ?? statusIn(diagnostic ?? ''),
    diagnostic: diagnostic === null ? null : shortened(diagnostic),
  };
}

const valueOf = (block: MailHeaders, name: string): string | undefined => block.get(name)?.[0]?.trim();

function addressOf(block: MailHeaders, name: string): string | null {
  const address = withoutType(valueOf(block, name))?.replace(/^<|>$/g, '') ?? '';
  return address.includes('@') && !/\s/.test(address) ? address.slice(0, MOST_ADDRESS) : null;
}

/** Such as `rfc822; ann@example.com`, `smtp; 550 No such user`. */
const withoutType = (value: string | undefined): string | null =>
  value?.replace(/^[\w.-]+\s*;\s*/, '') ?? null;

/** RFC 3463. */
export const statusIn = (text: string): string | null =>
  /(?<![\d.])[245]\.\d{1,3}\.\d{1,3}(?![\d.]\d)/.exec(text)?.[0] ?? null;

export const shortened = (text: string): string => text.replace(/\s+/g, ' ').trim().slice(0, MOST_DIAGNOSTIC);

const MOST_ADDRESS = 320;
const MOST_DIAGNOSTIC = 500;
