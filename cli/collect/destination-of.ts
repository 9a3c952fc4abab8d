// Which destination a job has: the one place that knows all kinds of them.
import type { Destination } from './destination';
import type { JobToDo } from './to-do';
import { type WebhookPorts, webhookDestination } from './webhook-destination';

/** @throws Error: this command knows no such place */
export function destinationOf(job: JobToDo, ports: WebhookPorts): Destination {
  const { webhook } = job.job.to;
  if (webhook) return webhookDestination(job.name, webhook, ports);
  throw new Error(
    `The job ${job.name} goes to a stream, which this version of the command does not know yet.`,
  );
}
