// Sends the webhooks of jobs (webhook-destination.ts): as the outbox sends any webhook, with the secrets of the configuration as they
// are when a try begins; and says in the log what does not arrive.
// Invariant: what a receiver answered is in the ledger, and not in the log.
import { delayBefore } from '../../engine/outbox/delay';
import type { Sender } from '../../engine/outbox/sender';
import type { CredentialOf } from '../../engine/outbox/webhook/secret-headers';
import { WebhookSender } from '../../engine/outbox/webhook/webhook-sender';
import type { Log } from '../../engine/runtime/log';
import { readSecret } from '../config/secret';
import type { Webhook } from '../config/webhook';
import { COLLECTED_KIND } from './webhook-destination';

/** @param webhookOf of the job as it is now; undefined: there is no such job any more */
export function collectedSender(webhookOf: (job: string) => Webhook | undefined, log: Log): Sender {
  const sender = new WebhookSender({
    credentialOf: secretsOf(webhookOf),
    // It tells no endpoint.
    setAside: () => Promise.resolve(false),
  });
  return {
    kind: COLLECTED_KIND,
    limits: (entry) => sender.limits(entry),
    schedule: (entry) => sender.schedule(entry),
    inDoubt: (entry) => sender.inDoubt(entry),
    send: async (entry, trying) => {
      const end = await sender.send(entry, trying);
      const told = `[webhook ${entry.origin.nodeName ?? ''}]`.replace('Job ', '');
      const fields = { entry: entry.id, try: entry.tries };
      if (end.end === 'refused') log.error(`${told} given up: ${end.error}`, fields);
      else if (end.end === 'failed') {
        const left = delayBefore(sender.schedule(entry), end.why, entry);
        if (left === undefined) log.error(`${told} given up, its tries are used up: ${end.error}`, fields);
        else log.warn(`${told} not sent yet: ${end.error}`, fields);
      } else if (end.end === 'returned' && end.afterMs > 0) log.warn(`${told} waits: ${end.error}`, fields);
      return end;
    },
  };
}

/** By the names that config/webhook.ts gives them. */
const secretsOf =
  (webhookOf: (job: string) => Webhook | undefined): CredentialOf =>
  ({ id, type }) => {
    const webhook = webhookOf(id);
    if (!webhook) return Promise.resolve(null);
    const { secret, previousSecret, auth } = webhook;
    try {
      switch (type) {
        case 'signing':
          return Promise.resolve(
            secret
              ? {
                  secret: readSecret(secret),
                  ...(previousSecret && { previousSecret: readSecret(previousSecret) }),
                }
              : null,
          );
        case 'httpBasicAuth':
          return Promise.resolve(
            auth?.basic ? { user: auth.basic.user, password: readSecret(auth.basic.password) } : null,
          );
        default:
          return Promise.resolve(
            auth?.header ? { name: auth.header.name, value: readSecret(auth.header.value) } : null,
          );
      }
    } catch {
      // A file that is being replaced, or is gone: it is asked for again in a minute.
      return Promise.resolve(null);
    }
  };
