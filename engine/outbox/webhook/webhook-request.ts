// What stands in an entry of kind `webhook` beside its content: how it is signed and tried. JSON, written when the entry is
// enqueued and read by whoever sends it, perhaps a later version in another process.
// Invariants: nothing secret is in it: URL and headers, which may have tokens in them, stand in the content, and secrets in n8n's
// credentials; what this version cannot read is said, and never guessed at.
import type { NewEntry } from '../../ledger/outbox';
import type { LaneLimits, TrySchedule } from '../sender';
import { packWebhook, type WebhookContent } from './packed-webhook';
import { checkedHeaders, checkedUrl, laneOf, shownUrl } from './webhook-url';

export const WEBHOOK_KIND = 'webhook';

/** As n8n keeps it: what is secret is asked for by its id, anew for each try. */
export interface CredentialRef {
  readonly id: string;
  readonly name: string;
  readonly type: string;
}

export type WebhookSigning =
  /** Standard Webhooks. The credential's `secret` (`whsec_…`), and `previousSecret` while it is rotated. */
  | { readonly kind: 'standard'; readonly credential: CredentialRef }
  /** HMAC-SHA256 of the body, hex, after the prefix (`sha256=`). The credential's `secret`, as text. */
  | {
      readonly kind: 'hmac';
      readonly credential: CredentialRef;
      readonly header: string;
      readonly prefix: string;
    }
  | { readonly kind: 'none' };

export interface WebhookRequest {
  /** Of this JSON. */
  readonly form: 1;
  readonly signing: WebhookSigning;
  /** n8n's own `httpHeaderAuth`, `httpQueryAuth` or `httpBasicAuth`, sent with it. */
  readonly auth: CredentialRef | null;
  /** Of one try, from its beginning to the head of the answer. */
  readonly timeoutMs: number;
  readonly schedule: TrySchedule;
  readonly limits: LaneLimits;
  /** Addresses of the own network may be asked: loopback, private, shared (addresses.ts). Whoever sends it may know better. */
  readonly allowOwnNetwork: boolean;
  /** The receiver knows a `webhook-id` again: what was cut off is sent again. Else it is in doubt, and for a person. */
  readonly repeats: boolean;
  /** It tells this endpoint (its id) of a change. Null: a workflow asked for it. */
  readonly endpoint: number | null;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

const both = (delays: readonly number[]): TrySchedule => ({ connection: delays, refused: delays });

/** After 1, 5 and 15 min. */
export const DEFAULT_WEBHOOK_SCHEDULE = both([MINUTE_MS, 5 * MINUTE_MS, 15 * MINUTE_MS]);

/** As Standard Webhooks recommends: ten tries within 75.6 hours. */
export const STANDARD_WEBHOOKS_SCHEDULE = both([
  5_000,
  5 * MINUTE_MS,
  30 * MINUTE_MS,
  ...[2, 5, 10, 14, 20, 24].map((hours) => hours * HOUR_MS),
]);

/** One's own. @param delays before the second try, the third and so on, ms; empty: one try */
export const ownSchedule = (delays: readonly number[]): TrySchedule => both(delays);

export const DEFAULT_WEBHOOK_LIMITS: LaneLimits = { mostAtOnce: 4, mostAMinute: null };

/** What is left out of a request: unsigned, after 1, 5 and 15 min, 15 s, to others' networks only. */
export const DEFAULT_WEBHOOK_REQUEST: WebhookRequest = {
  form: 1,
  signing: { kind: 'none' },
  auth: null,
  timeoutMs: 15_000,
  schedule: DEFAULT_WEBHOOK_SCHEDULE,
  limits: DEFAULT_WEBHOOK_LIMITS,
  allowOwnNetwork: false,
  repeats: true,
  endpoint: null,
};

/** It was written by another version of this package, which this process cannot read. */
export class OtherWebhookVersion extends Error {
  constructor(form: unknown) {
    super(
      `This webhook was queued by another version of n8n-nodes-durable-mail (form ${String(form)}), and this one cannot send ` +
        'it. Use the newer version in every process of n8n.',
    );
    this.name = 'OtherWebhookVersion';
  }
}

/** @throws OtherWebhookVersion */
export function webhookRequest(row: Readonly<Record<string, unknown>>): WebhookRequest {
  if (row['form'] !== 1) throw new OtherWebhookVersion(row['form']);
  return row as unknown as WebhookRequest;
}

export interface WebhookWish extends Pick<NewEntry, 'key' | 'subject' | 'origin' | 'keepMs'> {
  readonly request: WebhookRequest;
  readonly content: WebhookContent;
}

/** @throws WebhookFault: the URL, or a header, cannot be used; it says why */
export async function webhookEntry({ request, content, ...named }: WebhookWish): Promise<NewEntry> {
  const url = checkedUrl(content.url, request);
  if (request.signing.kind === 'hmac') checkedHeaders({ [request.signing.header]: request.signing.prefix });
  return {
    ...named,
    kind: WEBHOOK_KIND,
    lane: laneOf(url),
    request: { ...request },
    content: await packWebhook({ ...content, headers: checkedHeaders(content.headers) }),
    recipient: shownUrl(url),
    messageId: null,
    repeats: request.repeats,
  };
}
