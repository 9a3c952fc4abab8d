// How a receiver knows that a webhook is ours, and that it is the one it had already.
// Invariants: the id is the same in every try, the timestamp is the try's; what is signed are the bytes that are sent; no secret
// is in an error.
// Source: Standard Webhooks 1.0.0, "Signature scheme" and "Webhook headers".
import { createHash, createHmac } from 'node:crypto';
import { WebhookFault } from './webhook-url';

const PREFIX = 'whsec_';
/** Of a Standard Webhooks secret, in bytes. */
const LEAST_SECRET = 24;
const MOST_SECRET = 64;

export interface Signed {
  /** `webhook-id`. */
  readonly id: string;
  /** Of this try, seconds since 1970. */
  readonly timestamp: number;
  readonly body: Uint8Array;
}

/** @param key of the entry; full stops would let one id be taken for another and a time */
export const webhookId = (key: string): string =>
  `msg_${/^[\w-]{1,100}$/.test(key) ? key : createHash('sha256').update(key).digest('hex')}`;

/**
 * @param secrets the newest first; several while one is rotated: a receiver tries each
 * @returns the value of `webhook-signature`
 * @throws WebhookFault: a secret cannot be one
 */
export const standardSignature = (secrets: readonly string[], { id, timestamp, body }: Signed): string =>
  secrets
    .map((secret) => {
      const hmac = createHmac('sha256', secretBytes(secret)).update(`${id}.${timestamp}.`).update(body);
      return `v1,${hmac.digest('base64')}`;
    })
    .join(' ');

/** For receivers that were there before the standard. @returns lower-case hex */
export const plainSignature = (secret: string, body: Uint8Array): string =>
  createHmac('sha256', secret).update(body).digest('hex');

/** Of Standard Webhooks. @throws WebhookFault: it cannot be a secret; says what one looks like */
export const checkedSecret = (secret: string): void => void secretBytes(secret);

function secretBytes(secret: string): Buffer {
  const base64 = secret.startsWith(PREFIX) ? secret.slice(PREFIX.length) : secret;
  const bytes = Buffer.from(base64, 'base64');
  const isBase64 = bytes.toString('base64').replace(/=+$/, '') === base64.replace(/=+$/, '');
  if (isBase64 && bytes.length >= LEAST_SECRET && bytes.length <= MOST_SECRET) return bytes;
  throw new WebhookFault(
    `The signing secret must be "${PREFIX}" and ${LEAST_SECRET} to ${MOST_SECRET} random bytes in base64, such as ` +
      `\`openssl rand -base64 32\` gives.`,
  );
}
