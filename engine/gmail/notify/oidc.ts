// Whether a push really comes from the Pub/Sub subscription that a trigger names: the OpenID Connect token that Google
// signs (https://cloud.google.com/pubsub/docs/authenticate-push-subscriptions). Invariants: only RS256, whatever the
// token says of itself; every check has to pass; nothing of a token stands in an error; nothing a stranger sends
// is a crash, or makes a request before all that can be checked without one was right.
import { verify } from 'node:crypto';
import type { GoogleKeys } from './google-keys';

/** The push is not from whom it should be; the reason is for the log, not for whoever sent it. */
export class PushRefused extends Error {
  override readonly name = 'PushRefused';
}

export interface ExpectedPush {
  /** What the subscription's push authentication has as audience: by default the push address. */
  readonly audience: string;
  /** The email address of the service account that the subscription signs with. */
  readonly serviceAccount: string;
  readonly keys: GoogleKeys;
  /** The time of day, ms since 1970. */
  readonly now?: () => number;
}

/** Google's have less than 2 KB. */
const MOST_HEADER = 8_192;
const SKEW_S = 60;
const ISSUERS: readonly unknown[] = ['https://accounts.google.com', 'accounts.google.com'];

/**
 * @param authorization the request's header
 * @throws PushRefused
 * @throws KeysUnavailable it cannot be known yet
 */
export async function verifyPushToken(
  authorization: string | undefined,
  expected: ExpectedPush,
): Promise<void> {
  const token = readToken(authorization);
  checkHeader(token.header);
  checkClaims(token.claims, expected, (expected.now ?? Date.now)() / 1000);
  const { kid } = token.header;
  const key = typeof kid === 'string' ? await expected.keys.find(kid) : undefined;
  if (!key) throw new PushRefused('Google has no such key');
  if (!verify('RSA-SHA256', Buffer.from(token.signed), key, token.signature)) {
    throw new PushRefused('The signature is wrong');
  }
}

type Part = Readonly<Record<string, unknown>>;

interface Token {
  readonly header: Part;
  readonly claims: Part;
  /** What the signature is of. */
  readonly signed: string;
  readonly signature: Buffer;
}

/** RFC 7515, 3.1: three parts in base64url. */
function readToken(authorization: unknown): Token {
  if (typeof authorization !== 'string') throw new PushRefused('There is no token');
  if (authorization.length > MOST_HEADER) throw new PushRefused('The token is too large');
  const text = /^Bearer +(\S+)$/i.exec(authorization)?.[1];
  if (text === undefined) throw new PushRefused('There is no bearer token');
  const [header, claims, signature, ...rest] = text.split('.');
  if (header === undefined || claims === undefined || signature === undefined || rest.length > 0) {
    throw new PushRefused('The token does not have three parts');
  }
  return {
    header: readPart(header),
    claims: readPart(claims),
    signed: `${header}.${claims}`,
    signature: decode(signature),
  };
}

function readPart(part: string): Part {
  let value: unknown;
  const text = decode(part).toString();
  try {
    value = JSON.parse(text);
  } catch {
    // As below.
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new PushRefused('A part of the token is not a JSON object');
  }
  return value as Part;
}

/** Strictly: two texts for one signature would be two tokens. */
function decode(part: string): Buffer {
  const data = Buffer.from(part, 'base64url');
  if (part === '' || data.toString('base64url') !== part) {
    throw new PushRefused('A part of the token is not base64url');
  }
  return data;
}

function checkHeader(header: Part): void {
  if (header['alg'] !== 'RS256') throw new PushRefused('The token is not signed with RS256');
  // Extensions that have to be understood (RFC 7515, 4.1.11): Google uses none.
  if (Object.hasOwn(header, 'crit')) throw new PushRefused('The token needs an extension');
}

function checkClaims(claims: Part, expected: ExpectedPush, nowS: number): void {
  const { aud, email, exp, iat, nbf } = claims;
  if (!ISSUERS.includes(claims['iss'])) throw new PushRefused('The token was not issued by Google');
  if (expected.audience === '' || aud !== expected.audience) {
    throw new PushRefused(`The token's audience is not ${expected.audience}`);
  }
  const account = expected.serviceAccount.trim().toLowerCase();
  if (account === '' || typeof email !== 'string' || email.toLowerCase() !== account) {
    throw new PushRefused(`The token is not of the service account ${account}`);
  }
  if (claims['email_verified'] !== true) throw new PushRefused('The email of the token is not verified');
  if (typeof exp !== 'number' || !(nowS < exp + SKEW_S)) throw new PushRefused('The token has expired');
  if (typeof iat !== 'number' || !(iat - SKEW_S <= nowS))
    throw new PushRefused('The token is from the future');
  if (nbf !== undefined && (typeof nbf !== 'number' || !(nbf - SKEW_S <= nowS))) {
    throw new PushRefused('The token is not good yet');
  }
}
