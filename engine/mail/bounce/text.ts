// Bounces that are no reports: a text for people, and below it the original, or its header (qmail, older Exim, Postfix's and others').
// Invariants: only what a mail server wrote counts, and not what it repeats of ours; it names who has not got it, or why, and does not
// say that it is tried on.
import type { MailHeaders } from '../headers';
import { type BouncedRecipient, shortened, statusIn } from './delivery-status';
import { isOfServer, isSubjectOfDelay } from './writer';

/** What mail servers say when they give up. */
const GIVEN_UP =
  /permanent (?:error|failure|fatal)|failed permanently|fatal errors?|(?:could|can) ?not be delivered|couldn'?t be delivered|wasn'?t able to deliver|unable to deliver|undeliver(?:able|ed)|delivery (?:has |to [^\n]{0,200} )?failed|delivery failure|returned to sender|returning message to sender|user unknown|unknown user|no such user|unzustellbar|konnte nicht zugestellt/i;
const TRIED_ON =
  /will (?:be (?:retried|attempted|tried again)|keep trying|continue|try)\b|still (?:be )?trying|past \d+ (?:hours?|minutes?)\b|warning: could not send|(?:message|delivery)[^\n]{0,80}delayed|delayed mail|not yet been delivered|this is a warning message only|do not need to resend|verzögert/i;
/** Of SMTP, or of RFC 3463. */
const CODE = /(?<![\d.])[45](?:\d\d(?![.,]?\d)|\.\d{1,3}\.\d{1,3}(?!\.?\d))/;

const MOST_TEXT = 20_000;

/** @returns none: it is no bounce */
export function failuresInText(headers: MailHeaders, text: string): readonly BouncedRecipient[] {
  const said = withoutOurs(beforeOriginal(text.slice(0, MOST_TEXT)));
  if (TRIED_ON.test(said) || isSubjectOfDelay(headers)) return [];
  const named = namedIn(headers);
  // Who says in the header who has not got it says it in any language.
  if (named.length > 0) return failuresOf(named, said);
  if (!isOfServer(headers) || !GIVEN_UP.test(said)) return [];
  const addresses = addressesIn(said);
  if (addresses.length > 0) return failuresOf(addresses, said);
  return CODE.test(said) ? [{ address: null, status: statusIn(said), diagnostic: null }] : [];
}

/** X-Failed-Recipients: Gmail's, Exim's. */
const namedIn = (headers: MailHeaders): readonly string[] =>
  (headers.get('x-failed-recipients')?.[0] ?? '').split(/[\s,]+/).filter((address) => address !== '');

const failuresOf = (addresses: readonly string[], said: string): readonly BouncedRecipient[] =>
  addresses.slice(0, MOST_NAMED).map((address) => {
    const diagnostic = saidOf(said, address);
    return { address, status: statusIn(diagnostic ?? '') ?? statusIn(said), diagnostic };
  });

const MOST_NAMED = 100;

/** The original begins below a line that says so, or with its own header. */
function beforeOriginal(text: string): string {
  const at = text.search(
    /^(?:--[^\n]{0,200}(?:copy of|original message|message header|headers? follow|below this line|returned message)|(?:return-path|received|message-id):)/im,
  );
  return at < 0 ? text : text.slice(0, at);
}

/** What is quoted, and our subject. */
const withoutOurs = (text: string): string => text.replace(/^[ \t]*(?:>|subject:)[^\n]*/gim, '');

/** A line that is an address, and perhaps a colon: `<bob@example.com>:`, or `  bob@example.com`. */
const ADDRESS_LINE = /^[ \t]*<?([^\s<>:;,"]{1,64}@[^\s<>:;,"]{1,255})>?:?[ \t]*\r?$/gm;

const addressesIn = (said: string): readonly string[] => [
  ...new Set([...said.matchAll(ADDRESS_LINE)].map(([, address]) => address!)),
];

/** What stands below the line of the address, up to an empty one. */
function saidOf(said: string, address: string): string | null {
  const lines = said.split(/\r?\n/);
  const at = lines.findIndex((line) => line.includes(address));
  if (at < 0) return null;
  const below = lines.slice(at + 1);
  const end = below.findIndex((line) => line.trim() === '');
  return shortened(below.slice(0, end < 0 ? undefined : end).join(' ')) || null;
}
