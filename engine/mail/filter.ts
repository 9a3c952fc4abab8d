// Which mails a workflow takes, judged from what the server tells of each without its content.
// Invariant: a pattern cannot hold up the process, however it is written and whatever a sender makes of it: it sees
// the first 1000 characters and has 100 ms. A mail that it could not judge in that time is taken, not lost.
import { createContext, Script, type Context } from 'node:vm';

export interface TextMatch {
  matches(text: string): boolean;
}

/** All of it must be so. What is left out is not asked. */
export interface MailFilter {
  readonly from?: TextMatch;
  /** To or Cc. */
  readonly to?: TextMatch;
  readonly subject?: TextMatch;
  readonly hasAttachment?: boolean;
  readonly unreadOnly?: boolean;
  /** Octets, as the server counts them (RFC822.SIZE); a mail of just this size is neither larger nor smaller. */
  readonly largerThan?: number;
  readonly smallerThan?: number;
}

/** What a filter is judged by; header texts decoded. */
export interface FilterFacts {
  readonly from: string;
  /** To and Cc. */
  readonly to: string;
  readonly subject: string;
  /** Octets. Null, of this and those below: nobody knows, and the mail is taken. */
  readonly size: number | null;
  readonly seen: boolean | null;
  readonly hasAttachment: boolean | null;
}

const MOST_JUDGED = 1_000;
const MOST_JUDGED_MS = 100;
// `g` and `y` would make a pattern remember where it was in the mail before.
const FLAGS = /^[dgimsuvy]*$/;
const REMEMBERING = /[gy]/g;

export function matchesFilter(filter: MailFilter, facts: FilterFacts): boolean {
  const { from, to, subject, hasAttachment, unreadOnly, largerThan, smallerThan } = filter;
  const { size } = facts;
  if (unreadOnly && facts.seen === true) return false;
  if (hasAttachment !== undefined && (facts.hasAttachment ?? hasAttachment) !== hasAttachment) return false;
  if (largerThan !== undefined && size !== null && size <= largerThan) return false;
  if (smallerThan !== undefined && size !== null && size >= smallerThan) return false;
  if (from && !from.matches(facts.from)) return false;
  if (to && !to.matches(facts.to)) return false;
  return !subject || subject.matches(facts.subject);
}

/** What has to be asked of the server, beside headers and sizes, to judge by this filter. */
export function filterNeeds(filter: MailFilter | null): {
  readonly flags: boolean;
  readonly structure: boolean;
} {
  return { flags: filter?.unreadOnly === true, structure: filter?.hasAttachment !== undefined };
}

/**
 * `ann`: the text is contained, in any case; `/^re:/i`: a regular expression, as JavaScript has them.
 * @throws Error that says what is wrong with the expression, and where in it
 */
export function parseTextMatch(text: string): TextMatch {
  const expression = /^\/(.+)\/([a-z]*)$/is.exec(text.trim());
  if (!expression) {
    const wanted = comparable(text);
    return { matches: (given) => comparable(given).includes(wanted) };
  }
  const pattern = readPattern(expression[1]!, expression[2]!);
  return { matches: (given) => judge(pattern, given.slice(0, MOST_JUDGED)) };
}

/** Letters that look the same are the same, however the sender's program writes them (NFC, NFD). */
const comparable = (text: string): string => text.normalize('NFC').toLowerCase();

function readPattern(source: string, flags: string): RegExp {
  if (!FLAGS.test(flags)) {
    throw new Error(
      `The regular expression /${source}/${flags} ends in "${flags}", which is none of its options (such as i: in any case). ` +
        'For a text that holds slashes itself, write it as an expression, with a backslash before each of them: /a\\/b/.',
    );
  }
  const kept = flags.replace(REMEMBERING, '');
  try {
    return new RegExp(source, kept);
  } catch (error) {
    // V8 says "Invalid regular expression: /(/i: Unterminated group".
    const wrong = (error as Error).message.split(': ').at(-1)!;
    const at = wrongAt(source, kept);
    const place = at === null ? '' : `, at character ${at + 1} (${source.slice(at, at + 10)})`;
    throw new Error(`The regular expression /${source}/${flags} cannot be read: ${wrong}${place}.`, {
      cause: error,
    });
  }
}

/** What cannot be read begins behind the longest part, from the start, that can. */
function wrongAt(source: string, flags: string): number | null {
  for (let length = Math.min(source.length, MOST_JUDGED) - 1; length >= 0; length--) {
    try {
      new RegExp(source.slice(0, length), flags);
      return length;
    } catch {
      // Shorter, then.
    }
  }
  // Not even nothing can be read: it is the flags.
  return null;
}

let judging: { readonly context: Context; readonly test: Script } | undefined;

/** Only a script with a deadline can be stopped in the middle of a match. It takes some 0.2 ms. */
function judge(pattern: RegExp, text: string): boolean {
  judging ??= {
    context: createContext(Object.create(null) as Context),
    test: new Script('pattern.test(text)'),
  };
  const { context, test } = judging;
  Object.assign(context, { pattern, text });
  try {
    return test.runInContext(context, { timeout: MOST_JUDGED_MS }) as boolean;
  } catch (error) {
    if ((error as { code?: string }).code === 'ERR_SCRIPT_EXECUTION_TIMEOUT') return true;
    throw error;
  } finally {
    Object.assign(context, { pattern: undefined, text: undefined });
  }
}
