// Bounces that are no reports: a text for people, and below it the original, or its header (qmail, older Exim, Postfix's and others').
// Invariant: only a text that says that it was given up counts, and none that says that it is tried on.
import { type BouncedRecipient, shortened, statusIn } from './delivery-status';

/** What mail servers say when they give up, of which one has to stand there. */
const GIVEN_UP =
  /permanent (?:error|failure|fatal)|failed permanently|fatal errors?|(?:could|can) ?not be delivered|couldn'?t be delivered|wasn'?t able to deliver|unable to deliver|undeliver(?:able|ed)|delivery (?:has |to [^\n]{0,200} )?failed|delivery failure|returned to sender|returning message to sender|user unknown|unknown user|no such user|unzustellbar|konnte nicht zugestellt/i;
const TRIED_ON =
  /will (?:be retried|keep trying|continue to try|be attempted)|still (?:be )?trying|(?:message|delivery)[^\n]{0,80}delayed|delayed mail|not yet been delivered|this is a warning message only|do not need to resend|verzögert/i;

const MOST_TEXT = 20_000;

/** @param named who has not got it, where the header says so (X-Failed-Recipients) @returns none: it is no bounce */
export function failuresInText(
  subject: string,
  text: string,
  named: readonly string[],
): readonly BouncedRecipient[] {
  const said = beforeOriginal(text.slice(0, MOST_TEXT));
  const all = `${subject}\n${said}`;
  if (TRIED_ON.test(all) || !GIVEN_UP.test(all)) return [];
  const addresses = named.length > 0 ? named : addressesIn(said);
  if (addresses.length === 0) return [{ address: null, status: statusIn(said), diagnostic: null }];
  return addresses.slice(0, MOST_NAMED).map((address) => {
    const diagnostic = saidOf(said, address);
    return { address, status: statusIn(diagnostic ?? '') ?? statusIn(said), diagnostic };
  });
}

const MOST_NAMED = 100;

/** The original begins below a line that says so, or with its own header. */
function beforeOriginal(text: string): string {
  const at = text.search(
    /^(?:--[^\n]{0,200}(?:copy of|original message|message header|headers? follow|below this line|returned message)|(?:return-path|received|message-id):)/im,
  );
  return at < 0 ? text : text.slice(0, at);
}

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
