// What a person is told of a trigger that listens: by a failed execution, which also starts n8n's error workflow. The
// trigger stays up. Where n8n takes no such report it stands in the log, as an error.
import type { ITriggerFunctions } from 'n8n-workflow';
import { NodeOperationError } from 'n8n-workflow';
import type { Ended } from '../../engine/ledger/ledger';
import { errorText } from '../../engine/runtime/log';
import type { Collector } from './collector';
import { failedExecution } from './internals';
import { log } from './log';

export class Telling {
  readonly #context: ITriggerFunctions;
  readonly #collector: Collector;

  constructor(context: ITriggerFunctions, collector: Collector) {
    this.#context = context;
    this.#collector = collector;
  }

  /** The trigger, for a log line. */
  get name(): string {
    return `The trigger "${this.#context.getNode().name}" of workflow ${this.#context.getWorkflow().id}`;
  }

  notRead(error: unknown): void {
    this.#tell(
      `${this.#collector.watched()} is not being read: ${errorText(error)}`,
      'The trigger stays active and goes on trying. No mail is lost.',
    );
  }

  readAgain(lastedMs: number): void {
    const minutes = Math.max(1, Math.round(lastedMs / 60_000));
    this.#tell(
      `${this.#collector.watched()} is being read again, after ${minutes === 1 ? 'a minute' : `${minutes} minutes`}.`,
      'This is no failure: the trigger was set to tell when an outage is over. The mails of the meantime run now.',
    );
  }

  /** Something is wrong, while mail is being read. */
  warn(fault: Error): void {
    this.#tell(fault.message, 'The trigger stays active.');
  }

  /** Runs end before they could take their mails: nothing of the mails was done. */
  unclaimed(error: string, runs: number): void {
    this.#tell(
      `${this.#collector.watched()} is read, but its mails do not run: ${runs} runs in a row ended before the trigger ` +
        `could take their mail. n8n says of the last one: ${error}`,
      'No mail is lost, and none of them has used up a try. One run at a time is tried from now on, after ever longer ' +
        'waits (5 minutes at most). When one takes its mail, the others follow at once.',
    );
  }

  setAside(ended: Ended): void {
    const { event, state, failures, executionId } = ended;
    const times = failures === 1 ? 'once' : `${failures} times`;
    const what =
      state === 'DEAD'
        ? `A mail was set aside as DEAD: its run failed ${times}, and no more tries are left.`
        : 'A mail was set aside as UNKNOWN: nobody knows how its run ended, and it is to run once at most.';
    const last = executionId ? `Its last run was execution ${executionId}. ` : '';
    this.#tell(
      `${what} ${this.#collector.place(ended)}, event ${event}.`,
      `${last}The mail is kept in the mail ledger: the Mail Ledger node can show it, and run it again (Replay).`,
    );
  }

  #tell(message: string, description: string): void {
    try {
      const node = this.#context.getNode();
      if (failedExecution(this.#context, new NodeOperationError(node, message, { description }))) return;
      log.error(`${this.name}: ${message} ${description}`);
    } catch (failure) {
      log.error(`${this.name}: ${message} n8n did not take the report: ${errorText(failure)}`);
    }
  }
}
