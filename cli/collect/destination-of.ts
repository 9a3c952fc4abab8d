// Which destination a job has: the one place that knows all kinds of them.
import type { Destination } from './destination';
import type { StreamPlace } from './streams';
import type { JobToDo } from './to-do';
import { type WebhookPorts, webhookDestination } from './webhook-destination';

/** What hands mails over by itself, and what is handed to a stream's consumers. */
export type Place = Destination | StreamPlace;

/** @throws Error: this command knows no such place */
export function destinationOf({ name, job }: JobToDo, ports: WebhookPorts): Place {
  const { webhook, stream } = job.to;
  if (webhook) return webhookDestination(name, webhook, ports);
  if (stream) return { job: name, stream };
  throw new Error(`The job ${name} goes nowhere.`);
}
