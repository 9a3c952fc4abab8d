// Triggers that listen in other processes, and whose readings cannot be compiled in this one, such as where a newer version has
// stored them.
// Invariant: while this process reads the source, each of them hears of it: else its mail would seem to be collected.
import type { ReadSubscription } from '../ledger/readings';
import { errorText, type Log } from '../runtime/log';
import { monotonicNow } from '../runtime/time';

/** A complaint counts for a day (ledger/common/members.ts). */
const AGAIN_MS = 12 * 60 * 60_000;

export interface UncompiledPorts {
  readonly log: Log;
  /** Tells the trigger. */
  readonly complain: (subscriptionId: number, said: string) => void;
}

export class UncompiledReadings {
  readonly #ports: UncompiledPorts;
  readonly #now: () => number;
  /** What the log says, by subscription. */
  readonly #logged = new Map<number, string>();
  /** What the triggers were told, and when (monotonic). */
  readonly #told = new Map<number, { readonly said: string; readonly at: number }>();

  constructor(ports: UncompiledPorts, now = monotonicNow) {
    this.#ports = ports;
    this.#now = now;
  }

  /** It is so. @param isReadHere this process reads the source, so that nobody else does for the trigger */
  failed(
    { id, nodeName, nodeId, workflowId, source }: ReadSubscription,
    error: unknown,
    isReadHere: boolean,
  ): void {
    const why = errorText(error);
    if (this.#logged.get(id) !== why) {
      this.#logged.set(id, why);
      this.#ports.log.warn(
        `The trigger "${nodeName ?? nodeId}" of workflow ${workflowId}, which listens in another process, is not ` +
          `collected for here: ${why}`,
      );
    }
    if (!isReadHere) return;
    const said =
      `The process that reads the mailbox "${source.mailbox}" of ${source.account} cannot do so for this trigger, so no new ` +
      `mail of it runs. It says: ${why}`;
    const told = this.#told.get(id);
    if (told?.said === said && this.#now() - told.at < AGAIN_MS) return;
    this.#told.set(id, { said, at: this.#now() });
    this.#ports.complain(id, said);
  }

  /** It is read. */
  over(subscriptionId: number): void {
    this.#logged.delete(subscriptionId);
    this.#told.delete(subscriptionId);
  }
}
