// What a person is told of a trigger that listens: by a failed execution, which also starts n8n's error workflow. The
// trigger stays up. Where n8n takes no such report it stands in the log, as an error.
import type { ITriggerFunctions } from 'n8n-workflow';
import type { Ended } from '../../engine/ledger/ledger';
import type { Unserved } from '../../engine/ledger/serving';
import { errorText } from '../../engine/runtime/log';
import type { Collector } from './collector';
import { failedExecution } from './internals';
import { log } from './log';
import type { Memory } from './memory';
import { nodeError } from './node-error';

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
      this.#collector.isWhole?.(error)
        ? errorText(error)
        : `${this.#collector.watched()} is not being read: ${errorText(error)}`,
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

  /** n8n remembers a ledger that is not the one there is. */
  ledgerLost(place: string, { place: before, at }: Memory, skips: boolean): void {
    const until = new Date(at).toISOString();
    const what =
      before === place
        ? `was made anew since then: its file or its tables were lost`
        : `was ${before} until then, and is another one now`;
    const reading = skips
      ? 'As it is set, the trigger begins with new mail.'
      : `Mail is read again from then on, so that none of the meantime is missing; some of it may run twice.`;
    this.#tell(
      `The mail ledger (${place}) does not know this trigger, which had listened at ${until}. It ${what}.`,
      `Mails that waited in the old one do not run from here. ${reading} If the ledger was changed on purpose, there ` +
        "is nothing to do. If not: keep n8n's folder on a volume, and look at Where Emails Are Kept and DURABLE_MAIL_POSTGRES_URL.",
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

  /** Mails wait for a trigger that is gone. */
  leftBehind({ nodeName, account, mailbox, waiting, goesAt }: Unserved): void {
    const mails = waiting === 1 ? '1 mail waits' : `${waiting} mails wait`;
    const trigger = nodeName === null ? 'a trigger' : `the trigger "${nodeName}"`;
    const at = new Date(goesAt).toISOString().slice(0, 10);
    this.#tell(
      `${mails} for ${trigger} that is not in this workflow any more, and nobody runs them: ${mailbox} of ${account}.`,
      'Put a trigger for this mailbox into the workflow and publish it: it takes them over. Or end them with the Mail ' +
        `Ledger node (Mark Done). Otherwise they are deleted with their content on ${at}.`,
    );
  }

  #tell(message: string, description: string): void {
    try {
      const node = this.#context.getNode();
      if (failedExecution(this.#context, nodeError(node, message, description))) return;
      log.error(`${this.name}: ${message} ${description}`);
    } catch (failure) {
      log.error(`${this.name}: ${message} n8n did not take the report: ${errorText(failure)}`);
    }
  }
}
