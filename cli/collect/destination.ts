// Where the mails of a job go: one file for each kind of place.
// Invariant: what was taken is durable, once for its key: the same mail handed over again changes nothing.
import type { Claim } from '../../engine/ledger/pointer';
import type { JobToDo } from './to-do';
import { type WebhookPorts, webhookDestination } from './webhook-destination';

export interface Destination {
  /** Resolves when the place has it for good; rejects: it is tried again later. */
  take(claim: Claim): Promise<void>;
}

/** @throws Error: this command knows no such place */
export function destinationOf(job: JobToDo, ports: WebhookPorts): Destination {
  const { webhook } = job.job.to;
  if (webhook) return webhookDestination(job.name, webhook, ports);
  throw new Error(
    `The job ${job.name} goes to a stream, which this version of the command does not know yet.`,
  );
}
