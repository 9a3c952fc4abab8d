// Hands a mail to the outbox, as a webhook to be sent. Sent it is by whoever collects by this ledger, with the secrets of the
// configuration: it has a kind and lanes of its own, so that no n8n that shares the ledger, and has no such secrets, takes it.
// Invariant: its key is that of the mail in its job: claimed again, it is queued once; its `webhook-id` is the same in every try.
import { createHash } from 'node:crypto';
import type { Ledger } from '../../engine/ledger/ledger';
import { jsonContent } from '../../engine/outbox/webhook/packed-webhook';
import { webhookEntry } from '../../engine/outbox/webhook/webhook-request';
import { requestOf, type Webhook } from '../config/webhook';
import type { Destination } from './destination';
import { mailTold } from './mail-body';

export const COLLECTED_KIND = 'collected';

/** How long it stays in the log, ms. */
const KEEP_MS = 30 * 86_400_000;

export interface WebhookPorts {
  readonly ledger: Pick<Ledger, 'enqueue' | 'contentPiece'>;
  readonly publicUrl: string | undefined;
  /** There is something to be sent. */
  readonly queued: () => void;
}

export const webhookDestination = (job: string, webhook: Webhook, ports: WebhookPorts): Destination => ({
  take: async (claim) => {
    const { ledger, publicUrl, queued } = ports;
    const body = await mailTold(claim, { job, content: webhook.content, publicUrl }, ledger);
    const entry = await webhookEntry({
      key: entryKey(job, claim.idempotencyKey),
      request: requestOf(webhook, job),
      content: jsonContent(webhook.url, body, webhook.headers),
      subject: claim.subject,
      origin: { workflowId: `collector:${job}`, nodeId: null, nodeName: `Job ${job}`, event: claim.event },
      keepMs: KEEP_MS,
    });
    await ledger.enqueue([{ ...entry, kind: COLLECTED_KIND, lane: `${COLLECTED_KIND} ${entry.lane}` }]);
    queued();
  },
});

const entryKey = (job: string, mail: string): string =>
  createHash('sha256')
    .update(JSON.stringify([COLLECTED_KIND, job, mail]))
    .digest('hex');
