// Sends the webhooks of jobs (webhook-destination.ts): as the outbox sends any webhook, with the secrets of the configuration as they
// are when a try begins; and says in the log what does not arrive.
// Invariant: what a receiver answered is in the ledger, and not in the log.
import { delayBefore } from '../../engine/outbox/delay';
import type { Sender } from '../../engine/outbox/sender';
import { CredentialFault, type CredentialOf } from '../../engine/outbox/webhook/secret-headers';
import { WebhookSender } from '../../engine/outbox/webhook/webhook-sender';
import { errorText, type Log } from '../../engine/runtime/log';
import type { Job } from '../config/job';
import { readSecret, type SecretPlace } from '../config/secret';
import { COLLECTED_KIND } from './webhook-destination';

/** @param jobOf as it is now; undefined: there is no such job any more @throws Error: it is not known now, and why */
export function collectedSender(jobOf: (name: string) => Job | undefined, log: Log): Sender {
  const sender = new WebhookSender({
    credentialOf: secretsOf(jobOf),
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

/** By the names that config/webhook.ts gives them. It rejects with what is missing, and it is asked for again in a minute. */
const secretsOf =
  (jobOf: (name: string) => Job | undefined): CredentialOf =>
  async ({ id, type }) => {
    const job = knownJob(jobOf, id);
    if (!job)
      throw new CredentialFault(
        `The job ${id} is neither in the configuration any more, nor in a row of its table that can be used, and its secrets were there. Put it back to have this sent.`,
      );
    const { secret, previousSecret, auth } = job.to.webhook ?? {};
    const read = (key: string, place: SecretPlace | undefined): string => secretOf(id, key, place);
    switch (type) {
      case 'signing':
        return {
          secret: read('secret', secret),
          ...(previousSecret && { previousSecret: read('previousSecret', previousSecret) }),
        };
      case 'httpBasicAuth':
        return { user: auth?.basic?.user, password: read('auth.basic.password', auth?.basic?.password) };
      default:
        return { name: auth?.header?.name, value: read('auth.header.value', auth?.header?.value) };
    }
  };

/** @throws CredentialFault: it is not known now */
function knownJob(jobOf: (name: string) => Job | undefined, name: string): Job | undefined {
  try {
    return jobOf(name);
  } catch (error) {
    throw new CredentialFault(errorText(error));
  }
}

/** @throws CredentialFault that names the job and the key */
function secretOf(job: string, key: string, place: SecretPlace | undefined): string {
  if (!place)
    throw new CredentialFault(
      `The job ${job} has no to.webhook.${key} any more, and this was queued to be sent with it. Put it back to have this sent.`,
    );
  try {
    return readSecret(place);
  } catch (error) {
    throw new CredentialFault(`to.webhook.${key} of the job ${job}: ${errorText(error)}.`);
  }
}
