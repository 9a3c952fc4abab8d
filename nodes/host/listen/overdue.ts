// A start that stands still: no step of it fails, and none ends. Nobody sees that, for n8n calls the trigger active.
// Invariant: what it waits for is told once a minute to the log, and once to people when an outage would be; the step itself goes
// on as if nobody looked.
import { log } from '../n8n/log';

const LOOK_MS = 60_000;

export interface Overdue {
  /** Of the trigger. */
  readonly name: string;
  /** People are told after so long, ms; null: never. */
  readonly afterMs: number | null;
  readonly tell: (error: Error) => void;
}

/** @param what it waits for, for people: "the mail ledger to be opened" */
export async function watchedStep<T>(
  { name, afterMs, tell }: Overdue,
  what: string,
  step: Promise<T>,
): Promise<T> {
  let minutes = 0;
  const looking = setInterval(() => {
    minutes++;
    log.error(`${name} is not listening yet: for ${minutes} min it has waited for ${what}`);
  }, LOOK_MS).unref();
  const stands = new Error(
    `it waits for ${what}, and nothing has failed. If that lasts, start n8n again; its log may tell more`,
  );
  const telling = afterMs === null ? undefined : setTimeout(() => tell(stands), afterMs).unref();
  try {
    return await step;
  } finally {
    clearInterval(looking);
    clearTimeout(telling);
  }
}
