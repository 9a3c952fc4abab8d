// What an answer other than "good" means: https://developers.google.com/gmail/api/guides/handle-errors.
// Invariant: "it is not there" is believed only if the API itself says so, never of a page that something else sent.
import { fieldsOf, Malformed, parseJson } from './answers';
import { GmailFault } from './fault';
import type { HttpAnswer } from '../../http/send';
import { type GmailLogin, named } from './login';
import { retryAfterMs } from '../../http/retry-after';

export type Verdict =
  /** It passes. */
  | {
      readonly kind: 'again';
      readonly what: string;
      readonly retryAfterMs: number | null;
      readonly todo?: string;
    }
  /** Too much was asked for: all of the account's requests wait. */
  | { readonly kind: 'limited'; readonly what: string; readonly retryAfterMs: number | null }
  | { readonly kind: 'token' }
  | { readonly kind: 'missing'; readonly said: string }
  | { readonly kind: 'fault'; readonly fault: GmailFault };

/** What Google says of an error, as far as it is read here. */
interface Said {
  readonly code: unknown;
  readonly message: string;
  /** As in `errors` and `details`, and the status. */
  readonly reasons: readonly string[];
}

const RATE_LIMIT = /^(rateLimitExceeded|userRateLimitExceeded|RATE_LIMIT_EXCEEDED|RESOURCE_EXHAUSTED)$/;
const DAILY_LIMIT = /^(dailyLimit|quotaExceeded)/;
/** The day's quota does not come back in a minute. */
const DAILY_PAUSE_MS = 15 * 60_000;

/**
 * @param doing what was asked for, such as "reading a message"
 * @throws Malformed it does not come from the API
 */
export function judge(
  answer: HttpAnswer,
  login: Pick<GmailLogin, 'address' | 'credential'>,
  doing: string,
): Verdict {
  const { status } = answer;
  if (status === 401) return { kind: 'token' };
  if (status === 429 || status >= 500 || status === 408) {
    const said = saidOrNothing(answer);
    return {
      kind: status === 429 ? 'limited' : 'again',
      what: `status ${status}${said.message && `, "${said.message}"`}`,
      retryAfterMs: waitSaidBy(answer, said.message),
    };
  }
  const said = saidBy(answer);
  if (status === 404) return { kind: 'missing', said: said.message };
  return status === 403
    ? forbidden(answer, said, named(login), doing)
    : refused(answer, said, login.address, doing);
}

function forbidden(answer: HttpAnswer, said: Said, whose: string, doing: string): Verdict {
  const what = `"${said.message}"`;
  const afterMs = waitSaidBy(answer, said.message);
  if (said.reasons.some((reason) => DAILY_LIMIT.test(reason)))
    return { kind: 'limited', what, retryAfterMs: afterMs ?? DAILY_PAUSE_MS };
  if (said.reasons.some((reason) => RATE_LIMIT.test(reason)))
    return { kind: 'limited', what, retryAfterMs: afterMs };
  return forbids(whose, doing, said);
}

/** Google's words: the API has no reason of its own for it. */
const OTHER_TOPIC = /only one user push notification client/i;

function refused(answer: HttpAnswer, said: Said, address: string, doing: string): Verdict {
  const isOfOtherTopic = OTHER_TOPIC.test(said.message);
  const isPrecondition = said.reasons.some((reason) => /^failedPrecondition$/i.test(reason.replace('_', '')));
  // It is as often Google's trouble of a moment as a setting.
  if (isPrecondition && !isOfOtherTopic)
    return {
      kind: 'again',
      what: `"${said.message}"`,
      retryAfterMs: waitSaidBy(answer, said.message),
      todo: remedy(said),
    };
  const text = `Gmail refused ${doing} in ${address}: "${said.message}".`;
  return { kind: 'fault', fault: new GmailFault('refused', text, { isOfOtherTopic }) };
}

const forbids = (whose: string, doing: string, said: Said): Verdict => ({
  kind: 'fault',
  fault: new GmailFault(
    'forbidden',
    `Gmail does not allow ${doing} in ${whose}: "${said.message}". ${remedy(said)}`,
  ),
});

/** What a person can do; the first that fits. */
const REMEDIES: readonly (readonly [fits: RegExp, todo: string])[] = [
  [
    /^(insufficientPermissions|ACCESS_TOKEN_SCOPE_INSUFFICIENT)$/,
    'The credential was not given all that is needed: connect it again and allow everything that it asks for; ' +
      'for a service account, allow its scopes under domain-wide delegation in the Google Admin console.',
  ],
  [/^domainPolicy$/, "The domain's administrators have switched this off: ask them to allow the app."],
  [
    /^(accessNotConfigured|SERVICE_DISABLED)$/,
    'Turn on the Gmail API in the Google Cloud project that the credential belongs to; it takes a few minutes.',
  ],
  [
    /^failedPrecondition$|^FAILED_PRECONDITION$/,
    'The account must have Gmail switched on, and a service account must act for a mailbox: enter its address in the ' +
      'credential under "Impersonate a User".',
  ],
];

function remedy({ reasons, message }: Said): string {
  if (/pub\W?sub/i.test(message))
    return 'Give gmail-api-push@system.gserviceaccount.com the role "Pub/Sub Publisher" on the topic.';
  const found = REMEDIES.find(([fits]) => reasons.some((reason) => fits.test(reason)));
  return found?.[1] ?? 'Check what the credential and the account are allowed to do.';
}

/** How long Google wants to be left alone, ms: as HTTP says it, or in its own words of an error. Null: it does not say. */
export const waitSaidBy = (answer: HttpAnswer, message: string, wallClock = Date.now): number | null =>
  retryAfterMs(answer, /retry after (\S+Z)/i.exec(message)?.[1], wallClock);

/** @throws Malformed */
function saidBy(answer: HttpAnswer): Said {
  const error = fieldsOf(fieldsOf(parseJson(answer.body), 'the answer')['error'], 'error');
  if (error['code'] !== answer.status) throw new Malformed('its code is not its status');
  const entries = [error['errors'], error['details']].flatMap((list): unknown[] =>
    Array.isArray(list) ? list : [],
  );
  const reasons = entries.map((entry) => (entry as { reason?: unknown } | null)?.reason);
  return {
    code: error['code'],
    message: shortly(typeof error['message'] === 'string' ? error['message'] : ''),
    reasons: [...reasons, error['status']].filter((reason) => typeof reason === 'string'),
  };
}

function saidOrNothing(answer: HttpAnswer): Said {
  try {
    return saidBy(answer);
  } catch {
    return { code: undefined, message: '', reasons: [] };
  }
}

/** Somebody's words, for people: one line, not too long, and without anything like a token. */
export const shortly = (words: string): string =>
  words
    .replace(/\b(ya29\.|Bearer\s+|eyJ)[\w.~+/=-]+/gi, '…')
    .replace(/\s+/g, ' ')
    .trim()
    .slice(0, 300);
