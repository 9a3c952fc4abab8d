// Where a job's mails go by webhook: what stands in the configuration, and the request that the outbox makes of it.
// Invariant: secrets are named by the job that has them, and read when a try begins (cli/collect/collected-sender.ts).
/* eslint-disable @typescript-eslint/explicit-module-boundary-types -- what zod infers is the type */
import type { z } from 'zod/v4';
import {
  DEFAULT_WEBHOOK_REQUEST,
  ownSchedule,
  STANDARD_WEBHOOKS_SCHEDULE,
  type WebhookRequest,
} from '../../engine/outbox/webhook/webhook-request';
import { type Origin, secretSchema } from './secret';
import { known, mustBe, oneOf, type Zod } from './words';

/** Of the raw mail: in base64 it stays well below what a webhook may have, and is one piece of the ledger's. */
const MOST_INLINE_BYTES = 4 * 1024 * 1024;
const DEFAULT_INLINE_BYTES = 256 * 1024;
const MOST_TRIES = 20;
const MOST_DELAY_S = 14 * 86_400;

/** A token of RFC 9110, 5.1. Whoever writes "name: value" as one key has the value in it. */
const HEADER = /^[\w!#$%&'*+.^`|~-]{1,200}$/;

export function webhookSchema(zod: Zod, origin: Origin) {
  const secret = () => secretSchema(zod, origin);
  const text = zod.string().min(1).max(200);
  return known(zod, {
    url: zod.string().min(1),
    secret: secret()
      .optional()
      .describe(
        'Of Standard Webhooks: whsec_ and 24 to 64 random bytes in base64. Without one it is not signed',
      ),
    previousSecret: secret().optional().describe('While the secret is rotated'),
    auth: known(zod, {
      header: known(zod, { name: text, value: secret() }).optional(),
      basic: known(zod, { user: text, password: secret() }).optional(),
    })
      .refine(oneOf('header', 'basic'), { error: 'must have a header or basic, and not both' })
      .optional(),
    headers: zod
      .record(
        zod.string().regex(HEADER, mustBe('the name of a header: letters, digits and hyphens')),
        zod.string(),
      )
      .default({})
      .describe('None that is secret: that is auth'),
    content: zod
      .union(
        [
          zod.enum(['reference', 'none']),
          known(zod, { inlineUpToBytes: zod.number().int().min(1).max(MOST_INLINE_BYTES) }),
        ],
        mustBe(`reference, none, or { inlineUpToBytes: 262144 }, at most ${MOST_INLINE_BYTES}`),
      )
      .default({ inlineUpToBytes: DEFAULT_INLINE_BYTES }),
    tries: zod
      .union(
        [zod.enum(['standard', 'usual']), zod.array(zod.number().min(1).max(MOST_DELAY_S)).max(MOST_TRIES)],
        mustBe('standard, usual, or a list of seconds before the second try, the third, …'),
      )
      .default('standard')
      .describe('standard: ten tries within three days; usual: after 1, 5 and 15 min'),
    timeoutSeconds: zod.number().min(1).max(120).default(15),
    mostAtOnce: zod.number().int().min(1).max(100).default(4),
    mostAMinute: zod.number().int().min(1).optional(),
    allowOwnNetwork: zod.boolean().default(false).describe('Addresses of the own network may be asked'),
  });
}

export type Webhook = z.output<ReturnType<typeof webhookSchema>>;

/** @param job names its secrets */
export function requestOf(webhook: Webhook, job: string): WebhookRequest {
  const { secret, auth, tries, timeoutSeconds, mostAtOnce, mostAMinute = null, allowOwnNetwork } = webhook;
  const named = (type: string) => ({ id: job, name: `job ${job} (configuration)`, type });
  return {
    ...DEFAULT_WEBHOOK_REQUEST,
    signing: secret ? { kind: 'standard', credential: named('signing') } : { kind: 'none' },
    auth: auth ? named(auth.basic ? 'httpBasicAuth' : 'httpHeaderAuth') : null,
    timeoutMs: timeoutSeconds * 1_000,
    schedule: scheduleOf(tries),
    limits: { mostAtOnce, mostAMinute },
    allowOwnNetwork,
  };
}

function scheduleOf(tries: Webhook['tries']): WebhookRequest['schedule'] {
  if (tries === 'standard') return STANDARD_WEBHOOKS_SCHEDULE;
  if (tries === 'usual') return DEFAULT_WEBHOOK_REQUEST.schedule;
  return ownSchedule(tries.map((seconds) => Math.round(seconds * 1_000)));
}
