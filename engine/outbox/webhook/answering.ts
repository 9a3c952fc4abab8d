// What an answer, or none, means for a webhook, in words for people.
// Invariant: words never have the body of an answer in them, nor more of a URL than is shown of it: what the receiver said is a
// field of its own.
// Source: Standard Webhooks 1.0.0, "Delivery success and failure": 2xx is a success, everything else a failure that is tried
// again, but for 410; 429, 502 and 504 (and 503, RFC 9110, 15.6.4) slow the receiver's lane down.
import { STATUS_CODES } from 'node:http';
import { retryAfterMs } from '../../http/retry-after';
import { errorText } from '../../runtime/log';
import type { TryEnd } from '../sender';
import { blotted, longestSecret } from './blotting';
import { type Answer, PostTimeout } from './posting';
import { shownUrl, WebhookFault } from './webhook-url';

const GONE = 410;
const SLOW_DOWN: ReadonlySet<number> = new Set([429, 502, 503, 504]);
/** Where it does not say how long. */
const REST_MS = 30_000;
/** Whatever it says of this webhook. */
const MOST_LATER_MS = 86_400_000;
/** For all that goes to its host: another path may be another service, which takes what it is sent. */
const MOST_REST_MS = 10 * 60_000;

/** Of the body, in the log. */
const MOST_SAID_BYTES = 1_024;

export interface Told {
  /** Whole: what a redirect is relative to. */
  readonly url: string;
  /** As it is shown. */
  readonly where: string;
  /** Not to be seen in what the receiver answered. */
  readonly secrets: readonly string[];
  readonly random: () => number;
}

export const isGone = ({ status }: Pick<Answer, 'status'>): boolean => status === GONE;

export function endOf(answer: Answer, { url, where, secrets, random }: Told): TryEnd {
  const { status } = answer;
  const said = saidIn(answer, secrets);
  if (status >= 200 && status < 300) return { end: 'sent', answer: said };
  const error = `${where} answered ${status}${reasonOf(status)}. ${adviceFor(answer, url)}`.trimEnd();
  if (isGone(answer)) return { end: 'refused', error, answer: said };
  const asked = retryAfterMs(answer);
  const afterMs = asked === null ? null : Math.min(asked, MOST_LATER_MS);
  return {
    ...{ end: 'failed', why: 'refused', error, answer: said },
    ...(afterMs !== null && { afterMs }),
    ...(SLOW_DOWN.has(status) && {
      laneRestsMs: Math.min(afterMs ?? Math.round(REST_MS * (1 + random() / 2)), MOST_REST_MS),
    }),
  };
}

/** How much of a body is to be read, so that what is secret in its first kilobyte is seen whole. */
export const answerBytes = (secrets: readonly string[]): number => MOST_SAID_BYTES + longestSecret(secrets);

/** `HTTP 200`, and the beginning of the body in one line. */
function saidIn({ status, text }: Answer, secrets: readonly string[]): string {
  const bytes = Buffer.from(blotted(text, secrets)).subarray(0, MOST_SAID_BYTES);
  // Without a character that is cut off.
  let shown = new TextDecoder().decode(bytes, { stream: true });
  // A terminal or a page is not to be led by what a stranger answers.
  shown = shown.replace(/[\u0000-\u001f\u007f-\u009f]+/g, ' ').trim();
  return shown === '' ? `HTTP ${status}` : `HTTP ${status}: ${shown}`;
}

const reasonOf = (status: number): string => {
  const reason = STATUS_CODES[status];
  return reason === undefined ? '' : ` (${reason})`;
};

function adviceFor({ status, headers }: Answer, url: string): string {
  if (status >= 300 && status < 400) {
    const to = headers['location'] ?? '';
    const target = to !== '' && URL.canParse(to, url) ? ` to ${shownUrl(new URL(to, url))}` : '';
    return `Redirects are not followed: if it has moved${target}, enter the new URL.`;
  }
  if (status === 401 || status === 403) return 'See whether its credential and its signing secret are right.';
  if (status === 404 || status === 405) return 'See whether the URL is right, and takes POST.';
  if (status === GONE) return 'The receiver says that it is gone: nothing is sent there any more.';
  if (SLOW_DOWN.has(status)) return 'It asks for less: nothing is sent there for a while.';
  return status < 500 ? 'The receiver does not take it as it is: see what it says.' : '';
}

/** Nothing came back, or it was not reached. */
export function faultText(error: unknown, where: string): string {
  if (error instanceof WebhookFault) return error.message;
  if (error instanceof PostTimeout) return `${where} did not answer in time.`;
  const code = codeOf(error);
  const words = WORDS[code] ?? WORDS_OF_KIND.find(([kind]) => kind.test(code))?.[1];
  return `${where} ${words ?? `could not be asked: ${code || errorText(error)}.`}`;
}

const WORDS: Readonly<Partial<Record<string, string>>> = {
  ECONNREFUSED: 'refused the connection: nothing listens there.',
  ECONNRESET: 'broke the connection off before it answered.',
  EPIPE: 'broke the connection off before it answered.',
  ETIMEDOUT: 'could not be reached in time.',
  EHOSTUNREACH: 'could not be reached: there is no way to its address.',
  ENETUNREACH: 'could not be reached: there is no way to its network.',
  ENOTFOUND: 'could not be found: its name has no address. See whether the URL is right.',
  EAI_AGAIN: 'could not be found: the name server did not answer.',
  ERR_TLS_CERT_ALTNAME_INVALID: 'has a certificate for another name, so it cannot be trusted.',
  CERT_HAS_EXPIRED: 'has a certificate that has expired, so it cannot be trusted.',
};
/** The first that fits: what TLS itself says of certificates is about ours, and is no fault of the receiver's. */
const WORDS_OF_KIND: readonly (readonly [codes: RegExp, words: string])[] = [
  [/^ERR_SSL_.*CERTIFICATE_REQUIRED$/, 'asks for a client certificate, and webhooks have none.'],
  [
    /^ERR_SSL_(?:WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|HTTP_REQUEST)$/,
    'does not speak TLS on this port. See whether the URL is to begin with http://, or has another port.',
  ],
  [
    /^ERR_SSL_|^EPROTO$/,
    'broke the TLS handshake off. It may ask for a client certificate, which webhooks do not have, or know no version of TLS ' +
      'that is used today.',
  ],
  [
    /CERT|SIGNATURE|ISSUER|SELF_SIGNED/,
    'has a certificate that cannot be verified. Where it is of an authority of your own, tell n8n by NODE_EXTRA_CA_CERTS.',
  ],
];

function codeOf(error: unknown): string {
  // Of several addresses, each failed in its way.
  const first = error instanceof AggregateError ? (error.errors[0] as unknown) : error;
  const { code } = (first ?? {}) as { readonly code?: unknown };
  return typeof code === 'string' ? code : '';
}

/** What `saidIn` has put into the log. */
export function readSaid(said: string): { readonly status: number | null; readonly answer: string } {
  const found = /^HTTP (\d{3})(?:: ([^]*))?$/.exec(said);
  return found ? { status: Number(found[1]), answer: found[2] ?? '' } : { status: null, answer: said };
}
